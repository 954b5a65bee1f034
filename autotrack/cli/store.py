"""`autotrack compact`, `gc` and `import`: tables brought up to date, bytes deleted, another store taken in."""

from typing import TYPE_CHECKING

import click

from autotrack.cli.options import json_option, store_option

if TYPE_CHECKING:
    from autotrack.registry.absorb import ModelsReport
    from autotrack.store.absorb import AbsorbReport

__all__ = ["compact", "gc", "import_store"]


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


@click.command("import", short_help="Take over the runs and models of another store.")
@click.argument("other")
@store_option
@json_option
def import_store(other: str, as_json: bool) -> None:
    """Take over the runs and models of OTHER, the folder or the s3:// address of a store, into the store in use.

    OTHER is only read. What is here already is not there twice afterwards: import as often as you like, also from a
    copy of this store, and again after an interruption. Of a field that both have, the value set later stands.

    Runs that are still running in OTHER are left out and told: import again when they have ended. What was deleted,
    there or here, is left alone. A model whose history here and there went different ways is left out and told, for
    nothing is ever renumbered; then the exit code is 1, and all the rest is imported.

    \b
    autotrack import ../laptop/.autotrack                      into the store found from here
    autotrack import s3://team/store --store backup            into another one, made if there is none
    """
    from autotrack import config
    from autotrack.cli.output import print_json
    from autotrack.registry.absorb import absorb_models
    from autotrack.store import Store

    source = Store.open(other)
    store = Store.open(config.load().store, create=True)
    runs = store.absorb(source)
    models = absorb_models(store, source)
    if as_json:
        found = {"new_runs": runs.new, "changed_runs": runs.changed, "running_runs": runs.running}
        found |= {"lacking_blobs": runs.lacking, "new_models": models.new, "continued_models": models.longer}
        counts = {"points": runs.points, "blobs": runs.blobs, "left_out_models": models.left_out}
        print_json({"store": str(store.root), "other": str(source.root), **found, **counts})
    else:
        _print_import(runs, models)
    if models.left_out:
        click.get_current_context().exit(1)


def _print_import(runs: "AbsorbReport", models: "ModelsReport") -> None:
    from autotrack.cli.output import plain, tell

    more = f", {_count(len(runs.changed), 'run')} got something new" if runs.changed else ""
    print(f"{_count(len(runs.new), 'run')} new here{more} ({_count(runs.points, 'point')}).")
    more = f", {_count(len(models.longer), 'model')} continued" if models.longer else ""
    print(f"{_count(len(models.new), 'model')} new here{more}.")
    if runs.running:
        names = ", ".join(run_id[:16] for run_id in runs.running[:5]) + (" …" if len(runs.running) > 5 else "")
        print(f"{_count(len(runs.running), 'run')} still running there, left out: {names}. Import again later.")
    if runs.lacking:
        tell(f"{_count(len(runs.lacking), 'file')} of these runs missing or damaged there: {runs.lacking[0]} ...")
    for name, reason in models.left_out.items():
        tell(f"The model {plain(repr(name))} was left out. {plain(reason)}")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _size(size_bytes: int) -> str:
    """1234567 as `1.2 MB`."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
