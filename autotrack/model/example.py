"""A few rows of input kept with a model, because its user asked for it: how to call it, in MLflow's JSON formats."""

import json
import sys
from typing import Any

from autotrack.errors import DataError

__all__ = ["FILE_NAME", "example_json"]

FILE_NAME = "input_example.json"
_MAX_BYTES = 1 << 20  # it shows how to call the model; it is no data set


def example_json(example: Any) -> bytes:
    """`{"dataframe_split": …}` of a frame, `{"inputs": …}` of anything else, as the model server takes it.

    Raises:
        DataError: It cannot be said in JSON, or is larger than 1 MiB.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(example, pandas.DataFrame):
        content = {"dataframe_split": json.loads(example.to_json(orient="split", date_format="iso", index=False))}
    elif hasattr(example, "to_dicts"):  # polars
        content = {"dataframe_records": example.to_dicts()}
    else:
        content = {"inputs": _listed(example)}
    try:
        data = json.dumps(content, default=str).encode()
    except (TypeError, ValueError) as error:
        raise DataError(
            f"This input example cannot be kept: {error}.\nExpected a data frame, an array, or lists and dicts."
        ) from error
    if len(data) > _MAX_BYTES:
        raise DataError(
            f"This input example takes {len(data):,} bytes.\nExpected a few rows, at most {_MAX_BYTES:,} bytes in all: "
            "such as X[:5]."
        )
    return data


def _listed(example: Any) -> Any:
    if isinstance(example, dict):
        return {str(name): _listed(part) for name, part in example.items()}
    if hasattr(example, "toarray"):  # scipy's sparse matrices
        example = example.toarray()
    if hasattr(example, "detach"):
        example = example.detach().cpu()
    return example.tolist() if hasattr(example, "tolist") else example
