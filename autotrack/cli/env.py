"""`autotrack env`: the exact packages of a run or a model, as a requirements file; or what differs from them here."""

from pathlib import Path

import click

from autotrack.cli.options import json_option, store_option
from autotrack.errors import DataError

__all__ = ["env"]


@click.command(short_help="The exact packages of a run or a model.")
@store_option
@json_option
@click.argument("reference", metavar="RUN|MODEL")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write a file instead of printing.")
@click.option("--all", "everything", is_flag=True, help="All packages that were installed, not only those needed.")
@click.option("--check", is_flag=True, help="Tell what is not here as it was; exit code 1 if anything is not.")
@click.pass_context
def env(
    ctx: click.Context, *, reference: str, output: str | None, everything: bool, check: bool, as_json: bool
) -> None:
    """Print what RUN or MODEL needs, in the exact versions it was made with, as pip and uv read it.

    \b
    autotrack env churn@champion -o requirements.txt
    autotrack env 0190f3ab --all
    autotrack env churn/3 --check        what differs here
    """
    from autotrack.cli.output import print_json, tell
    from autotrack.environments import environment_of

    found = environment_of(reference, everything=everything)
    if check:
        differences = found.differences()
        if as_json:
            print_json(differences)
        else:
            click.echo("\n".join(differences) or f"All is here as {reference} was made with it.")
        ctx.exit(1 if differences else 0)
    if as_json:
        print_json({"python": found.python, "requirements": found.requirements})
        return
    text = found.text()
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        tell(f"Wrote {len(found.requirements)} packages to {output}. Install them with: pip install -r {output}")


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path!r} cannot be written: {error.strerror or error}.\n"
            "Expected a file in a folder that is there and can be written to. Choose another place."
        ) from error
