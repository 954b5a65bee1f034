"""SQL by DuckDB: sealed and live as one, and nothing but reading."""

import math
import os
import sys
from pathlib import Path

import pytest

from autotrack.errors import MissingLibraryError, SearchError
from autotrack.query import sql
from autotrack.store import Store

NOON = 1_700_000_000_000_000


def row(run_id: str, **fields) -> dict:
    return {"run_id": run_id, "status": "finished", "start_ts": NOON, "end_ts": NOON + 1, **fields}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def half_sealed(store, journal) -> Store:
    """Run a is sealed and changed since, b is sealed, c is live; d was deleted."""
    rows = [row("a", params={"C": "1"}, metrics={"loss": [3.0, math.nan]}), row("b", metrics={"loss": [1.0]}), row("d")]
    journal(store, [*rows, row("d", metrics={"loss": [9.0]})]).close()
    store.seal()
    journal(
        store,
        [
            {"run_id": "a", "tags": {"best": "yes"}, "metrics": {"acc": [0.5]}},
            {"run_id": "c", "status": "running", "metrics": {"loss": [2.0]}},
            {"run_id": "d", "deleted": True},
        ],
        NOON + 5,
    )
    return store


def test_sealed_and_live_runs_are_one_table_without_doubles(half_sealed):
    found = sql(
        half_sealed, "select run_id, status, params['C'] as C, tags['best'] as best, metrics['loss'] as loss from runs"
    )
    assert sorted(found.to_pylist(), key=lambda one: one["run_id"])[1:] == [
        {"run_id": "b", "status": "finished", "C": None, "best": None, "loss": 1.0},
        {"run_id": "c", "status": "running", "C": None, "best": None, "loss": 2.0},
    ]
    assert sql(
        half_sealed, "select params['C'] as C, tags['best'] as best from runs where run_id = 'a'"
    ).to_pylist() == [{"C": "1", "best": "yes"}]


def test_points_are_one_table_and_those_of_deleted_runs_are_gone(half_sealed):
    found = sql(half_sealed, "select run_id, key, count(*) as n, sum(step) as s from metrics group by all order by all")
    assert [tuple(one.values()) for one in found.to_pylist()] == [
        ("a", "acc", 1, 0),
        ("a", "loss", 2, 1),
        ("b", "loss", 1, 0),
        ("c", "loss", 1, 0),
    ]


def test_sealing_changes_no_answer(half_sealed, journal):
    question = "select * exclude (updated_ts) from runs where run_id in ('a', 'b') order by run_id"
    before = sql(half_sealed, question), sql(half_sealed, "select * from metrics where run_id != 'c' order by all")
    half_sealed.seal()
    journal(half_sealed, [{"run_id": "b", "tags": {}}]).close()
    half_sealed.seal()
    after = sql(half_sealed, question), sql(half_sealed, "select * from metrics where run_id != 'c' order by all")
    assert repr([table.to_pylist() for table in after]) == repr([table.to_pylist() for table in before])


def test_a_store_without_runs_has_both_tables(store):
    assert sql(store, "select * from runs").num_rows == 0
    assert sql(store, "select run_id, key, step, value from metrics").column_names == ["run_id", "key", "step", "value"]


def test_a_run_that_was_killed_and_resumed_has_no_reason_left(store, journal):
    journal(store, [{"run_id": "a", "status": "running"}]).close()
    store.seal()
    assert sql(store, "select status, reason is null as plain from runs").to_pylist() == [
        {"status": "killed", "plain": False}
    ]
    journal(store, [row("a")], NOON + 9).close()
    store.seal()
    assert sql(store, "select status, reason is null as plain from runs").to_pylist() == [
        {"status": "finished", "plain": True}
    ]
    assert "reason" not in store.rows()["a"]


def test_the_store_may_lie_in_a_folder_with_any_name(tmp_path, journal):
    store = Store.open(tmp_path / "it's [a] *?", create=True)
    journal(store, [row("a", metrics={"loss": [1.0]})]).close()
    store.seal()
    assert sql(store, "select count(*) as n from runs join metrics using (run_id)").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{0}/x'",
        "copy runs to '{1}'",
        "explain analyze copy (select 1) to '{0}/x'",
        "export database '{0}/x'",
        "attach '{0}/x.db'",
        "set lock_configuration = false",
        "install httpfs",
        "create table x as select 1",
        "insert into runs select * from runs",
        "delete from runs",
        "drop view runs",
        "select 1; select 2",
        "with x as (copy (select 1) to '{0}/x') select * from x",
        "with x as (copy (select 42) to '{1}' (format parquet, use_tmp_file false)) select * from x",
        "select * from query('copy (select 1) to ''{0}/x''')",
        "select * from enable_logging(storage = 'file', storage_path = '{0}/x')",
        "call enable_logging(storage = 'file', storage_path = '{0}/x')",
        "pragma enable_profiling",
        "select * from read_text('{0}/autotrack.json')",
        "select * from read_csv('/etc/passwd')",
        "select nothing from runs",
        "selec",
        "",
    ],
)
def test_what_is_no_select_or_reaches_beyond_the_tables_is_refused_and_changes_nothing(half_sealed, statement):
    before = contents(half_sealed.root)
    one_file = next((half_sealed.root / "tables" / "runs").glob("*.parquet"))
    with pytest.raises(SearchError, match="Expected a SELECT"):
        sql(half_sealed, statement.format(half_sealed.root, one_file))
    assert contents(half_sealed.root) == before
    assert os.listdir() == ["store"]


def test_a_variable_of_the_caller_is_no_table(store):
    mine = sql(store, "select 1 as one")
    assert mine.num_rows == 1
    with pytest.raises(SearchError, match="mine"):
        sql(store, "select * from mine")


def test_without_duckdb_the_error_names_the_command(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingLibraryError, match=r"pip install .autotrack-ml\[sql\]"):
        sql(store, "select 1")
