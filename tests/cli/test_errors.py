"""Wrong input: a message on stderr, exit code 1 (2 for usage), nothing on stdout, no traceback but with --debug."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.registry import Registry
from autotrack.store import Store

Cli = Callable[..., subprocess.CompletedProcess[str]]


def told(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What stands on stderr, and nothing elsewhere."""
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("show", "zzzz"), "Error: No run 'zzzz'.\nExpected a run id, or the first few characters of one. List them"),
        (("show", ""), "Error: '' is no run id.\n"),
        (("show", "0"), "runs have an id that starts with '0':\n"),
        (("models", "chrun"), "Error: No model 'chrun' is registered in this store. Did you mean 'churn'?\nExpected"),
        (("models", "history", "nothing"), "Error: No model 'nothing' is registered in this store.\nExpected"),
        (("models", "churn@champoin"), "'champion'. Did you mean 'champion'?\nExpected name@alias or name/number."),
        (("models", "churn/9"), "Error: No model version 'churn/9': 'churn' has versions 1-2 and the aliases"),
        (("models", "churn@v2"), "Error: Invalid model reference 'churn@v2': a version is written churn/2.\n"),
        (("models", "run:0199"), "Error: 'run:0199' is a model of a run, not a registered one.\n"),
        (("models", "a\nb"), "Error: Invalid model name 'a\\nb': it holds the control character '\\n'.\n"),
        (("models", "x" * 10_000), "it has 10,000 characters.\n"),
    ],
)
def test_what_is_not_there_is_told(cli: Cli, args: tuple[str, ...], message: str, options: tuple[str, ...]) -> None:
    assert message in told(cli(*args, *options), 1)


@pytest.mark.parametrize(
    ("where", "caret_under"),
    [
        ("metrics.a >", ""),
        ("metrics.a > > 1", "> 1"),
        ("metric.a > 1", "metric.a"),
        ("params.C = rbf", "rbf"),
        ("status = 'done", "'done"),
        ("(params.C > 1", ""),
    ],
)
def test_bad_condition_is_shown_with_a_caret_where_it_is_wrong(cli: Cli, where: str, caret_under: str) -> None:
    lines = told(cli("ls", where), 1).splitlines()
    at = lines.index(f"    {where}")
    place = lines[at + 1].index("^") - 4
    assert where[place:].startswith(caret_under) if caret_under else place >= len(where) - 1
    assert lines[at + 2].startswith(("Expected ", "For example: "))


def test_bad_order_and_bad_condition_are_told_also_where_no_store_is(bare: Cli) -> None:
    assert "Error: " in told(bare("ls", "metrics.a >"), 1)
    assert "Error: " in told(bare("ls", "--order-by", "metrics.a sideways"), 1)


@pytest.mark.parametrize(
    "args",
    [
        ("lss",),
        ("train.py", "--lr", "1"),
        ("show",),
        ("show", "a", "b"),
        ("ls", "--limit", "many"),
        ("ls", "--limit", "-1"),
        ("ls", "a", "b"),
        ("ls", "--colour"),
        ("--colour", "ls"),
        ("models", "show"),
        ("models", "churn", "extra"),
        ("run",),
        ("run", "no-such-script.py"),
        ("run", "--experiment", "a\x1bb", "no-such-script.py"),
        ("ls", "--store"),
        ("ls", "--store", ""),
    ],
)
def test_wrong_call_exits_with_2_and_names_what_is_wrong(cli: Cli, args: tuple[str, ...]) -> None:
    message = told(cli(*args), 2)
    assert "Error: " in message
    assert "Usage: autotrack" in message or len(message.splitlines()) <= 2  # short where the reason says it all


def test_command_alone_shows_the_help(bare: Cli) -> None:
    assert bare().stderr == bare("--help").stdout


def test_unknown_command_is_told_with_the_nearest(bare: Cli) -> None:
    assert "There is no command 'lss'. Did you mean: autotrack ls" in told(bare("lss"), 2)
    assert "There is no command 'list'. Did you mean: autotrack ls" in told(bare("list"), 2)
    assert "Did you mean: autotrack run train.py --lr 1" in told(bare("train.py", "--lr", "1"), 2)
    assert "Expected one of: run, ls, show, models, " in told(bare("xyz"), 2)


def every_reader(*args: str) -> list[tuple[str, ...]]:
    return [(*args, *command) for command in (("ls",), ("show", "01"), ("models",), ("models", "churn"))]


def test_path_that_is_a_file_is_told_by_every_command(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("not a store")
    for args in every_reader("--store", "a-file"):
        assert "a-file' is a file" in told(bare(*args), 1)


def test_store_of_a_newer_format_is_told_by_every_command(bare: Cli, tmp_path: Path) -> None:
    (tmp_path / "autotrack.json").write_text('{"format": 99, "min_reader": 99, "store_id": "x"}')
    for args in every_reader("--store", "."):
        assert "has format 99, for readers of 99 and later.\nExpected at most format 1. Upgrade" in told(bare(*args), 1)


def test_setting_that_cannot_be_used_is_told_by_every_command(bare: Cli) -> None:
    for args in every_reader():
        message = told(bare(*args, env={"AUTOTRACK_LOG_MODELS": "perhaps"}), 1)
        assert message.startswith("Error: Setting log_models is 'perhaps' (from environment AUTOTRACK_LOG_MODELS).")
    message = told(bare("ls", "--store", "ftp://host/store"), 1)
    assert message.startswith("Error: Store 'ftp://host/store'")


def test_debug_shows_the_traceback(cli: Cli) -> None:
    done = cli("--debug", "show", "zzzz")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.rstrip().endswith("List them with: autotrack ls")


def test_store_that_may_not_be_read_is_told(bare: Cli, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store", create=True)
    os.chmod(store.root, 0o000)
    try:
        if os.access(store.root, os.R_OK):
            pytest.skip("this user may read everything")
        for args in every_reader("--store", "store"):
            assert told(bare(*args), 1).startswith("Error: ")
    finally:
        os.chmod(store.root, 0o700)


def test_folder_in_the_place_of_a_file_of_the_store_is_told(bare: Cli, tmp_path: Path) -> None:
    store = Store.open(tmp_path / ".autotrack", create=True)
    Registry(store).register("churn", store.blobs.put(b"manifest"))
    event = store.root / "registry" / "churn" / f"{0:020}.json"
    event.unlink()
    event.symlink_to(tmp_path)
    message = told(bare("models", "churn"), 1)
    assert message.startswith(f"Error: '{event}' cannot be read: it is a folder, a pipe or a device.\nExpected a plain")


def test_reader_that_closes_the_pipe_ends_the_command_quietly(cli: Cli, filled: tuple[Path, Any]) -> None:
    command = [sys.executable, "-P", "-m", "autotrack", "--store", str(filled[0]), "ls", "--all", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode != 0
