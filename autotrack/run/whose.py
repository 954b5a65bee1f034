"""Who calls, and whose class or module it is: the user's own, or a library's, Python's, ours."""

import os
import sys
from collections.abc import Collection, Iterator
from types import FrameType, ModuleType
from typing import Any

from autotrack.hooks import is_users
from autotrack.hooks.replacing import FRAME_FILE

__all__ = ["callers", "is_called_by_user", "is_users_class", "is_users_module"]

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", "autotrack_integrations")


def is_users_module(module: ModuleType | None) -> bool:
    """Whether an imported module is the user's own."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return module is not None and module.__name__ in ("__main__", "__mp_main__")
    return not file.startswith((_OURS, _STANDARD_LIBRARY)) and not any(part in file for part in _LIBRARIES)


def is_users_class(kind: type[Any]) -> bool:
    """Whether a class, and all it is derived from, is the user's own."""
    return all(is_users_module(sys.modules.get(base.__module__)) for base in kind.__mro__[:-1])


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
    return frame is not None and is_users(frame.f_code)


def _is_ours(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    return filename == FRAME_FILE or filename.startswith(_OURS) or "autotrack_integrations" in filename


def _is_of(module: str, packages: Collection[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
