"""`autotrack models`: registered models, their versions and aliases, one version, and who did what when."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from autotrack.cli.options import json_option, store_option
from autotrack.errors import AutotrackError, StoreNotFoundError
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.registry import Event
    from autotrack.store import Store

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
    autotrack models churn --json     the same for programs

    Register a model with autotrack.register_model(run, "churn", alias="champion").
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
    _list(ctx, as_json or _asked_before(ctx))


@models.command("show")
@store_option
@json_option
@click.argument("reference", metavar="MODEL")
@click.pass_context
def show(ctx: click.Context, reference: str, as_json: bool) -> None:
    """List the versions of MODEL, the newest first; or, of one version, show all there is.

    \b
    autotrack models show churn
    autotrack models show churn@champion
    autotrack models show churn/3 --json
    """
    from autotrack.cli.output import print_json
    from autotrack.registry import Registry, parse

    store, asked = _store(), parse(reference)
    if asked.kind == "run" or asked.alias or asked.version:
        version = Registry(store).resolve(asked)
        _print_version(store, version, as_json or _asked_before(ctx))
        return
    name = str(asked.name)
    versions = Registry(store).versions(name)[::-1]
    if as_json or _asked_before(ctx):
        print_json(_as_json(name, versions))
    else:
        _print_versions(name, versions)


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

    events = Registry(_store()).history(name)
    if as_json or _asked_before(ctx):
        print_json([event.to_dict() for event in events])
        return
    lines = [[local_time(event.at), event.by, _told(event)] for event in events]
    print_table([Column("when"), Column("by", least=8, goes=1), Column("what", least=20)], lines)


def _list(ctx: click.Context, as_json: bool) -> None:
    """All models; one whose record is damaged is told, and hides no other."""
    from autotrack.cli.output import print_json, tell
    from autotrack.registry import Registry

    found: dict[str, list[ModelVersion]] = {}
    damaged = []
    try:
        registry = Registry(_store())
        for name in registry.list():
            try:
                found[name] = registry.versions(name)[::-1]
            except AutotrackError as error:
                damaged.append(error)
    except StoreNotFoundError:
        pass
    if as_json:
        print_json([_as_json(name, versions) for name, versions in found.items()])
    elif found:
        _print_models(found)
    elif not damaged:
        tell('No models are registered.\nRegister one with: autotrack.register_model(run, "churn", alias="champion")')
    for problem in damaged:
        tell(f"Error: {problem}")
    if damaged:
        ctx.exit(1)


def _print_models(found: dict[str, list[ModelVersion]]) -> None:
    from autotrack.cli.details import local_time
    from autotrack.cli.output import Column, print_table

    columns = [
        Column("name", least=12),
        Column("aliases", least=12),
        Column("newest", is_number=True),
        Column("created", goes=1),
        Column("versions", is_number=True, goes=1),
    ]
    lines = []
    for name, versions in found.items():
        aliases = ", ".join(f"@{alias} = {number}" for alias, number in _aliases(versions).items())
        newest = versions[0]
        lines.append(
            [name, aliases or "-", str(newest.version), local_time(newest.created_at)[:16], str(len(versions))]
        )
    print_table(columns, lines)


def _print_versions(name: str, versions: Sequence[ModelVersion]) -> None:
    from autotrack.cli.details import local_time
    from autotrack.cli.output import Column, print_table, print_title, tell

    print_title(name)
    if not versions:
        tell(f"No versions are left, all were deleted. See how with: autotrack models history {name}")
        return
    columns = [
        Column("version", is_number=True),
        Column("aliases", least=10),
        Column("created"),
        Column("run"),
        Column("by", least=8, goes=1),
        Column("description", least=12, goes=1),
        Column("tags", least=8, goes=1),
    ]
    lines = [
        [
            str(each.version),
            ", ".join(f"@{alias}" for alias in each.aliases) or "-",
            local_time(each.created_at)[:16],
            each.run_id or "-",
            each.created_by,
            each.description or "-",
            ", ".join(f"{key}={value}" for key, value in each.tags) or "-",
        ]
        for each in versions
    ]
    print_table(columns, lines)


def _print_version(store: "Store", version: ModelVersion, as_json: bool) -> None:
    from autotrack.cli.details import local_time, package_facts
    from autotrack.cli.output import print_json, print_pairs, print_title

    if as_json:
        package = json.loads(store.blobs.get(version.manifest))
        print_json({**version.to_dict(), "package": {key: package[key] for key in package if key != "seal"}})
        return
    reference = f"{version.name}/{version.version}"
    print_title(reference)
    about = {
        "aliases": ", ".join(f"@{alias}" for alias in version.aliases),
        "description": version.description,
        "created": f"{local_time(version.created_at)} by {version.created_by}",
        "run": f"{version.run_id}, see it with: autotrack show {version.run_id}" if version.run_id else "",
        "load it": f'autotrack.load_model("{reference}")',
    }
    print_pairs({name: text for name, text in about.items() if text})
    print_pairs(dict(version.tags), title="tags")
    print_pairs(package_facts(store, version.manifest), title="package")


def _told(event: "Event") -> str:
    """An event as a sentence."""
    detail: Any = event.detail
    version = detail.get("version")
    sentences = {
        "register": lambda: (
            f"registered version {version}" + (f" of run {detail['run_id']}" if detail["run_id"] else "")
        ),
        "alias": lambda: (
            f"@{detail['alias']} now means version {detail['to']}"
            + (f", before {detail['from']}" if detail["from"] else "")
        ),
        "unalias": lambda: f"@{detail['alias']} removed, was version {detail['from']}",
        "tag": lambda: (
            f"version {version}: tag {detail['key']} "
            + ("removed" if detail["value"] is None else f"= {detail['value']}")
        ),
        "describe": lambda: f"version {version}: described as {detail['description']}",
        "delete": lambda: f"deleted version {version}",
    }
    return sentences[event.op]() if event.op in sentences else event.op


def _store() -> "Store":
    from autotrack import config
    from autotrack.store import Store

    return Store.open(config.load().store)


def _asked_before(ctx: click.Context) -> bool:
    """Whether --json stood before the command, as in `models --json show churn`."""
    return ctx.parent is not None and bool(ctx.parent.params.get("as_json"))


def _as_json(name: str, versions: Sequence[ModelVersion]) -> dict[str, Any]:
    return {"name": name, "aliases": _aliases(versions), "versions": [each.to_dict() for each in versions]}


def _aliases(versions: Sequence[ModelVersion]) -> dict[str, int]:
    """Version by alias."""
    return dict(sorted((alias, version.version) for version in versions for alias in version.aliases))
