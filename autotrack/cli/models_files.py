"""`autotrack models`, the commands that look at bytes: what differs, what is damaged, a version as one file."""

import click

from autotrack.cli.models_shown import asked_before, open_store
from autotrack.cli.options import json_option, store_option

__all__ = ["COMMANDS"]


@click.command("diff")
@store_option
@json_option
@click.argument("a", metavar="MODEL")
@click.argument("b", metavar="OTHER")
@click.pass_context
def diff(ctx: click.Context, a: str, b: str, as_json: bool) -> None:
    """Show what differs between MODEL and OTHER: params, metrics, data, code, packages, inputs, weights.

    Nothing of a model is run for that.

    \b
    autotrack models diff churn@champion churn/7
    autotrack models diff churn@champion run:0190f3ab --json
    """
    from autotrack import registry
    from autotrack.cli.output import plain, print_json

    found = registry.diff(a, b)
    if as_json or asked_before(ctx):
        print_json(found.to_dict())
        return
    for line in str(found).split("\n"):
        click.echo(plain(line))
    if found.is_breaking:
        click.echo("\nWhoever calls the first may not be able to call the second: see signature.")


@click.command("verify")
@store_option
@json_option
@click.argument("name", metavar="[MODEL]", required=False)
@click.pass_context
def verify(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Check the history, the manifests and every byte of MODEL, or of all models. Exit code 1: something is wrong.

    \b
    autotrack models verify
    autotrack models verify churn
    """
    from autotrack import registry
    from autotrack.cli.output import plain, print_json, tell

    found = registry.verify(name)
    if as_json or asked_before(ctx):
        print_json(found.to_dict())
    else:
        click.echo(plain(str(found).split("\n")[0]))
        for problem in found.problems:
            tell(f"Error: {problem}")
    if not found.is_whole:
        ctx.exit(1)


@click.command("export")
@store_option
@json_option
@click.argument("reference", metavar="MODEL")
@click.argument("path", metavar="FILE", type=click.Path())
@click.option(
    "--plain", "is_plain", is_flag=True, help="Plain files: a folder that MLflow reads too, or a .pt2 program."
)
@click.pass_context
def export(ctx: click.Context, reference: str, path: str, *, is_plain: bool, as_json: bool) -> None:
    """Write the version MODEL into one FILE, to be imported into another store. A folder will do: it gets a name.

    \b
    autotrack models export churn@champion churn-3.autotrack
    autotrack models export churn@champion churn --plain      a folder, which MLflow reads
    autotrack models export churn@champion churn.pt2 --plain  a torch.export program
    """
    from autotrack import registry
    from autotrack.cli.output import plain, print_json

    if is_plain:
        _export_plain(ctx, reference, path, as_json)
        return
    written = registry.export(reference, path)
    if as_json or asked_before(ctx):
        print_json({"file": str(written), "size_bytes": written.stat().st_size})
    else:
        click.echo(plain(f"{reference} is in {written}. Import it elsewhere with: autotrack models import FILE"))


def _export_plain(ctx: click.Context, reference: str, path: str, as_json: bool) -> None:
    from autotrack.cli.output import plain, print_json
    from autotrack.models import export_model

    written = export_model(reference, path)
    if as_json or asked_before(ctx):
        print_json({"path": str(written)})
    else:
        click.echo(plain(f"{reference} is in {written}."))


@click.command("import")
@store_option
@json_option
@click.option("--as", "called", metavar="NAME", help="What the model is to be called here; else as it was.")
@click.argument("path", metavar="FILE", type=click.Path())
@click.pass_context
def import_command(ctx: click.Context, path: str, called: str | None, as_json: bool) -> None:
    """Register the version in FILE, which `models export` wrote. Nothing is kept of a file that was changed.

    Who made the model is as trusted, or not, as before: its seal comes with it. Your own models, and those of
    colleagues whose key you took in, load under another name, too.

    \b
    autotrack models import churn-3.autotrack
    autotrack models import churn-3.autotrack --as churn-of-ann
    """
    from autotrack import registry
    from autotrack.cli.details import package_facts
    from autotrack.cli.output import plain, print_json

    version = registry.import_file(path, called)
    if as_json or asked_before(ctx):
        print_json(version.to_dict())
        return
    reference = f"{version.name}/{version.version}"
    kind = package_facts(open_store(), version.manifest).get("class", "a model")
    click.echo(plain(f'{reference} is here: {kind}. Load it with: autotrack.load_model("{reference}")'))


COMMANDS = (diff, verify, export, import_command)
