"""In a terminal tables fit its width and have colour; into a pipe they go whole and plain."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

Cli = Callable[..., subprocess.CompletedProcess[str]]
Terminal = Callable[..., str]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def terminal(filled: tuple[Path, Any]) -> Terminal:
    """`terminal(60, "ls")`: what the command writes into a terminal of 60 columns."""

    def run(columns: int, *args: str, **env: str) -> str:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        plain_env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autotrack", "--store", str(filled[0]), *args],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env={**plain_env, "TERM": "xterm-256color", **env},
        )
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError:  # Linux says so when the other side has closed
            pass
        os.close(ours)
        assert process.wait(timeout=60) == 0
        return written.decode().replace("\r\n", "\n")

    return run


@pytest.mark.parametrize("columns", [200, 100, 80, 60])
def test_table_fits_the_terminal(terminal: Terminal, columns: int, ids: dict[str, str]) -> None:
    lines = COLOURS.sub("", terminal(columns, "ls")).splitlines()
    assert len(lines) == 5
    assert max(cell_len(line) for line in lines) <= columns
    assert [line.split()[0] for line in lines[1:]] == [ids[name] for name in ("fit", "broken", "odd", "baseline")]


def test_narrow_terminal_keeps_what_says_most_about_a_run(terminal: Terminal) -> None:
    def header(columns: int, *args: str) -> list[str]:
        return COLOURS.sub("", terminal(columns, "ls", *args)).splitlines()[0].split()

    wide = header(200)
    assert wide[:7] == ["id", "name", "status", "started", "duration", "children", "experiment"]
    metrics = wide[7:]
    assert len(metrics) == 3
    assert header(80) == ["id", "name", "status", "started", metrics[0]]
    assert header(62) == ["id", "name", "status", "started"]
    assert header(80, "params.C > 0")[-1] == "params.C"


def test_very_narrow_terminal_still_gets_every_run(terminal: Terminal, ids: dict[str, str]) -> None:
    text = COLOURS.sub("", terminal(10, "ls")).replace("\n", "")
    assert all(ids[name] in text for name in ("fit", "broken", "odd", "baseline"))


@pytest.mark.parametrize("args", [("models",), ("models", "churn"), ("models", "history", "churn")])
def test_tables_of_models_fit_too(terminal: Terminal, args: tuple[str, ...]) -> None:
    lines = COLOURS.sub("", terminal(70, *args)).splitlines()
    assert max(cell_len(line) for line in lines) <= 70


def test_status_is_coloured_in_a_terminal_unless_no_color_is_set(terminal: Terminal) -> None:
    coloured = terminal(120, "ls")
    assert "\x1b[31mfailed" in coloured
    assert "\x1b[32mfinished" in coloured
    plain = terminal(120, "ls", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", plain)
    assert COLOURS.sub("", plain) == COLOURS.sub("", coloured)


def test_recorded_escape_sequences_do_not_reach_the_terminal(terminal: Terminal, ids: dict[str, str]) -> None:
    shown = terminal(120, "show", ids["odd"], NO_COLOR="1")
    assert all(char.isprintable() or char == "\n" for char in COLOURS.sub("", shown))
    assert "\\x1b[31mred" in shown
    assert "\x1b[31m" not in shown


def test_pipe_gets_the_whole_table_without_colour(cli: Cli) -> None:
    out = cli("ls", env={"COLUMNS": "40", "TERM": "xterm-256color"}).stdout
    assert "\x1b" not in out
    assert "train_loss" in cli("ls", "name = 'baseline'", env={"COLUMNS": "40"}).stdout
    assert "…" not in out


def test_terminal_that_lacks_characters_shows_question_marks(cli: Cli) -> None:
    done = cli("ls", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    assert "gr??e ??" in done.stdout


def test_cut_cells_say_so_and_wide_characters_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    from autotrack.cli import output

    columns = [output.Column("name", least=6), output.Column("n", is_number=True)]
    output.print_table(columns, [["模型模型", "1"], ["a", "22"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name       n", "模型模型   1", "a         22"]
