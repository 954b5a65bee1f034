"""A pytest plugin: somebody else's tests run with autotrack enabled, as their users' code would.

    pytest -p tracked --pyargs sklearn          # with this folder on PYTHONPATH

Records into a store that is thrown away, with the settings of a user who says `enable()` and nothing else. Failures of
hooks of ours do not fail a test: they are counted, and told at the end. Works with pytest-xdist (each worker records,
all into one store) and with tests that fork. Changes no warning filter; what a failure of ours would warn of is told at
the end instead.

AUTOTRACK_TRACKED_TESTS names the folder for the store and the failures; it is kept then. Otherwise both are temporary.
"""

import json
import os
import shutil
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

FOLDER = "AUTOTRACK_TRACKED_TESTS"
_FAILURES = "failures.jsonl"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Enable autotrack in each process that runs tests."""
    is_worker = hasattr(config, "workerinput")
    if not is_worker and FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="autotrack-tests-")
        config.add_cleanup(forget_folder)
    if is_worker or not getattr(config.option, "numprocesses", None):
        config.add_cleanup(enable(Path(os.environ[FOLDER])))


def forget_folder() -> None:
    """Remove the temporary folder, once the workers have ended."""
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def enable(folder: Path) -> Any:
    """Record into this folder, failures of ours beside the store. Returns what ends it."""
    import autotrack
    from autotrack import guard

    def note_failure(place: str, error: Exception) -> None:
        """One line in one write, so that processes and threads do not mix theirs."""
        entry = {
            "place": place,
            "error": f"{type(error).__name__}: {error}",
            "traceback": "".join(traceback.format_exception(error)),
            "test": os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0],
        }
        with open(folder / _FAILURES, "ab", buffering=0) as file:
            file.write(json.dumps(entry).encode() + b"\n")

    tell_failure = guard._tell_failure
    guard._tell_failure = note_failure
    autotrack.enable(store=folder / "store")

    def end() -> None:
        from autotrack.run.recorder import all_recorders

        autotrack.disable()
        guard._tell_failure = tell_failure
        for recorder in all_recorders():
            recorder.close()

    return end


def read_failures(folder: Path) -> list[dict[str, str]]:
    """The failures of ours, in the order of their coming: place, error, traceback, test."""
    path = folder / _FAILURES
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how much was recorded, and each kind of failure once. Only the process that shows the results does."""
    folder = Path(os.environ[FOLDER])
    terminalreporter.section("autotrack")
    terminalreporter.write_line(f"{count_runs(folder / 'store')} runs were recorded.")
    failures = read_failures(folder)
    times = Counter((failure["place"], failure["error"]) for failure in failures)
    first = {(failure["place"], failure["error"]): failure for failure in reversed(failures)}
    for (place, error), count in times.most_common():
        terminalreporter.write_line(f"failed {count} times: {place}: {error}")
        terminalreporter.write_line(f"first in {first[place, error]['test'] or 'no test'}:")
        terminalreporter.write_line(first[place, error]["traceback"])
    terminalreporter.write_line(f"{len(failures)} failures of autotrack's own.")


def count_runs(store: Path) -> int:
    """How many runs are on record, children included."""
    from autotrack.run.recorder import all_recorders
    from autotrack.store import Store

    for recorder in all_recorders():
        recorder.flush()
    return len(Store.open(store).rows()) if store.exists() else 0
