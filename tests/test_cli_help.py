"""What the help shows is what runs: every command teaches by examples, and every example is understood."""

import re
import shlex
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
import pytest

from autotrack.cli.main import cli
from autotrack.errors import AutotrackError
from autotrack.query import search
from autotrack.registry import parse
from autotrack.store import Store


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, the groups among them."""
    yield words, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(commands(cli))


def example_lines(command: click.Command) -> list[str]:
    """The lines in the examples of its help that call autotrack, without what is said about them."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    blocks = [text for text in paragraphs if text.startswith("\b\n")]  # the mark of what click does not wrap
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("autotrack ")]
    return [re.split(r"\s{2,}", line)[0] for line in lines]


EXAMPLES = sorted({line for command in COMMANDS.values() for line in example_lines(command)})


def parsed(line: str) -> tuple[list[str], dict[str, object]]:
    """The words of the command a line calls, and the values of its parameters."""
    words: list[str] = []
    command: click.Command = cli
    context: click.Context | None = None
    args = shlex.split(line)[1:]
    while True:
        context = command.make_context("autotrack", list(args), parent=context)
        if not isinstance(command, click.Group) or not (rest := [*context._protected_args, *context.args]):
            return words, dict(context.params)
        name, found, args = command.resolve_command(context, rest)
        assert name is not None
        assert found is not None
        words.append(name)
        command = found


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "autotrack")
def test_help_of_every_command_has_a_sentence_examples_and_no_wrapped_lines(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli([*words, "--help"], prog_name="autotrack", terminal_width=80)
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: autotrack {' '.join([*words, ''])}")
    assert max(len(line) for line in text.splitlines()) <= 100
    examples = example_lines(COMMANDS[words])
    assert examples, "help without an example"
    for example in examples:
        assert example in text


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_understood(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOTRACK_STORE", str(tmp_path / "store"))  # what --store sets is taken back afterwards
    words, params = parsed(line)
    assert tuple(words) in COMMANDS
    if words == ["ls"]:
        search(Store.open(tmp_path / "store", create=True), str(params["where"]), order_by=params["order_by"])  # type: ignore[arg-type]
    if words[:1] == ["models"] and (name := params.get("reference") or params.get("name")):
        assert parse(name).name == "churn"


def test_examples_are_checked_at_all() -> None:
    assert len(EXAMPLES) >= 20
    with pytest.raises(click.UsageError):
        parsed("autotrack ls --no-such-option")
    with pytest.raises(click.UsageError):
        parsed("autotrack show")
    with pytest.raises(AutotrackError):
        search(Store.open("store", create=True), "metrics.a >")


def test_every_command_is_listed_with_a_short_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli(["--help"], prog_name="autotrack", terminal_width=80)
    listed = capsys.readouterr().out.partition("\nCommands:\n")[2]
    for words in COMMANDS:
        if len(words) == 1:
            assert re.search(rf"^  {words[0]} +[A-Z].*\.$", listed, re.MULTILINE), f"{words[0]} in {listed}"
