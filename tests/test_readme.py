"""What the README shows is what happens: its files, commands and Python run, and print what stands there.

A python block behind `<!-- file: NAME -->` is written to that file. Other python blocks run, and print the block
without a language that follows them. In a console block, each `$` line runs and prints the lines below it. Ids, times
and durations differ from run to run; numbers may differ a little.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
VOLATILE = re.compile(r"\b[0-9a-f]{22}\b|\b\d{4}-\d\d-\d\d \d\d:\d\d\b|\b\d+\.\d\ds")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass
class Block:
    """A fenced block of the README."""

    language: str
    text: str
    file: str | None


@pytest.fixture(scope="module")
def blocks():
    found = [
        Block(match["language"], match["text"], match["file"]) for match in BLOCK.finditer(README.read_text("utf-8"))
    ]
    assert [block.file for block in found if block.file] == ["train.py", "tune.py"]
    return found


@pytest.fixture
def commands():
    """The environment in which `python` and `autotrack` are ours."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1"}


def run(command, env):
    done = subprocess.run(command, shell=isinstance(command, str), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme_shows_what_its_code_and_commands_print(blocks, commands, tmp_path):
    for block, following in zip(blocks, [*blocks[1:], Block("", "", None)], strict=True):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        elif block.language == "python":
            printed = run([sys.executable, "-c", block.text], commands)
            assert_same(printed, following.text if "print(" in block.text else "")
        elif block.language == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
                assert_same(run(command, commands), shown)


def test_script_of_the_readme_runs_unchanged_under_autotrack_run(blocks, commands, tmp_path):
    script = next(block.text for block in blocks if block.file)
    (tmp_path / "train.py").write_text(script.replace("import autotrack\nautotrack.enable()\n", ""))
    run("autotrack run train.py", commands)
    assert "HistGradientBoostingClassifier" in run("autotrack ls", commands)


def test_commands_the_readme_names_are_the_makefiles(blocks):
    targets = re.findall(
        r"^make (\w+)", next(block.text for block in blocks if "make demo" in block.text), re.MULTILINE
    )
    makefile = (README.parent / "Makefile").read_text("utf-8")
    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def assert_same(printed, shown):
    printed_lines, shown_lines = lines_of(printed), lines_of(shown)
    assert [NUMBER.sub("#", line) for line in printed_lines] == [NUMBER.sub("#", line) for line in shown_lines]
    for ours, theirs in zip(printed_lines, shown_lines, strict=True):
        numbers = [[float(number) for number in NUMBER.findall(line)] for line in (ours, theirs)]
        assert numbers[0] == pytest.approx(numbers[1], abs=0.02), (ours, theirs)


def lines_of(text):
    return [" ".join(VOLATILE.sub("?", line).split()) for line in text.splitlines() if line.strip()]
