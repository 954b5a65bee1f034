"""`autotrack run`: a script as `python` would run it, with tracking on."""

import os

import click

from autotrack.cli.options import store_option
from autotrack.errors import InvalidNameError
from autotrack.names import check_name

__all__ = ["run"]


def _checked(_ctx: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    """Told before a script has run for hours, not after."""
    try:
        return None if name is None else check_name("experiment name", name)
    except InvalidNameError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    short_help="Run a script and record what it trains.", context_settings={"allow_interspersed_args": False}
)
@click.option("--experiment", metavar="NAME", callback=_checked, help="The experiment its runs belong to.")
@store_option
@click.option("-m", "is_module", is_flag=True, help="SCRIPT is a module's name, as after `python -m`.")
@click.argument("script")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def run(experiment: str | None, is_module: bool, script: str, args: tuple[str, ...]) -> None:
    """Run SCRIPT as `python SCRIPT ARGS...` would, and record what it trains.

    The script is not changed and notices nothing: its arguments, output, tracebacks and exit code are its own.
    All that follows SCRIPT belongs to it; options of autotrack stand before it.

    \b
    autotrack run train.py --lr 0.1
    autotrack run --experiment spam train.py
    autotrack run -m my_package.train --epochs 3
    """
    from autotrack.projects import launch

    environment = dict(os.environ)
    if experiment is not None:
        environment["AUTOTRACK_EXPERIMENT"] = experiment
    launch(script, args, environment, is_module=is_module)
