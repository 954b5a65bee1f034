"""The process record: what is true for all runs of one process, captured once and in the background.

Command line, working directory, git commit and dirty flag, digests of the script and of the user's own modules,
author, host, Python, packages, machine. Git is asked in a thread of its own; a run that starts before git has answered
gets its fields by a later patch.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from autotrack.guard import guard
from autotrack.run.redact import redact, redact_arguments
from autotrack.types import Row

__all__ = ["Capture", "host_name"]

_GIT_TIMEOUT_S = 2.0  # a repository that answers more slowly is on a sleeping network disk


class Capture:
    """Captures the process record in the background and hands it on when it is complete.

    Args:
        author: Who runs are attributed to; None: git's `user.name`, else the login name.
        deliver: Called in the background with the record as JSON; gives the blob's SHA-256.
    """

    def __init__(self, author: str | None, deliver: Callable[[bytes], str], on_ready: Callable[[Row], None]) -> None:
        self._author = author
        self._deliver = deliver
        self._on_ready = on_ready
        self.fields: Row | None = None
        self._quick = _quick_record()
        self._thread = threading.Thread(target=self._work, name="autotrack-capture", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float = 2 * _GIT_TIMEOUT_S) -> None:
        """Wait until the record is complete, or this long."""
        self._thread.join(timeout_s)

    def _work(self) -> None:
        with guard("capture of the process"):
            from autotrack.model import installed, own_source

            git = _git_state()
            author = self._author or git.pop("user", None) or _login_name()
            record = {
                **self._quick,
                "author": author,
                "git": git or None,
                "modules": own_source.digests(),
                "packages": dict(sorted(installed().items())),
            }
            fields: Row = {"author": author, "process": self._deliver(json.dumps(record, sort_keys=True).encode())}
            if git.get("commit"):
                fields["git_commit"] = git["commit"]
                fields["git_dirty"] = git["dirty"]
            self.fields = fields
            self._on_ready(fields)


def host_name() -> str:
    """This machine's name."""
    return os.uname().nodename or "localhost"


def _quick_record() -> dict[str, Any]:
    """What is known at once."""
    return {
        "argv": redact_arguments(sys.orig_argv[:1] + sys.argv if sys.argv else sys.orig_argv),
        "cwd": os.getcwd(),
        "executable": sys.executable,
        "pid": os.getpid(),
        "host": host_name(),
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "platform": f"{sys.platform}-{os.uname().machine}",
        "cpus": os.cpu_count(),
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "threads": {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
    }


_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")


def _git_state() -> dict[str, Any]:
    """Commit, branch, dirty flag, remote and user of the repository of the script, else of the working directory."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    for folder in (os.path.dirname(os.path.abspath(main)) if main else None, os.getcwd()):
        status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no") if folder else None
        if folder and status is not None:
            return _parse_git(folder, status)
    name = _git(os.getcwd(), "config", "user.name")
    return {"user": name.strip()} if name and name.strip() else {}


def _parse_git(folder: str, status: str) -> dict[str, Any]:
    state: dict[str, Any] = {"commit": None, "branch": None, "dirty": False}
    for line in status.splitlines():
        if line.startswith("# branch.oid ") and "(initial)" not in line:
            state["commit"] = line.split()[2]
        elif line.startswith("# branch.head "):
            state["branch"] = line.split(maxsplit=2)[2]
        elif not line.startswith("#"):
            state["dirty"] = True
    wanted = r"^(user\.name|remote\.origin\.url)$"
    for line in (_git(folder, "config", "--get-regexp", wanted) or "").splitlines():
        key, _, value = line.partition(" ")
        state["user" if key == "user.name" else "remote"] = redact(value)
    root = _git(folder, "rev-parse", "--show-toplevel")
    if root:
        state["folder"] = os.path.relpath(os.getcwd(), root.strip())
    return state


def _git(folder: str, *arguments: str) -> str | None:
    """The output of a git command, or None. It takes no lock and asks nobody."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
