"""`autotrack serve`: a registered model behind HTTP."""

import click

from autotrack.cli.options import store_option

__all__ = ["serve"]

_METHODS = ("predict", "predict_proba", "decision_function", "transform")


@click.command(short_help="Answer requests with a registered model.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen at.")
@click.option("--port", default=5001, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name clients may call the server by.")
@click.option("--token-file", metavar="FILE", help="Answer only who knows its content. Or set AUTOTRACK_SERVE_TOKEN.")
@click.option("--method", type=click.Choice(_METHODS), help="What the model is asked for. Default: predict.")
@click.option("--trust", metavar="PACKAGE", help="sha256:... of a package of somebody else's that may run here.")
@click.option("--max-mib", default=16, show_default=True, type=click.IntRange(1, 4096), help="The largest body read.")
@store_option
@click.argument("reference", metavar="MODEL")
def serve(
    *,
    reference: str,
    host: str,
    port: int,
    hosts: tuple[str, ...],
    token_file: str | None,
    method: str | None,
    trust: str | None,
    max_mib: int,
) -> None:
    """Answer requests to /invocations with the registered model MODEL, in MLflow's JSON formats or CSV.

    \b
    autotrack serve churn@champion
    autotrack serve churn@champion --port 0 --method predict_proba
    autotrack serve churn/3 --host 0.0.0.0 --allow-host models.example.org --token-file token

    When the alias moves, the server changes to the new version without a restart. Ctrl-C or SIGTERM ends it.
    """
    from autotrack import serving

    serving.serve(
        reference,
        host=host,
        port=port,
        hosts=hosts,
        token=serving.read_token(token_file),
        method=method,
        trust=trust,
        limit_bytes=max_mib << 20,
        ready=lambda label, address: print(f"Serving {label} at {address}", flush=True),
    )
