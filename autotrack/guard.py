"""Run code of ours so that its failure is told once and never reaches the user.

    with guard("sklearn.fit"):
        ...                     # an Exception in here ends the block, not the user's training

Guards `Exception` only: Ctrl-C and SystemExit are the user's. The first failure at each place is told as one
warning that points at the user's line; every first failure's traceback is kept for `autotrack doctor`.
"""

import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from autotrack.errors import AutotrackWarning

__all__ = ["GUARDED_CODE", "STRICT", "Guard", "cache_dir", "guard", "guarded", "problems", "tell_once"]

STRICT = False  # tests set it: then errors of ours are raised

_KEPT_PROBLEMS = 50  # lines of the problem file; older ones are dropped
_told: set[str] = set()
_told_lock = threading.Lock()


class Guard:
    """A context manager that ends quietly at an Exception. `failed` says whether it did."""

    __slots__ = ("failed", "place")

    def __init__(self, place: str) -> None:
        self.place = place
        self.failed = False

    def __enter__(self) -> "Guard":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        if STRICT or not isinstance(error, Exception):
            return False
        self.failed = True
        _tell_failure(self.place, error)
        return True


guard = Guard


def guarded(place: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under a guard of its own, at a tenth of a microsecond a call; None where it fails."""

    def run(*args: Any) -> Any:
        try:
            return function(*args)
        except Exception as error:
            if STRICT:
                raise
            _tell_failure(place, error)
            return None

    return run


GUARDED_CODE = guarded("", print).__code__  # for compilers that are to leave it alone


def tell_once(key: str, message: str) -> None:
    """Warn the user, once per process and `key`. Never raises, not even where warnings are errors."""
    with _told_lock:
        if key in _told:
            return
        _told.add(key)
    filename, line = _user_line(sys._getframe(1))
    try:
        warnings.warn_explicit(message, AutotrackWarning, filename, line)
    except AutotrackWarning:
        print(f"{filename}:{line}: AutotrackWarning: {message}", file=sys.stderr)


def problems() -> list[dict[str, str]]:
    """The last failures of ours on this machine, oldest first: time, place, error, traceback."""
    try:
        lines = _problem_file().read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return []


def cache_dir() -> Path:
    """The folder for what can be made anew: `$XDG_CACHE_HOME/autotrack`, else `~/.cache/autotrack`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(os.path.expanduser("~")) / ".cache") / "autotrack"


def _tell_failure(place: str, error: Exception) -> None:
    """Told here, last of all: whatever fails in telling is dropped."""
    try:
        key = "storage" if isinstance(error, OSError) else place  # a full disk is one trouble, wherever it shows
        with _told_lock:
            seen = key in _told
        if not seen:
            _keep_problem(place, error)
            tell_once(
                key,
                f"autotrack could not record all of this ({place}): {_brief(error)} "
                "Your own code is not affected. See more with: autotrack doctor",
            )
    except Exception:  # noqa: S110  the user's training is worth more than our report
        pass


def _brief(error: Exception) -> str:
    """The error on one line, as a sentence."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _keep_problem(place: str, error: Exception) -> None:
    from traceback import format_exception

    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "place": place,
        "error": f"{type(error).__name__}: {error}",
        "traceback": "".join(format_exception(error))[-8000:],
    }
    try:
        path = _problem_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [json.dumps(old) for old in problems()[-_KEPT_PROBLEMS + 1 :]]
        path.write_text("\n".join([*kept, json.dumps(entry)]) + "\n", "utf-8")
    except OSError:
        pass  # a full disk or no home: the warning itself still comes


def _problem_file() -> Path:
    return cache_dir() / "problems.jsonl"


def _user_line(frame: FrameType | None) -> tuple[str, int]:
    """The innermost line on the stack that is neither ours nor an installed library's."""
    script = (sys.argv[0] or "<autotrack>", 0)
    if threading.current_thread().name.startswith("autotrack"):
        return script
    ours = os.path.dirname(os.path.abspath(__file__))
    stdlib = os.path.dirname(os.__file__)
    outside = None
    while frame is not None:
        filename = frame.f_code.co_filename
        place = (filename, frame.f_lineno)
        if not filename.startswith((ours, "<watched")) and "autotrack_integrations" not in filename:
            if "site-packages" not in filename and not filename.startswith((stdlib, "<frozen")):
                return place
            outside = outside or (None if filename.startswith("<frozen") else place)
        frame = frame.f_back
    return script if outside is None else outside
