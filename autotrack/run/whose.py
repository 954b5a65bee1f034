"""Whose code is it: the user's own, or a library's, Python's, ours.

The user's is what lies outside site-packages, the standard library and autotrack: scripts, notebook cells, `-c`.
"""

import os
import sys
from collections.abc import Collection, Iterator
from types import FrameType
from typing import Any

from autotrack.hooks.patch import FRAME_FILE

__all__ = ["callers", "is_called_by_user", "is_users_class", "is_users_file", "is_users_module"]

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", "autotrack_integrations")


def is_users_file(filename: str) -> bool:
    """Whether code from this file is the user's own."""
    if filename.startswith((_OURS, _STANDARD_LIBRARY, "<frozen")):
        return False
    return not any(part in filename for part in _LIBRARIES)


def is_users_module(name: str) -> bool:
    """Whether an imported module is the user's own."""
    module = sys.modules.get(name)
    if module is None or name in sys.builtin_module_names:
        return False
    file = getattr(module, "__file__", None)
    return is_users_file(file) if isinstance(file, str) else name in ("__main__", "__mp_main__")


def is_users_class(kind: type[Any]) -> bool:
    """Whether a class, and all it is derived from, is the user's own."""
    return all(is_users_module(base.__module__) for base in kind.__mro__[:-1])


def callers(skip: Collection[str] = ()) -> Iterator[FrameType]:
    """The calling frames from the inside out, without ours and those of these modules and packages."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not _is_ours(frame) and not _is_of(str(frame.f_globals.get("__name__", "")), skip):
            yield frame
        frame = frame.f_back


def is_called_by_user(skip: Collection[str]) -> bool:
    """Whether the nearest of the calling frames is the user's own code."""
    frame = next(callers(skip), None)
    return frame is not None and is_users_file(frame.f_code.co_filename)


def _is_ours(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    return filename == FRAME_FILE or filename.startswith(_OURS) or "autotrack_integrations" in filename


def _is_of(module: str, packages: Collection[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
