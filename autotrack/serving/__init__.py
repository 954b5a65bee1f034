"""A registered model behind HTTP, in MLflow's formats: `autotrack serve churn@champion`.

    request -> gate (who may ask) -> app (threads, limits) -> bodies -> cast (as the signature says) -> the model
            -> answers

`served` holds the version that answers and changes to the next one when the alias moves. Starlette and uvicorn are
imported when a server starts, never before.
"""

from autotrack.serving.server import check_address, read_token, serve

__all__ = ["check_address", "read_token", "serve"]
