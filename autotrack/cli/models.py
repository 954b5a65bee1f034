"""`autotrack models`: registered models, their versions and aliases, one version, and who did what when.

The commands that change something are in models_change.py, those that look at bytes in models_files.py.
"""

import click

from autotrack.cli import models_change, models_files
from autotrack.cli.models_shown import (
    as_json_of,
    asked_before,
    open_store,
    print_models,
    print_version,
    print_versions,
    told,
)
from autotrack.cli.options import json_option, store_option
from autotrack.errors import AutotrackError, StoreNotFoundError
from autotrack.types import ModelVersion

__all__ = ["models"]


class NameOrCommand(click.Group):
    """A first word that is no command is a model's name: `models churn` is `models show churn`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=NameOrCommand, invoke_without_command=True, subcommand_metavar="[MODEL]", short_help="List registered models."
)
@store_option
@json_option
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """List registered models, or show the one called MODEL.

    \b
    autotrack models                  every model, its versions and aliases
    autotrack models churn            the versions of churn (also: models show churn)
    autotrack models churn@champion   all about one version (also: churn/3)
    autotrack models history churn    who did what to churn, and when
    autotrack models promote churn/3  it is the champion; models rollback churn undoes that
    autotrack models churn --json     the same for programs

    Register a model with: autotrack models register RUN churn, or autotrack.register_model(run, "churn").
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, as_json)


@models.command("ls")
@store_option
@json_option
@click.pass_context
def ls(ctx: click.Context, as_json: bool) -> None:
    """List registered models.

    \b
    autotrack models ls
    autotrack models ls --json
    """
    _list(ctx, as_json or asked_before(ctx))


@models.command("show")
@store_option
@json_option
@click.option("--as-of", metavar="TIME", help="As it was then: 2026-05-03 (its end), 2026-05-03T14:00; in UTC.")
@click.argument("reference", metavar="MODEL")
@click.pass_context
def show(ctx: click.Context, reference: str, as_json: bool, as_of: str | None) -> None:
    """List the versions of MODEL, the newest first; or, of one version, show all there is.

    \b
    autotrack models show churn
    autotrack models show churn@champion
    autotrack models show churn/3 --json
    autotrack models show churn@champion --as-of 2026-05-03
    """
    from autotrack.cli.output import print_json
    from autotrack.registry import Registry, parse

    registry, asked = Registry(open_store()), parse(reference)
    if asked.kind == "run" or asked.alias or asked.version:
        version = registry.resolve(asked, as_of=as_of)
        print_version(registry, version, as_json or asked_before(ctx))
        return
    name = str(asked.name)
    versions = registry.versions(name, as_of=as_of)[::-1]
    if as_json or asked_before(ctx):
        print_json(as_json_of(name, versions))
    else:
        print_versions(name, versions, as_of)


@models.command("history")
@store_option
@json_option
@click.argument("name", metavar="MODEL")
@click.pass_context
def history(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show what happened to MODEL, oldest first: versions, aliases, tags, deletions; by whom and when.

    \b
    autotrack models history churn
    autotrack models history churn --json
    """
    from autotrack.cli.details import local_time
    from autotrack.cli.output import Column, print_json, print_table
    from autotrack.registry import Registry

    events = Registry(open_store()).history(name)
    if as_json or asked_before(ctx):
        print_json([event.to_dict() for event in events])
        return
    lines = [[local_time(event.at), event.by, told(event)] for event in events]
    print_table([Column("when"), Column("by", least=8, goes=1), Column("what", least=20)], lines)


def _list(ctx: click.Context, as_json: bool) -> None:
    """All models; one whose record is damaged is told, and hides no other."""
    from autotrack.cli.output import print_json, tell
    from autotrack.registry import Registry

    found: dict[str, list[ModelVersion]] = {}
    damaged = []
    try:
        registry = Registry(open_store())
        for name in registry.list():
            try:
                found[name] = registry.versions(name)[::-1]
            except AutotrackError as error:
                damaged.append(error)
    except StoreNotFoundError:
        pass
    if as_json:
        print_json([as_json_of(name, versions) for name, versions in found.items()])
    elif found:
        print_models(found)
    elif not damaged:
        tell('No models are registered.\nRegister one with: autotrack.register_model(run, "churn", alias="champion")')
    for problem in damaged:
        tell(f"Error: {problem}")
    if damaged:
        ctx.exit(1)


for command in (*models_change.COMMANDS, *models_files.COMMANDS):
    models.add_command(command)
