"""The command itself: how it is started, its version, and what it does not load."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autotrack

Cli = Callable[..., subprocess.CompletedProcess[str]]

LOADED = """
    import contextlib, io, json, sys
    from autotrack.cli.main import cli

    with contextlib.redirect_stdout(io.StringIO()):
        cli(json.loads(sys.argv[1]), prog_name="autotrack", standalone_mode=False)
    print(json.dumps(sorted({module.partition(".")[0] for module in sys.modules})))
"""


def test_version_is_the_packages(bare: Cli) -> None:
    assert bare("--version").stdout == f"autotrack, version {autotrack.__version__}\n"


def test_installed_command_is_the_same_as_python_m(cli: Cli) -> None:
    script = Path(sys.executable).with_name("autotrack")
    if not script.exists():
        pytest.skip("autotrack is on the path, but not installed")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == cli("--help").stdout
    assert done.stdout.startswith("Usage: autotrack [OPTIONS] COMMAND [ARGS]...")


@pytest.mark.parametrize(
    "args", [["--help"], ["ls", "--help"], ["ls"], ["ls", "--all", "--json"], ["models"], ["doctor"]]
)
def test_looking_loads_no_ml_library(
    args: list[str], filled: tuple[Path, Any], run_python: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOTRACK_STORE", str(filled[0]))
    loaded = set(run_python(LOADED, json.dumps(args)))
    assert "autotrack" in loaded
    assert not loaded & {"sklearn", "pandas", "scipy", "torch", "polars", "duckdb", "joblib", "asyncio"}


def test_help_of_a_command_loads_no_room(run_python: Callable[..., Any]) -> None:
    loaded = set(run_python(LOADED, json.dumps(["--help"])))
    assert not loaded & {"numpy", "pyarrow", "rich", "sqlite3"}
