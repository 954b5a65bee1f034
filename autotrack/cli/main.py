"""`autotrack`: the group of commands, and what becomes of errors.

An error of ours is its message on stderr and exit code 1 (2 where the command was called wrongly), with the
traceback only after --debug. Commands are imported when they are called.
"""

import sys
import warnings
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from autotrack import __version__
from autotrack.cli.options import store_option
from autotrack.errors import AutotrackError, AutotrackWarning, ScriptNotFoundError

__all__ = ["cli", "main"]

_COMMANDS = {
    "run": "autotrack.cli.run:run",
    "ls": "autotrack.cli.runs:ls",
    "show": "autotrack.cli.show:show",
    "models": "autotrack.cli.models:models",
    "serve": "autotrack.cli.serve:serve",
    "keys": "autotrack.cli.keys:keys",
    "env": "autotrack.cli.env:env",
    "sql": "autotrack.cli.sql:sql",
    "compact": "autotrack.cli.store:compact",
    "gc": "autotrack.cli.store:gc",
    "import": "autotrack.cli.store:import_store",
    "doctor": "autotrack.cli.doctor:doctor",
}


class Commands(click.Group):
    """Knows its commands by name and imports one when it is called; tells errors of ours without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            ctx.fail(_unknown_command(args))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", AutotrackWarning)
            try:
                return super().invoke(ctx)
            except (AutotrackError, OSError) as error:
                if ctx.params["debug"] or isinstance(error, BrokenPipeError):
                    raise
                _tell(f"Error: {_message(error)}")
                ctx.exit(2 if isinstance(error, ScriptNotFoundError) else 1)
            finally:
                for warning in caught:
                    _tell(_warning_text(warning))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autotrack")
@store_option
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Experiment tracking that needs no code: record runs, find them again, keep models.

    \b
    autotrack run train.py --lr 0.1              run a script and record what it trains
    autotrack ls "metrics.val_accuracy > 0.9"    runs, newest first
    autotrack show 0190f3ab                      everything about one run
    autotrack models                             registered models, their versions and aliases
    autotrack doctor                             settings, store, and what went wrong

    Runs lie in the store: the nearest folder .autotrack from here upward.
    """


def main() -> None:
    """The command `autotrack`."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal that lacks a character shows ?, and the command goes on
    cli(prog_name="autotrack", windows_expand_args=False)


def _unknown_command(args: list[str]) -> str:
    name = args[0]
    if name.endswith(".py"):
        return f"There is no command {name!r}. Did you mean: autotrack run {' '.join(args)}"
    close = get_close_matches(name, _COMMANDS, n=1) or {"list": ["ls"], "version": ["--version"]}.get(name, [])
    hint = f"Did you mean: autotrack {close[0]}" if close else f"Expected one of: {', '.join(_COMMANDS)}."
    return f"There is no command {name!r}. {hint}"


def _message(error: AutotrackError | OSError) -> str:
    if isinstance(error, AutotrackError):
        return str(error)
    path = f": {error.filename!r}" if error.filename else ""
    return (
        f"{error.strerror or error}{path}.\n"
        "Expected a file or folder that is there and that this user may use, on a disk with room. Check that, or name "
        "another one. Settings and store are shown by: autotrack doctor"
    )


def _warning_text(warning: warnings.WarningMessage) -> str:
    if issubclass(warning.category, AutotrackWarning):
        return f"Warning: {warning.message}"
    return warnings.formatwarning(warning.message, warning.category, warning.filename, warning.lineno).rstrip()


def _tell(message: str) -> None:
    from autotrack.cli.output import tell

    tell(message)
