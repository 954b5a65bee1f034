"""`autotrack compact` and `autotrack gc`: the store's tables brought up to date, bytes that nobody needs deleted."""

import click

from autotrack.cli.options import json_option, store_option

__all__ = ["compact", "gc"]


@click.command(short_help="Bring the Parquet tables up to date.")
@store_option
@json_option
def compact(as_json: bool) -> None:
    """Bring the Parquet tables up to date with all that was recorded, in few files.

    autotrack itself always sees everything. Other programs read the tables only, and what a script records comes
    there when it ends, if that costs next to nothing, and else by and by.

    \b
    autotrack compact                 then open .autotrack/tables/runs with DuckDB, Polars, Spark ...
    autotrack compact --json          the same for programs
    """
    from autotrack import config
    from autotrack.cli.output import print_json, tell
    from autotrack.store import Store

    store = Store.open(config.load().store)
    done = store.compact()
    if as_json:
        print_json(
            {
                "store": str(store.root),
                "segments": done.sealed.segments,
                "runs": done.sealed.runs,
                "points": done.sealed.points,
                "skipped_lines": done.sealed.skipped_lines,
                "merged_files": done.merged.files_before,
                "merged_into": done.merged.files_after,
                "checkpoints": done.checkpoints,
                "removed_log_entries": done.cleaned.log_entries,
                "removed_files": done.cleaned.files,
            }
        )
        return
    if done.sealed.skipped_lines:
        tell(f"{done.sealed.skipped_lines} damaged lines of the journal were left out.")
    print(f"All that was recorded is in the tables (new there: {done.sealed.runs} runs, {done.sealed.points} points).")
    if done.merged.files_before:
        print(f"{done.merged.files_before} files were merged into {done.merged.files_after}.")
    if done.cleaned.files:
        print(f"{done.cleaned.files} files that processes had left behind were deleted.")


@click.command(short_help="Delete files that no run and no model needs.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@store_option
@json_option
def gc(dry_run: bool, as_json: bool) -> None:
    """Delete the bytes of artifacts and models that no run and no registered model refers to any more.

    Only what is older than a day is deleted. If a run, a model or the registry cannot be read, nothing is.

    \b
    autotrack gc --dry-run            what would be deleted
    autotrack gc                      delete it
    """
    from dataclasses import asdict

    from autotrack import config
    from autotrack.cli.output import print_json
    from autotrack.store import Store

    store = Store.open(config.load().store)
    done = store.collect(is_dry_run=dry_run)
    if as_json:
        print_json({"store": str(store.root), **asdict(done)})
        return
    verb = "would be" if dry_run else "were"
    print(f"{done.removed} of {done.blobs} files {verb} deleted ({_size(done.removed_bytes)}).")
    if done.unused > done.removed:
        print(f"{done.unused - done.removed} more are not referred to; they stay until they are a day old.")


def _size(size_bytes: int) -> str:
    """1234567 as `1.2 MB`."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
