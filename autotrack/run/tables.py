"""Tables of a run: what explains its model, as data. All of a run's tables are one JSON artifact.

    {"confusion": {"true": ["no", "yes"], "predicted no": [50, 3], "predicted yes": [2, 40]}, "roc": {...}, ...}

A table is its columns, all of the same length. NaN and infinities are null.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["TABLES", "Table", "read_tables", "write_tables"]

TABLES = "tables.json"

Table = Mapping[str, Sequence[Any]]


def write_tables(tables: Mapping[str, Table]) -> bytes:
    """The artifact. Columns may be lists or one-dimensional arrays."""
    plain = {name: {str(key): _column(column) for key, column in table.items()} for name, table in tables.items()}
    return json.dumps(plain, separators=(",", ":"), allow_nan=False, default=str).encode()


def read_tables(content: bytes) -> dict[str, Table]:
    """The tables of an artifact."""
    tables: dict[str, Table] = json.loads(content)
    return tables


def _column(column: Any) -> list[Any]:
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]
