"""Runs as people read them: a small text table, an HTML table, and how times, durations and numbers are shown.

Times are local. Everything that goes into HTML is escaped, names included: they are data.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape

from autotrack.query.conditions import Key, keys_of
from autotrack.query.evaluate import duration_s, reader
from autotrack.query.filter import parse
from autotrack.query.order import parse_order
from autotrack.types import Row

__all__ = ["asked_cells", "common_metrics", "html_table", "show_duration", "show_number", "show_time", "text_table"]

_TEXT_ROWS = 10
_HTML_ROWS = 30
_NAME_WIDTH = 24  # characters of a name in the text table


def common_metrics(rows: Iterable[Row], count: int = 3) -> list[str]:
    """The metrics that say most about these runs: those on held-out data, then others, then times and counts.

    Among equals those that most runs have come first. One that fewer than a tenth of the runs has is left out.
    """
    listed = list(rows)
    numbers = Counter(key for row in listed for key in row.get("summary", {}))

    def rank(key: str) -> tuple[int, int, str]:
        is_held_out = key.startswith(("test", "val"))
        is_aside = key.startswith("n_") or key.endswith(("_s", "_time"))
        return (0 if is_held_out else 2 if is_aside else 1), -numbers[key], key

    frequent = [key for key, number in numbers.items() if 10 * number >= len(listed)]
    return sorted(frequent, key=rank)[:count]


def asked_cells(where: str, order_by: str | None) -> dict[str, Callable[[Row], str]]:
    """The params, metrics and tags that a search names: by the name as written, how to show a row's value."""
    keys = [*keys_of(parse(where)), *(order.key for order in parse_order(order_by))]

    def shown(key: Key) -> Callable[[Row], str]:
        read = reader(key)

        def cell(row: Row) -> str:
            reading = read(row)
            if reading is None:
                return "-"
            return show_number(reading.number) if key.space == "metrics" else reading.text

        return cell

    return {str(key): shown(key) for key in keys if key.space}


def show_time(microseconds: int | None) -> str:
    """Local date and time to the second; a dash where there is none."""
    if microseconds is None:
        return "-"
    return datetime.fromtimestamp(microseconds / 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def show_duration(seconds: float | None) -> str:
    """`3.2s`, `4m 07s`, `2h 05m`, `3d 04h`; a dash where there is none."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours < 48 else f"{hours // 24}d {hours % 24:02}h"


def show_number(value: float | None) -> str:
    """Four significant digits, whole numbers whole; a dash where there is none."""
    if value is None:
        return "-"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}"


def text_table(rows: Sequence[Row]) -> str:
    """A few lines: how many runs, and the first of them."""
    if not rows:
        return "No runs"
    shown = rows[:_TEXT_ROWS]
    header, lines = _cells(shown, common_metrics(shown))
    lines = [[_clipped(cell) for cell in line] for line in lines]
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    parts = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [header, *lines]
    ]
    title = "1 run" if len(rows) == 1 else f"{len(rows)} runs"
    rest = [f"... {len(rows) - len(shown)} more"] if len(rows) > len(shown) else []
    return "\n".join([title, *parts, *rest])


def html_table(rows: Sequence[Row]) -> str:
    """The same as an HTML table."""
    shown = rows[:_HTML_ROWS]
    header, lines = _cells(shown, common_metrics(shown, 6))
    title = "1 run" if len(rows) == 1 else f"{len(rows)} runs"
    if len(rows) > len(shown):
        title += f", the first {len(shown)} of them"
    head = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in line) + "</tr>"
        for line in lines
    )
    return f"<div><p>{escape(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _cells(rows: Sequence[Row], metrics: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The header, and one line for each row."""
    header = ["id", "name", "status", "started", "duration", *metrics]
    lines = []
    for row in rows:
        summaries = row.get("summary", {})
        values = [show_number(summaries[key]["last"]) if key in summaries else "-" for key in metrics]
        texts = [row.get("run_id", ""), row.get("name") or "-", row.get("status", "-"), show_time(row.get("start_ts"))]
        lines.append([*texts, show_duration(duration_s(row)), *values])
    return header, lines


def _clipped(text: str) -> str:
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= _NAME_WIDTH else plain[: _NAME_WIDTH - 1] + "…"
