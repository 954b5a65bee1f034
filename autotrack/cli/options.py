"""Options that several commands share: --store and --json."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["STORE_GIVEN", "json_option", "store_option"]

STORE_GIVEN = "autotrack.store_given"  # key of click's `meta`: --store was on the command line

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_JSON_HELP = 'Print one JSON document. NaN and infinities are the texts "NaN", "Infinity", "-Infinity".'


def json_option(command: CommandT) -> CommandT:
    """--json, as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)(command)


def store_option(command: CommandT) -> CommandT:
    """--store, for this process and those it starts."""
    help_text = "The store to use instead of the one found from here."
    return click.option(
        "--store", metavar="PATH", expose_value=False, callback=_use_store, help=help_text, is_eager=True
    )(command)


def _use_store(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value == "":
        raise click.BadParameter("It is empty. Expected the path of a store's folder.")
    if value is not None:
        # Absolute, so that a script that changes its folder means the same one; addresses are told by the settings.
        os.environ["AUTOTRACK_STORE"] = value if "://" in value else os.path.abspath(os.path.expanduser(value))
        ctx.meta[STORE_GIVEN] = True
