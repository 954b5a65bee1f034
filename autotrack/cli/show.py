"""`autotrack show`: everything about one run, the most asked for first."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from autotrack.cli.options import json_option, store_option
from autotrack.errors import StoreError

if TYPE_CHECKING:
    from autotrack.run import Run

__all__ = ["show"]

_MOST_COLUMNS = 6  # of a table that one line names
_ELSEWHERE = ("host", "pid", "started_at", "executable")  # of the environment: told above, or of no use later


@click.command(short_help="Show everything about one run.")
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show everything about RUN, which is its id or the start of it.

    \b
    autotrack show 0190f3ab
    autotrack show 0190f3ab --json
    """
    from autotrack import api
    from autotrack.cli.output import print_json

    run = api.get_run(run_id)
    if as_json:
        details = {name: _readable(run, name) for name in ("model", "tables", "code", "environment")}
        print_json({**run.to_dict(), "children": [child.id for child in run.children], **details})
        return
    _print(run)


def _readable(run: "Run", name: str) -> Any:
    """What lies in blobs; where one is lost or damaged, what is wrong with it, and the rest is shown all the same."""
    try:
        return getattr(run, name)
    except StoreError as error:
        return {"damaged": str(error)}


def _print(run: "Run") -> None:
    from autotrack.cli.details import data_text, package_facts
    from autotrack.cli.output import print_block, print_pairs, print_title

    print_title(f"{run.id}  {run.name}".rstrip(), run.status)
    print_pairs(_about(run))
    if run.error:
        print_block(run.error, title="error")
    print_pairs(run.lacks, title="lacks (what should be here and is not)")
    _print_metrics(run.to_dict()["summary"])
    print_pairs({key: "None" if value is None else value for key, value in run.params.items()}, title="params")
    print_pairs(run.tags, title="tags")
    print_pairs({name: data_text(found) for name, found in run.data.items()}, title="data")
    for name, manifest in run.models.items():
        reference = f"run:{run.id}" if name == "model" else f"run:{run.id}/{name}"
        facts = {**package_facts(run.store, manifest), "load it": f'autotrack.load_model("{reference}")'}
        print_pairs(facts, title="model" if name == "model" else f"model {name}")
    print_pairs(_tables(_readable(run, "tables")), title=f'tables, as autotrack.get_run("{run.id}").tables')
    print_pairs(run.artifacts, title="artifacts")
    print_pairs(_environment(_readable(run, "environment")), title="environment")


def _about(run: "Run") -> dict[str, Any]:
    """The first lines: where the run belongs, when, by whom, from what."""
    from autotrack.cli.details import command_text, local_time
    from autotrack.query.table import show_duration

    code, facts = _readable(run, "code"), run.to_dict()
    seconds = None if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()
    children = len(run.children)
    about = {
        "experiment": run.experiment,
        "reason": run.reason,
        "started": local_time(run.started_at),
        "duration": None if seconds is None else show_duration(seconds),
        "author": f"{run.author or 'unknown'} on {run.host}" if run.host else run.author,
        "command": command_text(code.get("argv", [])) or None,
        "folder": code.get("cwd"),
        "git commit": facts["git_commit"] and f"{facts['git_commit']}{' and changes' if facts['git_dirty'] else ''}",
        "parent": facts["parent_run_id"],
        "children": f"{children}, see them with: autotrack ls \"parent = '{run.id}'\"" if children else None,
    }
    return {name: value for name, value in about.items() if value is not None}


def _print_metrics(summaries: Mapping[str, Any]) -> None:
    """Those on held-out data first. Of metrics with a single value each there is only that to say."""
    from autotrack.cli.output import Column, print_table, print_title
    from autotrack.query.table import common_metrics, show_number

    if not summaries:
        return
    print_title("metrics", gap=True)
    is_series = any(summary["count"] > 1 for summary in summaries.values())
    names = ("last", "min", "max", "count") if is_series else ("last",)
    columns = [Column("  name", least=12), *(Column(name if is_series else "value", is_number=True) for name in names)]
    ranked = common_metrics([{"summary": dict(summaries)}], len(summaries))
    print_table(columns, [[f"  {key}", *(show_number(summaries[key][name]) for name in names)] for key in ranked])


def _environment(found: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in found.items() if key not in _ELSEWHERE and value not in (None, "", [], {})}
    if packages := shown.get("packages"):
        shown["packages"] = f"{len(packages)}, see them with --json"
    return shown


def _tables(found: Mapping[str, Any]) -> dict[str, str]:
    """Of each table how long it is, and its columns."""
    shown = {}
    for name, table in found.items():
        if isinstance(table, str):  # what is wrong with the file
            shown[name] = table
            continue
        columns = list(table)
        more = f" and {len(columns) - _MOST_COLUMNS} more" if len(columns) > _MOST_COLUMNS else ""
        rows = len(table[columns[0]]) if columns else 0
        shown[name] = f"{rows} rows: {', '.join(columns[:_MOST_COLUMNS])}{more}"
    return shown
