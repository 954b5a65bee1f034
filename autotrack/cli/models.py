"""`autotrack models`: registered models, their versions and aliases."""

from typing import TYPE_CHECKING

import click

from autotrack.cli.options import json_option, store_option
from autotrack.errors import StoreNotFoundError
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.registry import Registry

__all__ = ["models"]


class NameOrCommand(click.Group):
    """A first word that is no command is a model's name: `models churn` is `models show churn`."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(context, args[0]) is None:
            args = ["show", *args]
        return super().resolve_command(context, args)


@click.group(
    cls=NameOrCommand, invoke_without_command=True, subcommand_metavar="[NAME]", short_help="List registered models."
)
@store_option
@json_option
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """List registered models, or the versions of the one called NAME.

    \b
    autotrack models                  every model, its versions and aliases
    autotrack models churn            the versions of churn (also: models show churn)
    autotrack models churn --json     the same for programs

    Register a model with autotrack.register_model(run, "churn", alias="champion").
    """
    if context.invoked_subcommand is None:
        _list(as_json)


@models.command("ls")
@store_option
@json_option
@click.pass_context
def ls(context: click.Context, as_json: bool) -> None:
    """List registered models."""
    _list(as_json or _asked_before(context))


@models.command("show")
@store_option
@json_option
@click.argument("name")
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """List the versions of the model called NAME, the newest first."""
    from autotrack.cli.output import Column, print_json, print_pairs, print_table, print_title, value_text

    versions = sorted(_registry().versions(name), key=lambda version: version.version, reverse=True)
    if as_json or _asked_before(context):
        print_json({"name": name, "aliases": _aliases(versions), "versions": [each.to_dict() for each in versions]})
        return
    print_title(name)
    columns = [
        Column("version", is_number=True),
        Column("aliases", least=10),
        Column("created"),
        Column("by", least=8, may_go=True),
        Column("run"),
        Column("tags", least=8, may_go=True),
        Column("description", least=12, may_go=True),
    ]
    lines = [
        [
            str(each.version),
            ", ".join(f"@{alias}" for alias in each.aliases) or "-",
            each.created_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            each.created_by,
            each.run_id or "-",
            ", ".join(f"{key}={value}" for key, value in each.tags) or "-",
            value_text(each.description or None),
        ]
        for each in versions
    ]
    print_table(columns, lines)
    print_pairs({"load it": f'autotrack.load_model("{name}")'}, title="in Python")


def _list(as_json: bool) -> None:
    from autotrack.cli.output import Column, print_json, print_table, tell

    hint = 'Register a model with: autotrack.register_model(run, "name", alias="champion")'
    try:
        registry = _registry()
        found = {name: registry.versions(name) for name in registry.list()}
    except StoreNotFoundError as error:
        found, hint = {}, str(error)
    if as_json:
        print_json(
            [
                {"name": name, "aliases": _aliases(versions), "versions": [each.to_dict() for each in versions]}
                for name, versions in found.items()
            ]
        )
        return
    if not found:
        tell(f"No models are registered. {hint}")
        return
    columns = [
        Column("name", least=12),
        Column("versions", is_number=True),
        Column("newest"),
        Column("aliases", least=12),
    ]
    lines = []
    for name, versions in found.items():
        newest = max(versions, key=lambda version: version.version)
        created = newest.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        aliases = ", ".join(f"@{alias} = {number}" for alias, number in _aliases(versions).items())
        lines.append([name, str(len(versions)), f"{newest.version} of {created}", aliases or "-"])
    print_table(columns, lines)


def _registry() -> "Registry":
    from autotrack import config
    from autotrack.registry import Registry
    from autotrack.store import Store

    return Registry(Store.open(config.load().store))


def _asked_before(context: click.Context) -> bool:
    """Whether --json stood before the command, as in `models --json show churn`."""
    return context.parent is not None and bool(context.parent.params.get("as_json"))


def _aliases(versions: list[ModelVersion]) -> dict[str, int]:
    """Version by alias."""
    return dict(sorted((alias, version.version) for version in versions for alias in version.aliases))
