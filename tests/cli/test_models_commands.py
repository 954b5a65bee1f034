"""`autotrack models`, the commands that change something or look at bytes, on a store of their own.

The command runs in this process here: how it is started, and how fast, is looked at elsewhere.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack import config
from autotrack.cli.main import cli

Command = Callable[..., Result]
Done = Callable[..., str]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of two runs with models, in a store where the command finds it; the second has the better `test_f1`."""
    monkeypatch.setenv("AUTOTRACK_STORE", str(tmp_path / ".autotrack"))
    monkeypatch.setenv("AUTOTRACK_AUTHOR", "ann")
    autotrack.enable()
    ids = []
    for C, test_f1 in ((1.0, 0.8), (2.0, 0.9)):
        with autotrack.start_run() as run:
            LogisticRegression(C=C).fit([[0.0], [1.0]], [0, 1])
            run.log_metric("test_f1", test_f1)
        ids.append(run.id)
    return ids


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """`command("models", ...)`: as a process of its own would, with no settings in force but the environment's."""

    def run(*args: str) -> Result:
        with monkeypatch.context() as patch:
            patch.setattr(config, "_in_force", {})
            patch.setenv("AUTOTRACK_STORE", ".autotrack")  # what --store sets is taken back
            return CliRunner().invoke(cli, args, prog_name="autotrack")

    return run


@pytest.fixture
def done(command: Command) -> Callable[..., str]:
    """`done("models", ...)`: what a command prints that ends well and has nothing to complain about."""

    def run(*args: str) -> str:
        found = command(*args)
        assert (found.exit_code, found.stderr) == (0, "")
        return found.stdout

    return run


@pytest.fixture
def told(command: Command) -> Callable[..., str]:
    """`told("models", ...)`: the error of a command that fails with exit code 1 and prints nothing."""

    def run(*args: str, code: int = 1) -> str:
        found = command(*args)
        assert (found.exit_code, found.stdout) == (code, "")
        assert "Traceback" not in found.stderr
        return found.stderr

    return run


@pytest.fixture
def registered(runs: list[str]) -> list[str]:
    """The same, registered as churn/1 and churn/2."""
    for run_id in runs:
        autotrack.register_model(run_id, "churn")
    return runs


def test_model_of_a_run_is_registered_with_alias_tags_and_description(runs: list[str], done: Done) -> None:
    said = done(
        "models", "register", runs[0][:16], "churn", "--alias", "champion", "--tag", "team=growth", "--tag", "a=b=c"
    )
    assert said == f"churn/1 is the model of run {runs[0]}.\n"
    again = json.loads(done("models", "register", runs[1], "churn", "--description", "the second", "--json"))
    assert (again["version"], again["description"], again["created_by"]) == (2, "the second", "ann")
    shown = json.loads(done("models", "show", "churn@champion", "--json"))
    assert (shown["version"], shown["tags"]) == (1, {"team": "growth", "a": "b=c"})


def test_run_is_registered_by_the_reference_it_is_loaded_by(runs: list[str], done: Done) -> None:
    said = done("models", "register", f"run:{runs[0]}", "churn")
    assert said == f"churn/1 is the model of run {runs[0]}.\n"


def test_run_that_is_not_there_or_a_tag_without_a_value_is_told(runs: list[str], told: Done) -> None:
    assert told("models", "register", "ffff", "churn").startswith("Error: ")
    assert "'team' is no tag. Expected KEY=VALUE." in told(
        "models", "register", runs[0], "churn", "--tag", "team", code=2
    )
    assert "Invalid alias 'latest'" in told("models", "register", runs[0], "churn", "--alias", "latest")


def test_promotion_says_what_moved_and_rollback_takes_it_back(registered: list[str], done: Done) -> None:
    assert done("models", "promote", "churn/1") == "churn: @champion now means version 1\n"
    said = done("models", "promote", "churn", "--gate", "metrics.test_f1 >= champion + 0.05", "--reason", "as agreed")
    assert said == (
        "churn: @champion now means version 2, before 1; the gate `metrics.test_f1 >= champion + 0.05` held; "
        "reason: as agreed\n"
    )
    assert done("models", "rollback", "churn@champion") == "churn: @champion rolled back to version 1, before 2\n"
    assert json.loads(done("models", "promote", "churn/2", "--to", "staging", "--json"))["aliases"] == ["staging"]
    events = json.loads(done("models", "history", "churn", "--json"))
    assert [event["op"] for event in events] == ["register"] * 2 + ["alias"] * 4
    assert events[3]["gate"]["values"] == {"metrics.test_f1": {"candidate": 0.9, "champion": 0.8}}
    assert "rolled back to version 1, before 2" in done("models", "history", "churn")


def test_gate_that_fails_ends_with_code_1_unless_forced(registered: list[str], done: Done, told: Done) -> None:
    done("models", "promote", "churn/2")
    gate = ("--gate", "metrics.test_f1 >= champion")
    assert told("models", "promote", "churn/1", *gate).startswith(
        "Error: Version 1 of 'churn' was not promoted to 'champion': `metrics.test_f1 >= champion` does not hold. "
        "metrics.test_f1 is 0.8, of 'champion' 0.9.\n"
    )
    said = done("models", "promote", "churn/1", *gate, "--force")
    assert "the gate `metrics.test_f1 >= champion` did not hold, promoted all the same" in said


