"""What every test stands on: a home of its own, a working directory of its own, a strict guard, nothing left enabled.

Fixtures to ask for
    store_path      where a store may be made; nothing is there yet
    store           a new store there
    enabled         autotrack looks on, and records there
    bucket          the address of an empty bucket on a server of our own, on loopback; AWS_* lead there
    lenient_guard   failures of ours are swallowed and told, as they are for users (every other test fails at them)
    run_python      run a script in a fresh interpreter and get its JSON back
    run_file        run a script that stands in a file, as processes that it spawns import it
    run_limited     as `run_python`, and the script can call `full_disk(bytes)` and `no_root_powers()`
"""

import json
import os
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import autotrack
import s3_servers
from autotrack import config, guard
from autotrack.store import Store

_ROOT = Path(__file__).parents[1]

_LIMITS = """
import ctypes, os, resource, signal, sys

def full_disk(size_bytes):
    '''No file can grow beyond this: as on a full disk, a write is cut short and the next one fails.'''
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

def no_root_powers():
    '''Permissions hold for root too: without the capabilities that pass over them.'''
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        assert libc.capset(header, none) == 0, os.strerror(ctypes.get_errno())
"""

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
    heard = sys.modules.get("autotrack.run.heard")
    assert heard is None or heard.nobody_listens(), "a training that is over listens to what is printed"


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
def store(store_path: Path) -> Store:
    """A new store."""
    return Store.open(store_path, create=True)


@pytest.fixture
def enabled(store_path: Path) -> None:
    """autotrack looks on at what the test trains."""
    autotrack.enable(store=store_path)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server for all tests of a worker."""
    with s3_servers.serving() as server:
        yield server


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://…/…`: a prefix in a new bucket."""
    s3_servers.lead_to(s3_server, monkeypatch)
    return s3_servers.make_bucket(f"s3://bucket-{secrets.token_hex(8)}/team/store")


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., Any]:
    """`run_python(script, *args)`: what the script printed last, read as JSON. A script that fails fails the test."""

    def run(script: str, *args: str, timeout_s: float = 60) -> Any:
        done = _run([sys.executable, "-c", textwrap.dedent(script), *args], tmp_path, timeout_s)
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def run_file(tmp_path: Path, store_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """`run_file(source, *args, start=(), code=0)`: a script in a file that is told the store's path before `args`.

    `start` stands between the interpreter and the file, as `-m torch.distributed.run` does. A script that ends with
    another exit code than `code`, or with a failure of ours, fails the test.
    """

    def run(source: str, *args: str, start: Sequence[str] = (), code: int = 0) -> "subprocess.CompletedProcess[str]":
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(source))
        done = _run([sys.executable, *start, str(path), str(store_path), *args], tmp_path, timeout_s=120)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        assert "autotrack could not" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def run_limited(run_python: Callable[..., Any]) -> Callable[..., Any]:
    """`run_limited(script, *args)`: run_python, for scripts that need a full disk or a folder they may not write to."""
    return lambda script, *args, **options: run_python(_LIMITS + textwrap.dedent(script), *args, **options)


def _run(command: Sequence[str], folder: Path, timeout_s: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
