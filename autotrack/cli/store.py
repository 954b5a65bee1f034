"""`autotrack compact`: the store's tables brought up to date."""

import click

from autotrack.cli.options import json_option, store_option

__all__ = ["compact"]


@click.command(short_help="Bring the Parquet tables up to date.")
@store_option
@json_option
def compact(as_json: bool) -> None:
    """Bring the Parquet tables up to date with all that was recorded.

    autotrack itself always sees everything. Other programs read the tables only, and what a script records comes
    there when it ends, if that costs next to nothing, and else by and by.

    \b
    autotrack compact                 then open .autotrack/tables/runs with DuckDB, Polars, Spark ...
    autotrack compact --json          the same for programs
    """
    from dataclasses import asdict

    from autotrack import config
    from autotrack.cli.output import print_json, tell
    from autotrack.store import Store

    store = Store.open(config.load().store)
    done = store.seal()
    if as_json:
        print_json({"store": str(store.root), **asdict(done)})
        return
    if done.skipped_lines:
        tell(f"{done.skipped_lines} damaged lines of the journal were left out.")
    print(f"All that was recorded is in the tables (new there: {done.runs} runs, {done.points} points).")
