"""What a script prints, line by line, while somebody listens.

Watches   sys.stdout.write, on the object that sys.stdout is when the listening begins: `print` ends there. `print`
          itself is left alone: what holds it is pickled by its name
Records   nothing itself: `heard.say`
Never     changes what is written, or when
Needs     nothing
"""

import sys
from collections.abc import Callable
from typing import Any

from autotrack.guard import guarded
from autotrack.run.heard import Undoable, is_listening, say, while_listening
from autotrack.run.whose import is_called_by_user
from autotrack_integrations.script.lines import numbers_in

__all__ = ["WRITE_CODE", "watch_print"]

_MAX_LINE = 2000  # characters of one line that are looked at


def watch_print() -> list[Undoable]:
    """Start watching whenever somebody listens; the caller keeps what is returned and calls undo() on each."""
    return [while_listening(_Screen)]


class _Screen:
    """The standard output, heard until `undo()`. One that takes no attribute is not heard."""

    def __init__(self) -> None:
        self._line = ""
        self._stream = sys.stdout
        self._write: Callable[[str], int] | None = None
        attributes = getattr(self._stream, "__dict__", None)
        if isinstance(attributes, dict) and "write" not in attributes:
            self._write = _heard(self._stream.write, guarded("sys.stdout.write", self._hear))
            attributes["write"] = self._write

    def undo(self) -> None:
        """Leave it as it was."""
        attributes = getattr(self._stream, "__dict__", {})
        if self._write is not None and attributes.get("write") is self._write:
            del attributes["write"]

    def _hear(self, text: Any) -> None:
        if type(text) is not str or not is_listening():
            return
        *lines, rest = (self._line + text).split("\n")
        self._line = rest[:_MAX_LINE]
        for line in lines:
            if len(line) <= _MAX_LINE and (found := numbers_in(line)) and is_called_by_user(()):
                say("printed", found)


def _heard(original: Callable[[str], int], hear: Callable[[str], None]) -> Callable[[str], int]:
    def write(text: str, /) -> int:
        written = original(text)
        hear(text)
        return written

    return write


WRITE_CODE = _heard(len, print).__code__  # for compilers that are to leave it alone
