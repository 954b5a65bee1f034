"""`autotrack keys`: the key that seals this user's models, and those of others whose models load with no question."""

import os

import click

from autotrack.cli.options import json_option

__all__ = ["keys"]


@click.group(invoke_without_command=True, short_help="The keys that seal models, yours and your colleagues'.")
@json_option
@click.pass_context
def keys(ctx: click.Context, as_json: bool) -> None:
    """List the keys whose models load with no question: yours, those you took in, those you used before.

    \b
    autotrack keys                             list them
    autotrack keys export ann.key --name ann   write yours into a file, for a colleague
    autotrack keys add ann.key                 believe a colleague's
    autotrack keys remove ann                  believe it no more
    autotrack keys rotate                      make a new one; what the old one sealed still loads

    A key is a secret: whoever has it can make packages that you, and all who believe it, load with no question. Hand
    it on as you would a password, and delete the file afterwards.
    """
    if ctx.invoked_subcommand is None:
        _list(as_json)


@keys.command("export")
@click.argument("file", type=click.Path())
@click.option("--name", required=True, help="What colleagues will see it is called, such as your name.")
def export(file: str, name: str) -> None:
    """Write your key into the new file FILE, which only you can read.

    \b
    autotrack keys export ann.key --name ann
    """
    from autotrack.cli.output import tell
    from autotrack.model import keys as ring

    key = ring.export(file, name)
    tell(
        f"Your key {key.fingerprint} was written to {key.path}.\n"
        f"It is a secret. Your colleague takes it in with: autotrack keys add {file}"
    )


@keys.command("add")
@click.argument("file", type=click.Path())
@click.option("--name", help="What it is called here; else as its owner called it.")
def add(file: str, name: str | None) -> None:
    """Believe the key in FILE: models that it sealed load with no question from now on.

    \b
    autotrack keys add ann.key
    """
    from autotrack.cli.output import tell
    from autotrack.model import keys as ring

    key = ring.add(file, name)
    tell(f"Models sealed by {key.label} ({key.fingerprint}) load with no question now. Delete {file}: it is a secret.")


@keys.command("remove")
@click.argument("key", metavar="NAME")
def remove(key: str) -> None:
    """Believe a key no more. NAME is its name or its fingerprint.

    \b
    autotrack keys remove ann
    """
    from autotrack.cli.output import tell
    from autotrack.model import keys as ring

    gone = ring.remove(key)
    tell(f"Models sealed by {gone.label} ({gone.fingerprint}) load only with trust= now.")


@keys.command("rotate")
def rotate() -> None:
    """Make a new key of your own. What the old one sealed still loads here.

    \b
    autotrack keys rotate
    """
    from autotrack.cli.output import tell
    from autotrack.model import keys as ring

    key = ring.rotate()
    tell(
        f"Your key is {key.fingerprint} now. Models sealed by the one before still load; if that one is known to "
        "others, remove it: autotrack keys lists it as retired."
    )


def _list(as_json: bool) -> None:
    from autotrack.cli.output import Column, print_json, print_table, tell
    from autotrack.model import keys as ring

    found = ring.listed()
    problems = {key: problem for key in found if (problem := ring.problem_of(key))}
    usable = [key for key in found if key not in problems]
    for key, problem in problems.items():
        tell(
            f"The key of {key.label!r} is not used: {problem}. Take it in again, or: autotrack keys remove {key.label}"
        )
    if as_json:
        print_json([{"name": key.label, "fingerprint": key.fingerprint, "path": key.path} for key in usable])
    elif usable:
        columns = [Column("name", least=8), Column("fingerprint"), Column("file", least=12, goes=1)]
        print_table(columns, [[key.label, key.fingerprint, key.path] for key in usable])
    elif (path := ring.key_path()) is not None and os.path.lexists(path):
        tell(f"Your key {path} cannot be used.")  # why, a warning says
    else:
        tell("There is no key yet: the first model that is saved makes one.")