def test_alias_is_moved_if_it_is_where_it_is_expected(registered: list[str], done: Done, told: Done) -> None:
    assert done("models", "alias", "churn/1", "best", "--expect", "none") == "churn: @best now means version 1\n"
    assert "it points at version 1" in told("models", "alias", "churn/2", "best", "--expect", "none")
    assert done("models", "alias", "churn/2", "best", "--expect", "1") == "churn: @best now means version 2, before 1\n"
    assert "is no version" in told("models", "alias", "churn/2", "best", "--expect", "first", code=2)
    assert done("models", "alias", "churn", "best", "--delete") == "@best of churn is removed.\n"
    assert "No alias 'best' to delete" in told("models", "alias", "churn", "best", "--delete")


def test_tags_and_description_are_changed(registered: list[str], done: Done, told: Done) -> None:
    assert done("models", "tag", "churn/1", "approved=yes", "team=a") == "churn/1 has the tags: approved=yes, team=a\n"
    assert done("models", "tag", "churn/1", "--delete", "team") == "churn/1 has the tags: approved=yes\n"
    assert "Nothing to do" in told("models", "tag", "churn/1", code=2)
    assert done("models", "describe", "churn/1", "bell\x07") == "churn/1: bell\\x07\n"


def test_version_is_deleted_by_its_number_and_not_while_an_alias_means_it(
    registered: list[str], done: Done, told: Done
) -> None:
    done("models", "promote", "churn/1")
    assert "'churn@champion' points at it" in told("models", "delete", "churn/1")
    assert "names no version" in told("models", "delete", "churn@champion", code=2)
    assert done("models", "delete", "churn/2") == "churn/2 is deleted. Its bytes go with: autotrack gc\n"
    assert "it was deleted by ann" in told("models", "show", "churn/2")


def test_models_are_shown_as_they_were(registered: list[str], done: Done, told: Done) -> None:
    done("models", "promote", "churn/1")
    assert "at 2020-01-01 23:59:59 UTC: 'churn' had no versions yet" in told(
        "models", "show", "churn@champion", "--as-of", "2020-01-01"
    )
    assert json.loads(done("models", "show", "churn@champion", "--as-of", "2100-01-01", "--json"))["version"] == 1
    assert done("models", "show", "churn", "--as-of", "2100-01-01").startswith("churn as of 2100-01-01\nversion")
    assert "'soon' is no moment" in told("models", "show", "churn", "--as-of", "soon")


def test_difference_is_shown(registered: list[str], done: Done, told: Done) -> None:
    said = done("models", "diff", "churn/1", f"run:{registered[1]}")
    assert said.startswith(f"churn/1 → run:{registered[1]}\n")
    assert "  C: 1 → 2\n" in said
    assert "  test_f1: 0.8 → 0.9  (+0.1)\n" in said
    plain: dict[str, Any] = json.loads(done("models", "diff", "churn/1", "churn/2", "--json"))
    assert plain["sections"]["params"]["differs"] == [{"key": "C", "a": 1.0, "b": 2.0, "note": ""}]
    assert "No model version 'churn/3'" in told("models", "diff", "churn/1", "churn/3")


def test_verify_tells_what_is_wrong_and_ends_with_code_1(registered: list[str], command: Command, done: Done) -> None:
    assert done("models", "verify").startswith("1 model, 2 versions, 2 events, ")
    assert json.loads(done("models", "verify", "churn", "--json"))["seals"] == {"own": 2}
    newest = max((Path(".autotrack") / "registry" / "churn").glob("0*.json"))
    newest.unlink()
    found = command("models", "verify")
    assert found.exit_code == 1
    assert found.stderr.startswith("Error: The newest events of the model 'churn' are missing: on ")


def test_version_goes_from_store_to_store_as_one_file(registered: list[str], done: Done, told: Done) -> None:
    assert done("models", "export", "churn/1", "churn-1.autotrack").startswith("churn/1 is in ")
    assert "exists already" in told("models", "export", "churn/1", "churn-1.autotrack")
    said = done("models", "--store", "other", "import", "churn-1.autotrack")
    assert said.startswith("churn/1 is here: sklearn.linear_model._logistic.LogisticRegression. Load it with: ")
    again = json.loads(done("models", "import", "churn-1.autotrack", "--store", "other", "--as", "of ann", "--json"))
    assert (again["name"], again["version"]) == ("of ann", 1)
    history = done("models", "--store", "other", "history", "churn")
    assert history.splitlines()[-1].endswith(f"registered version 1 of run {registered[0]}, imported from churn/1")
    shown = done("models", "--store", "other", "show", "churn/1").splitlines()
    assert "  imported  was churn/1, registered by ann" in shown
    assert f"  run       {registered[0]}, of the store it comes from" in shown
    Path("half.autotrack").write_bytes(Path("churn-1.autotrack").read_bytes()[:-10])
    assert "was not imported: it is cut short" in told("models", "import", "half.autotrack")
    assert "is a pipe, a socket or a device" in told("models", "import", "/dev/null")
    assert "No such file or directory" in told("models", "import", "missing.autotrack")


@pytest.mark.parametrize("name", ["a\x1bb", "ch\u202eurn", "a@b", "x" * 10_000, ".."])
def test_hostile_names_are_refused_in_a_short_clean_message(runs: list[str], told: Done, name: str) -> None:
    message = told("models", "register", runs[0], name)
    assert message.startswith("Error: Invalid model name ")
    assert len(message) < 400
    assert message.replace("\n", "").isprintable()
