"""`autotrack sql`: a SELECT over runs and metrics, as a table or as JSON."""

import json
from collections.abc import Callable
from typing import Any

Cli = Callable[..., Any]


def test_sql_prints_the_answer_as_a_table(cli: Cli) -> None:
    done = cli("sql", "select name, status, params['C'] as C from runs where name = 'baseline'")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["name", "status", "C"],
        ["baseline", "finished", "0.5"],
    ]


def test_sql_prints_json_with_nan_as_text(cli: Cli) -> None:
    done = cli("sql", "select key, value from metrics where key in ('nan', 'up') order by key", "--json")
    assert json.loads(done.stdout) == [{"key": "nan", "value": "NaN"}, {"key": "up", "value": "Infinity"}]


def test_sql_that_is_not_a_select_is_refused_without_a_traceback(cli: Cli) -> None:
    done = cli("sql", "delete from runs")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: This SQL is not one SELECT but DELETE.")
    assert "Traceback" not in done.stderr


def test_sql_that_duckdb_cannot_run_is_told_in_its_words(cli: Cli) -> None:
    done = cli("sql", "select nothing from runs")
    assert done.returncode == 1
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr
