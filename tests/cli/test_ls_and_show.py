"""`autotrack ls` and `autotrack show`: what a person sees first, and the same as JSON."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autotrack

Cli = Callable[..., subprocess.CompletedProcess[str]]
AsJson = Callable[..., Any]


def first_words(table: str) -> list[str]:
    return [line.split()[0] for line in table.splitlines()[1:]]


def test_ls_shows_runs_newest_first_and_no_children(cli: Cli, ids: dict[str, str]) -> None:
    done = cli("ls")
    assert (done.returncode, done.stderr) == (0, "")
    assert first_words(done.stdout) == [ids[name] for name in ("fit", "broken", "odd", "baseline")]
    assert ids["fold"] in cli("ls", "--all").stdout


def test_ls_shows_held_out_metrics_before_those_of_training(cli: Cli) -> None:
    header = cli("ls", "name = 'baseline'").stdout.split("\n")[0].split()
    assert header == ["id", "name", "status", "started", "duration", "children", "val_accuracy", "train_loss"]
    assert "experiment" in cli("ls").stdout.split("\n")[0]  # where there are several


def test_ls_shows_what_the_search_names(cli: Cli) -> None:
    table = cli("ls", "params.C >= 0.5", "--order-by", "metrics.train_loss.min").stdout.splitlines()
    assert "params.C" in table[0]
    assert "train_loss.min" in table[0]
    assert [line.split()[1] for line in table[1:]] == ["baseline", "broken"]


def test_ls_finds_by_condition_experiment_and_order(as_json: AsJson) -> None:
    def names(*args: str) -> list[str]:
        return [run["name"] for run in as_json("ls", *args)]

    assert names("metrics.val_accuracy > 0.7") == ["größe 模型", "baseline"]
    assert names("--experiment", "odd") == ["größe 模型"]
    assert names("status = 'failed'") == ["broken"]
    assert names("params.seed is null", "--order-by", "name") == [
        "LogisticRegression",
        "baseline",
        "broken",
        "größe 模型",
    ]
    assert names("--limit", "1") == ["LogisticRegression"]
    assert len(names("--limit", "0", "--all")) == 5


def test_ls_says_how_many_more_there_are(cli: Cli) -> None:
    assert cli("ls", "--limit", "2").stderr == "There are more; show them with --limit 0\n"
    done = cli("ls", "metrics.val_accuracy > 0.2")
    assert "1 run inside another matches too; show all with --all\n" in done.stderr


def test_ls_of_a_parent_shows_its_children(cli: Cli, ids: dict[str, str]) -> None:
    assert first_words(cli("ls", f"parent = '{ids['baseline']}'").stdout) == [ids["fold"]]


def test_ls_as_json_keeps_types_and_writes_nan_as_text(as_json: AsJson) -> None:
    by_name = {run["name"]: run for run in as_json("ls")}
    assert by_name["baseline"]["params"] == {"C": 0.5, "kernel": "rbf", "seed": None}
    assert by_name["baseline"]["children"] == 1
    odd = by_name["größe 模型"]
    assert odd["params"]["list"] == [1, 2.5, "x"]
    assert odd["params"]["nan"] == "NaN"
    assert (odd["metrics"]["nan"], odd["metrics"]["up"], odd["metrics"]["down"]) == ("NaN", "Infinity", "-Infinity")


def test_ls_where_nothing_fits_says_what_there_is(cli: Cli) -> None:
    done = cli("ls", "metrics.val_accuracy > 2")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "No run fits. There are 5: see them with: autotrack ls --all\n"
    done = cli("ls", "--experiment", "spma")
    assert done.stderr == "No run is in the experiment 'spma'. Did you mean 'spam'? There are: odd, spam\n"
    done = cli("ls", "metrics.val_acuracy > 0")
    assert "Warning: No run has the metric 'val_acuracy'. Did you mean 'val_accuracy'?" in done.stderr
    assert cli("ls", "metrics.val_accuracy > 2", "--json").stdout == "[]\n"


def test_ls_without_a_store_is_friendly_and_makes_none(bare: Cli, tmp_path: Path) -> None:
    done = bare("ls")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"No runs yet in {tmp_path / '.autotrack'}\nRecord some with: autotrack run train.py")
    assert bare("ls", "--json").stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_show_tells_where_from_what_and_what_came_out(cli: Cli, ids: dict[str, str]) -> None:
    done = cli("show", ids["fit"][:20])
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{ids['fit']}  LogisticRegression  finished"
    assert "  experiment  spam" in lines
    assert any(line.startswith("  author      ann on ") for line in lines)
    assert any(line.startswith("  command     python") for line in lines)
    titles = [line for line in lines if line and not line.startswith(" ")][1:]
    assert [title for title in titles if title in ("metrics", "params", "data", "model", "environment")] == [
        "metrics",
        "params",
        "data",
        "model",
        "environment",
    ]
    assert f'  load it  autotrack.load_model("run:{ids["fit"]}")' in lines
    assert "  class_weight       None" in lines


def test_show_of_a_series_has_last_least_and_most(cli: Cli, ids: dict[str, str]) -> None:
    words = [line.split() for line in cli("show", ids["baseline"]).stdout.splitlines()]
    assert ["name", "last", "min", "max", "count"] in words
    assert words.index(["val_accuracy", "0.8", "0.5", "0.8", "4"]) < words.index(
        ["train_loss", "0.25", "0.25", "1", "4"]
    )
    assert [
        "children",
        "1,",
        "see",
        "them",
        "with:",
        "autotrack",
        "ls",
        '"parent',
        "=",
        f"'{ids['baseline']}'\"",
    ] in words
    assert ["parent", ids["baseline"]] in [line.split() for line in cli("show", ids["fold"]).stdout.splitlines()]


def test_show_of_a_failed_run_has_its_error(cli: Cli, ids: dict[str, str]) -> None:
    out = cli("show", ids["broken"]).stdout
    assert out.splitlines()[0].endswith("broken  failed")
    assert "ValueError: boom" in out
    assert "Traceback (most recent call last):" in out


def test_show_as_json_is_all_there_is(as_json: AsJson, ids: dict[str, str]) -> None:
    shown = as_json("show", ids["fit"])
    assert (shown["run_id"], shown["status"], shown["params"]["C"]) == (ids["fit"], "finished", 0.25)
    assert shown["model"]["flavor"] == "sklearn"
    assert shown["environment"]["packages"]["scikit-learn"]
    assert as_json("show", ids["baseline"])["children"] == [ids["fold"]]
    assert as_json("show", ids["odd"])["summary"]["nan"]["last"] == "NaN"


@pytest.mark.parametrize("args", [("ls", "--all"), ("ls", "tags.note like '%'"), ("show", "odd")])
def test_what_was_recorded_does_not_steer_the_terminal(cli: Cli, ids: dict[str, str], args: tuple[str, ...]) -> None:
    out = cli(*(ids.get(arg, arg) for arg in args)).stdout
    assert all(char.isprintable() or char == "\n" for char in out)
    if "show" in args:
        assert "\\x1b[31mred\\x1b[0m" in out
        assert "bell\\x07 rtl\\u202egnp" in out


def test_show_of_a_run_whose_model_is_gone_shows_the_rest(bare: Cli, tmp_path: Path) -> None:
    with autotrack.start_run("kept") as run:
        run.log_artifact(b"bytes", "notes.txt")
        autotrack.log_model({"any": "object"})
    until = time.monotonic() + 60
    while not (run := autotrack.search_runs()[0]).environment:  # on a busy machine it comes later than the rest
        assert time.monotonic() < until
        time.sleep(0.1)
    assert run.models
    shutil.rmtree(tmp_path / ".autotrack" / "blobs")
    done = bare("show", run.id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is not in the store") == 2  # the model's package, and the record of the process
    assert "notes.txt" in done.stdout
    shown = json.loads(bare("show", run.id, "--json").stdout)
    assert "is not in the store" in shown["model"]["damaged"]
    assert shown["name"] == "kept"


def test_store_before_or_after_the_command_is_the_same(bare: Cli, filled: tuple[Path, Any]) -> None:
    before = bare("--store", str(filled[0]), "ls", "--json")
    after = bare("ls", "--json", "--store", str(filled[0]))
    assert before.stdout == after.stdout
    assert len(json.loads(before.stdout)) == 4


def test_show_tells_what_tables_explain_the_model(cli: Cli, as_json: AsJson, ids: dict[str, str]) -> None:
    lines = [" ".join(line.split()) for line in cli("show", ids["fit"]).stdout.splitlines()]
    assert "coefficients 2 rows: feature, coefficient" in lines
    assert "confusion 2 rows: true, predicted 0, predicted 1" in lines
    assert as_json("show", ids["fit"])["tables"]["coefficients"]["feature"] == ["x0", "(intercept)"]
    assert "tables" not in cli("show", ids["baseline"]).stdout
