"""Start a script as `python SCRIPT ARGS...` would, with tracking on.

A fresh interpreter replaces this process, so argv, `__main__`, tracebacks, exit codes and signals are exactly those of
the plain script. Tracking comes in through the folder `bootstrap/`, put first on PYTHONPATH: Python imports its
sitecustomize.py at start, which takes every trace of itself away again.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from autotrack.errors import ScriptNotFoundError, nearest

__all__ = ["command", "environment", "launch"]

_BOOTSTRAP = Path(__file__).absolute().parent / "bootstrap"
_INTERPRETERS = ("python", "python3", "python.exe", "py")


def launch(script: str, args: Sequence[str], env: Mapping[str, str], *, is_module: bool = False) -> NoReturn:
    """Run the script in place of this process; never returns.

    Args:
        script: Path of a Python file (or folder or zip that Python can run), or a module's name.
        args: The script's own arguments, handed on as they are.
        env: Its environment, to which only the way in for tracking is added, and taken out again by it.
        is_module: `script` is a module's name, run as `python -m` does.

    Raises:
        ScriptNotFoundError: There is no such file.
    """
    if not is_module and not os.path.exists(script):
        raise _not_found(script, args)
    words = command(script, args, is_module=is_module)
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(words[0], words, environment(env))
    raise SystemExit(_wait(words, environment(env)))


def command(script: str, args: Sequence[str], *, is_module: bool = False) -> list[str]:
    """The words of the command that runs this script."""
    target = ["-m", script] if is_module else [script]
    if not is_module and script.startswith("-"):
        target = [os.path.join(os.curdir, script)]  # a file of such a name, not an option of Python
    return [sys.executable, *target, *args]


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment with the way in for tracking first on PYTHONPATH."""
    entries = [str(_BOOTSTRAP)]
    if "PYTHONPATH" in env:
        entries.append(env["PYTHONPATH"] or str(_BOOTSTRAP))  # twice: it is empty, but an empty entry means the folder
    return {**env, "PYTHONPATH": os.pathsep.join(entries)}


def _wait(words: list[str], env: dict[str, str]) -> int:
    """Where a process cannot be replaced: its exit code, Ctrl-C left to it."""
    process = subprocess.Popen(words, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _not_found(script: str, args: Sequence[str]) -> ScriptNotFoundError:
    what_to_do = "Give the script's path as you would after `python`, or `-m` and a module."
    if script in _INTERPRETERS and args:
        what_to_do = f"Leave the interpreter out: autotrack run {' '.join(args)}"
    elif os.path.exists(f"{script}.py"):
        what_to_do = f"Did you mean '{script}.py'?"
    elif hint := nearest(os.path.basename(script), _scripts_in(os.path.dirname(script))):
        what_to_do = hint.strip()
    return ScriptNotFoundError(
        f"There is no script {script!r} in {os.getcwd()}.\nExpected the path of a Python file. {what_to_do}",
        script=script,
    )


def _scripts_in(folder: str) -> list[str]:
    try:
        return [entry for entry in os.listdir(folder or os.curdir) if entry.endswith(".py")]
    except OSError:
        return []
