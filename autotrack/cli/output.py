"""What commands print: JSON, tables that fit the terminal, and sections of names and values.

In a terminal a table is as wide as the terminal, with colour (unless NO_COLOR is set). Into a pipe or a file it goes
in full width, as plain text.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

__all__ = [
    "Column",
    "plain",
    "print_block",
    "print_json",
    "print_pairs",
    "print_table",
    "print_title",
    "tell",
    "value_text",
]

_GAP = 2  # blanks between two columns
_STATUS_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "killed": "yellow"}
_MOST_VALUE = 2000  # characters of one value shown to people; --json has all


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        least: Cells are cut down to this many columns of the terminal where it is narrow; None: never cut.
        goes: Left out where the terminal is too narrow: the column with the highest number first, of equal ones the
            rightmost. 0: never.
        is_number: Set to the right.
        is_status: Each word in its colour.
    """

    title: str
    least: int | None = None
    goes: int = 0
    is_number: bool = False
    is_status: bool = False


def print_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(_jsonable(value), indent=2))


def print_table(columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> None:
    """A header and one line for each entry, fitted to the terminal."""
    console = _console()
    cells = [[plain(cell) for cell in line] for line in lines]
    widths = [
        max(cell_len(text) for text in [column.title, *(line[at] for line in cells)])
        for at, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    if console.is_terminal:
        shown, widths = _fitted(columns, widths, console.width)
    _print_line(console, [(_cell(columns[at].title, widths[at], columns[at]), "bold") for at in shown])
    for line in cells:
        styles = [_STATUS_STYLES.get(line[at], "") if columns[at].is_status else "" for at in shown]
        texts = [_cell(line[at], widths[at], columns[at]) for at in shown]
        _print_line(console, list(zip(texts, styles, strict=True)))


def print_title(text: str, status: str = "", *, gap: bool = False) -> None:
    """A heading, with a status in its colour behind it and perhaps an empty line before it."""
    line = Text(plain(text), style="bold")
    if status:
        line.append(f"  {status}", style=_STATUS_STYLES.get(status, ""))
    _console().print(Text("\n" if gap else "").append(line), soft_wrap=True)


def print_pairs(pairs: Mapping[str, Any], title: str = "") -> None:
    """A section: its title, then a name and a value on each line. Nothing at all if there are no pairs."""
    if not pairs:
        return
    console = _console()
    if title:
        print_title(title, gap=True)
    width = min(max(cell_len(plain(name)) for name in pairs), 40)
    for name, value in pairs.items():
        text = plain(name)
        padded = text + " " * max(0, width - cell_len(text))
        first, *rest = value_text(value).split("\n")
        lines = [first, *(" " * (width + 4) + line for line in rest)]
        console.print(Text(f"  {padded}  " + "\n".join(plain(line) for line in lines)), soft_wrap=True)


def print_block(text: str, title: str) -> None:
    """A section of several lines of text, such as a traceback."""
    print_title(title, gap=True)
    for line in text.rstrip().split("\n"):
        _console().print(Text(f"  {plain(line)}".rstrip()), soft_wrap=True)


def tell(message: str) -> None:
    """A word to the person at the terminal, beside the output."""
    print("\n".join(plain(line) for line in message.split("\n")), file=sys.stderr)


def value_text(value: Any) -> str:
    """A value as people read it; lists and dicts as JSON."""
    if value is None:
        return "-"
    if isinstance(value, dict | list | tuple):
        text = json.dumps(_jsonable(value), ensure_ascii=False)
    else:
        text = str(value)
    return (
        text
        if len(text) <= _MOST_VALUE
        else f"{text[:_MOST_VALUE]}... ({len(text):,} characters, all of them with --json)"
    )


def plain(text: str) -> str:
    """The text with control characters made visible: what was recorded must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text.expandtabs(4))


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def _fitted(columns: Sequence[Column], widths: list[int], available: int) -> tuple[list[int], list[int]]:
    """Which columns are shown, and how wide each is, so that a line fits."""
    shown = list(range(len(columns)))

    def least(at: int) -> int:
        smallest = columns[at].least
        return widths[at] if smallest is None else min(widths[at], max(smallest, cell_len(columns[at].title)))

    while _total([least(at) for at in shown]) > available:
        first = max(shown, key=lambda at: (columns[at].goes, at))
        if columns[first].goes == 0:
            break
        shown.remove(first)
    result = list(widths)
    excess = _total([widths[at] for at in shown]) - available
    while excess > 0:
        widest = max(shown, key=lambda at: result[at] - least(at))
        if result[widest] <= least(widest):
            break
        result[widest] -= 1
        excess -= 1
    return shown, result


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _cell(text: str, width: int, column: Column) -> str:
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    blanks = " " * (width - length)
    return blanks + text if column.is_number else text + blanks


def _print_line(console: Console, cells: Sequence[tuple[str, str]]) -> None:
    line = Text()
    for at, (text, style) in enumerate(cells):
        line.append(" " * _GAP if at else "")
        line.append(text, style=style)
    line.rstrip()
    console.print(line, soft_wrap=True)


def _jsonable(value: Any) -> Any:
    """The value in the types JSON has."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
