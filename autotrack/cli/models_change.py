"""`autotrack models`, the commands that change something: each is one event in the model's history."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from autotrack.cli.models_shown import asked_before, open_store, told
from autotrack.cli.options import json_option, store_option
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.registry.moves import Unset

__all__ = ["COMMANDS"]


@click.command("register")
@store_option
@json_option
@click.option("--alias", metavar="ALIAS", help="Point this alias at the version.")
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True, help="A tag of the version; may be repeated.")
@click.option("--description", metavar="TEXT", help="What the version is.")
@click.argument("run")
@click.argument("name")
@click.pass_context
def register(
    ctx: click.Context,
    *,
    run: str,
    name: str,
    alias: str | None,
    tags: tuple[str, ...],
    description: str | None,
    as_json: bool,
) -> None:
    """Make the model of RUN the next version of the model NAME. Of a study it is that of the best trial.

    \b
    autotrack models register 0190f3ab churn
    autotrack models register 0190f3ab churn --alias champion --tag team=growth
    """
    from autotrack.api import register_model

    version = register_model(run, name, alias=alias, tags=_pairs(tags), description=description)
    _print(ctx, version, f"{name}/{version.version} is the model of run {version.run_id}.", as_json=as_json)


@click.command("promote")
@store_option
@json_option
@click.option("--to", metavar="ALIAS", default="champion", show_default=True, help="The alias that will mean it.")
@click.option("--gate", metavar="RULE", help="What must hold, as: metrics.test_f1 >= champion")
@click.option("--force", is_flag=True, help="Promote even if the gate does not hold; that is recorded.")
@click.option("--reason", metavar="TEXT", help="Recorded in the history.")
@click.option("--expect", metavar="N", help="Only if the alias means version N now; none: if there is no such alias.")
@click.argument("reference", metavar="MODEL")
@click.pass_context
def promote(
    ctx: click.Context,
    *,
    reference: str,
    to: str,
    gate: str | None,
    force: bool,
    reason: str | None,
    expect: str | None,
    as_json: bool,
) -> None:
    """Point an alias at the version MODEL, and previous-ALIAS at the version it meant before.

    \b
    autotrack models promote churn/3
    autotrack models promote churn/3 --gate "metrics.test_f1 >= champion + 0.01"
    autotrack models promote churn/3 --to staging --gate "tags.approved = 'yes'" --reason "as agreed"
    """
    from autotrack import registry

    version = registry.resolve(reference)
    promoted = registry.promote(
        version.name, version.version, to, gate=gate, force=force, reason=reason, expect=_expected(expect)
    )
    _print_move(ctx, promoted, to, as_json=as_json)


@click.command("rollback")
@store_option
@json_option
@click.option("--reason", metavar="TEXT", help="Recorded in the history.")
@click.argument("reference", metavar="MODEL")
@click.pass_context
def rollback(ctx: click.Context, reference: str, reason: str | None, as_json: bool) -> None:
    """Point an alias of MODEL (@champion if none is named) back at the version it meant before.

    A second time it goes one further back. Deleted versions are passed over.

    \b
    autotrack models rollback churn
    autotrack models rollback churn@staging --reason "wrong on new customers"
    """
    from autotrack import registry

    asked = registry.parse(reference)
    if asked.name is None or asked.version is not None:
        raise click.UsageError(f"{reference!r} names no alias. Expected: autotrack models rollback churn@champion")
    alias = asked.alias or "champion"
    _print_move(ctx, registry.rollback(asked.name, alias, reason=reason), alias, as_json=as_json)


@click.command("alias")
@store_option
@json_option
@click.option("--expect", metavar="N", help="Only if the alias means version N now; none: if there is no such alias.")
@click.option("--delete", "is_deleted", is_flag=True, help="Remove the alias; the version stays.")
@click.argument("reference", metavar="MODEL")
@click.argument("alias")
@click.pass_context
def alias_command(
    ctx: click.Context, *, reference: str, alias: str, expect: str | None, is_deleted: bool, as_json: bool
) -> None:
    """Point ALIAS at the version MODEL, or remove it.

    \b
    autotrack models alias churn/3 staging
    autotrack models alias churn/3 staging --expect 2
    autotrack models alias churn staging --delete
    """
    from autotrack import registry

    if is_deleted:
        name = str(registry.parse(reference).name)
        registry.delete_alias(name, alias)
        version = registry.versions(name)[-1]
        _print(ctx, version, f"@{alias} of {name} is removed.", as_json=as_json)
        return
    version = registry.resolve(reference)
    moved = registry.set_alias(version.name, alias, version.version, expect=_expected(expect))
    _print_move(ctx, moved, alias, as_json=as_json)


@click.command("tag")
@store_option
@json_option
@click.option("--delete", "deleted", metavar="KEY", multiple=True, help="Remove this tag; may be repeated.")
@click.argument("reference", metavar="MODEL")
@click.argument("tags", metavar="[KEY=VALUE]...", nargs=-1)
@click.pass_context
def tag(ctx: click.Context, reference: str, tags: tuple[str, ...], deleted: tuple[str, ...], as_json: bool) -> None:
    """Set or remove tags of the version MODEL.

    \b
    autotrack models tag churn/3 approved=yes team=growth
    autotrack models tag churn/3 --delete approved
    """
    from autotrack import registry

    if not tags and not deleted:
        raise click.UsageError("Nothing to do. Expected KEY=VALUE, or --delete KEY.")
    pairs: dict[str, str | None] = {**dict.fromkeys(deleted), **_pairs(tags)}
    version = registry.resolve(reference)
    for key, value in pairs.items():
        version = registry.set_tag(version.name, version.version, key, value)
    shown = ", ".join(f"{key}={value}" for key, value in version.tags)
    _print(ctx, version, f"{version.name}/{version.version} has the tags: {shown or 'none'}", as_json=as_json)


@click.command("describe")
@store_option
@json_option
@click.argument("reference", metavar="MODEL")
@click.argument("text")
@click.pass_context
def describe(ctx: click.Context, reference: str, text: str, as_json: bool) -> None:
    """Say what the version MODEL is.

    \b
    autotrack models describe churn/3 "trained without the holidays"
    """
    from autotrack import registry

    version = registry.resolve(reference)
    version = registry.describe(version.name, version.version, text)
    _print(ctx, version, f"{version.name}/{version.version}: {version.description}", as_json=as_json)


@click.command("delete")
@store_option
@json_option
@click.argument("reference", metavar="MODEL")
@click.pass_context
def delete(ctx: click.Context, reference: str, as_json: bool) -> None:
    """Delete one version, named by its number; not while an alias means it.

    Its number is never given again. Its bytes go with `autotrack gc`, if no run or other version has them.

    \b
    autotrack models delete churn/3
    """
    from autotrack import registry

    asked = registry.parse(reference)
    if asked.name is None or asked.version is None:
        raise click.UsageError(f"{reference!r} names no version. Expected its number: autotrack models delete churn/3")
    version = registry.resolve(reference)
    registry.delete_version(asked.name, asked.version)
    said = f"{asked} is deleted. Its bytes go with: autotrack gc"
    _print(ctx, version, said, as_json=as_json)


COMMANDS = (register, promote, rollback, alias_command, tag, describe, delete)


def _print(ctx: click.Context, version: ModelVersion, said: str, *, as_json: bool) -> None:
    """What was done, in a sentence; for programs the version."""
    from autotrack.cli.output import plain, print_json

    if as_json or asked_before(ctx):
        print_json(version.to_dict())
    else:
        click.echo(plain(said))


def _print_move(ctx: click.Context, version: ModelVersion, alias: str, *, as_json: bool) -> None:
    """A move of an alias, as the history has it."""
    from autotrack.registry import Registry

    events = Registry(open_store()).history(version.name)
    moves = [event for event in events if event.op == "alias" and event.detail["alias"] == alias]
    _print(ctx, version, f"{version.name}: {told(moves[-1])}", as_json=as_json)


def _pairs(texts: tuple[str, ...]) -> Mapping[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{text!r} is no tag. Expected KEY=VALUE.")
        found[key] = value
    return found


def _expected(text: str | None) -> "int | Unset | None":
    from autotrack.registry.moves import UNSET

    if text is None:
        return UNSET
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise click.UsageError(f"--expect {text!r} is no version. Expected a number, or none.") from None
