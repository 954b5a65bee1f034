"""`autotrack ls`: the table of runs."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import click

from autotrack.cli.options import json_option, store_option
from autotrack.errors import AutotrackWarning, StoreNotFoundError, nearest
from autotrack.types import Row

__all__ = ["ls"]

_METRICS = 3  # columns of metrics that the table shows unasked
_NAMES_PARENT = re.compile(r"\bparent(_run_id)?\b")


@click.command()
@click.argument("where", default="")
@click.option("--experiment", metavar="NAME", help="Only runs of this experiment.")
@click.option(
    "--order-by", metavar="KEYS", help='Such as "metrics.val_accuracy desc, started_at". Default: newest first.'
)
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="At most so many; 0 for all.")
@click.option("--all", "with_children", is_flag=True, help="Runs inside other runs too, such as a search's candidates.")
@store_option
@json_option
def ls(
    *, where: str, experiment: str | None, order_by: str | None, limit: int, with_children: bool, as_json: bool
) -> None:
    """List runs, newest first; with WHERE only those it holds for.

    \b
    autotrack ls
    autotrack ls "metrics.val_accuracy > 0.9 and params.C >= 1"
    autotrack ls "status = 'failed' and started_at >= '2025-01-31'"
    autotrack ls "params.kernel in ('rbf', 'poly')" --order-by "metrics.loss.min"
    autotrack ls --experiment spam --all --limit 0 --json

    WHERE compares (= != < <= > >= in between like matches, is null) params.x,
    metrics.x (last value; also metrics.x.min .max .best), tags.x, and name,
    status, experiment, author, host, git_commit, parent, started_at, ended_at,
    duration (seconds); joined by and, or, not, brackets. Texts and times stand
    in quotes. A run without the value is never found, except by `is null`.
    """
    from autotrack.cli.output import print_json, tell
    from autotrack.query import record, table

    table.asked_cells(where, order_by)  # told here where they cannot be read: below, more words stand around them
    narrowed = where if with_children or _NAMES_PARENT.search(where) else _and(where, "parent is null")
    try:
        rows = _search(narrowed, experiment, order_by, limit + 1 if limit else None)
        shown = rows[:limit] if limit else rows
        children = {row["run_id"]: _count(f"parent = '{row['run_id']}'") for row in shown}
    except StoreNotFoundError:
        rows, shown, children = [], [], {}
    if not shown:
        tell(_nothing_found(where, experiment))
    if as_json:
        print_json([{**record(row), "children": children[row["run_id"]]} for row in shown])
        return
    if shown:
        _print_runs(shown, children, where, order_by)
    if len(rows) > len(shown):
        tell("There are more; show them with --limit 0")
    if where and narrowed != where and (hidden := _count(_and(where, "not parent is null"), experiment)):
        inside = "1 run inside another matches" if hidden == 1 else f"{hidden} runs inside others match"
        tell(f"{inside} too; show all with --all")


def _search(where: str, experiment: str | None, order_by: str | None, limit: int | None) -> list[Row]:
    from autotrack import api

    return api.search_runs(where, experiment=experiment, order_by=order_by, limit=limit).rows


def _count(where: str, experiment: str | None = None) -> int:
    """How many runs fit; none where there is no store. What it could warn of was told by the search before it."""
    from autotrack import api

    with warnings.catch_warnings(), suppress(StoreNotFoundError):
        warnings.simplefilter("ignore", AutotrackWarning)
        return len(api.search_runs(where, experiment=experiment))
    return 0


def _and(where: str, condition: str) -> str:
    return f"({where}) and {condition}" if where.strip() else condition


def _print_runs(rows: Sequence[Row], children: Mapping[str, int], where: str, order_by: str | None) -> None:
    """The table: what is always there, then what the search names, then the metrics most of the runs have."""
    from autotrack.cli.output import Column, print_table
    from autotrack.query import duration_s, table

    cells: list[tuple[Column, Callable[[Row], str]]] = [
        (Column("id"), lambda row: row["run_id"]),
        (Column("name", least=8), lambda row: row.get("name") or "-"),
        (Column("status", is_status=True), lambda row: row.get("status", "-")),
        (Column("started"), lambda row: table.show_time(row.get("start_ts"))[:16]),
        (Column("duration", goes=3, is_number=True), lambda row: table.show_duration(duration_s(row))),
    ]
    if any(children[row["run_id"]] for row in rows):
        cells.append((Column("children", goes=2, is_number=True), lambda row: str(children[row["run_id"]] or "-")))
    if len({row.get("experiment") for row in rows}) > 1:
        cells.append((Column("experiment", least=8, goes=2), lambda row: row.get("experiment") or "-"))
    asked = table.asked_cells(where, order_by)
    for title, cell in asked.items():
        cells.append((Column(title.removeprefix("metrics."), goes=1, is_number=True), cell))
    free = max(0, _METRICS - sum(title.startswith("metrics.") for title in asked))
    common = [key for key in table.common_metrics(rows, _METRICS) if f"metrics.{key}" not in asked][:free]
    for place, key in enumerate(common):
        cells.append((Column(key, goes=2 if place or asked else 1, is_number=True), _last_value(key)))
    print_table([column for column, _ in cells], [[cell(row) for _, cell in cells] for row in rows])


def _last_value(key: str) -> Callable[[Row], str]:
    from autotrack.query.table import show_number

    def cell(row: Row) -> str:
        summary = row.get("summary", {}).get(key)
        return show_number(None if summary is None else summary["last"])

    return cell


def _nothing_found(where: str, experiment: str | None) -> str:
    from autotrack import config

    count = _count("")
    if not count:
        store = config.load().store
        return (
            f"No runs yet in {store}\nRecord some with: autotrack run train.py, or with autotrack.enable() in a script"
        )
    if experiment is not None and not _count("", experiment):
        experiments = sorted({row.get("experiment", "") for row in _search("", None, None, None)})
        problem = f"No run is in the experiment {experiment!r}.{nearest(experiment, experiments)}"
        return f"{problem} There are: {', '.join(experiments)}"
    return f"No run fits. There are {count}: see them with: autotrack ls --all" if where else "No run fits."
