"""What every test stands on: a home of its own, a working directory of its own, a strict guard, nothing left enabled.

Fixtures to ask for
    store_path      where a store may be made; nothing is there yet
    lenient_guard   failures of ours are swallowed and told, as they are for users (every other test fails at them)
    run_python      run a script in a fresh interpreter and get its JSON back
"""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from autotrack import config, guard

_ROOT = Path(__file__).parents[1]

# Tests change the working directory, and so do the interpreters they start: relative entries would lead nowhere.
if "PYTHONPATH" in os.environ:
    os.environ["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in os.environ["PYTHONPATH"].split(":"))

os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(_ROOT / ".hypothesis"))
# No deadline: on a busy machine a slow example is no failure. In CI the examples are the same every time.
hypothesis.settings.register_profile("autotrack", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("autotrack")


@pytest.fixture(autouse=True)
def _isolated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """No test sees the settings, keys, caches or stores of the person who runs it, or of another test."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(home / "autotrack-key"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(guard, "STRICT", True)
    monkeypatch.setattr(guard, "_told", set())
    monkeypatch.setattr(config, "_in_force", {})
    yield
    api = sys.modules.get("autotrack.api")  # a test that never used it pays nothing for this
    if api is not None:
        api.disable()
        _end_uploads()


def _end_uploads() -> None:
    """Recorders into buckets upload in the background: none may go on after the test whose settings made it."""
    from autotrack.run.recorder import all_recorders

    for recorder in all_recorders():
        if isinstance(recorder.buffer.root, str):
            recorder.close()


@pytest.fixture
def lenient_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures of ours are swallowed and told once, as they are for users."""
    monkeypatch.setattr(guard, "STRICT", False)


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """A path where a store may be made."""
    return tmp_path / "store"


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., Any]:
    """`run_python(script, *args)`: what the script printed last, read as JSON. A script that fails fails the test."""

    def run(script: str, *args: str, timeout_s: float = 60) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), *args],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout.splitlines()[-1])

    return run
