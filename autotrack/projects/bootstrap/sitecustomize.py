"""Switches tracking on in a script that `autotrack run` started. Python imports this file at start, before the script.

First it takes itself out of sys.path and PYTHONPATH, so that processes the script starts are not tracked by it; then
another sitecustomize on the path runs as it would have; then `autotrack.enable()`; then the modules this has loaded
are forgotten where a file beside the script has their name. A failure of ours is one line on stderr, and the script
goes on.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


def leave_no_trace() -> None:
    """Take this folder out of what the script and its children see."""
    sys.path[:] = [entry for entry in sys.path if entry != HERE]
    sys.path_importer_cache.pop(HERE, None)
    first, separator, rest = os.environ.get("PYTHONPATH", "").partition(os.pathsep)
    if os.path.abspath(first) != HERE:
        return
    if separator:
        os.environ["PYTHONPATH"] = "" if rest == first else rest
    else:
        del os.environ["PYTHONPATH"]


def run_the_next_sitecustomize() -> None:
    """The one Python would have imported without us; its errors are shown by Python, as without us."""
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def switch_on() -> None:
    """Start tracking, or say in one line why not."""
    if PathFinder.find_spec("autotrack", sys.path) is None:
        sys.path.append(PACKAGE_ROOT)  # run from a source tree that is not installed: last, where it hides nothing
    try:
        from autotrack import api
        from autotrack.errors import AutotrackError
        from autotrack.guard import guard
    except ImportError as error:
        tell(error)
        return
    with guard("autotrack run"):
        try:
            api.enable()
        except AutotrackError as error:
            tell(error)


def forget_hidden(loaded_before: frozenset[str]) -> None:
    """Let the script import its own `secrets.py` though we have imported the standard library's."""
    folder = script_folder()
    for name in sys.stdlib_module_names & (sys.modules.keys() - loaded_before):
        if PathFinder.find_spec(name, [folder]) is not None:
            del sys.modules[name]


def script_folder() -> str:
    """What Python is about to put first on sys.path: the script's folder, of a module the working directory."""
    script = sys.orig_argv[1]
    if script == "-m":
        return os.getcwd()
    return script if os.path.isdir(script) else os.path.dirname(os.path.realpath(script))


def tell(error: Exception) -> None:
    """Why nothing is recorded, in one line."""
    sys.stderr.write(f"autotrack: nothing is recorded: {' '.join(str(error).split())}\n")


leave_no_trace()
try:
    run_the_next_sitecustomize()
finally:
    loaded_before = frozenset(sys.modules)
    switch_on()
    forget_hidden(loaded_before)
