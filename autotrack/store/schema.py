"""What the store's tables look like: one list of columns per table, and what is derived from it.

Changing a column: raise FORMAT_VERSION (and MIN_READER or MIN_WRITER where older versions could not cope),
move the old reader to `store/old/`, keep a sample store in `tests/data/`, and test that it is still read.
Adding a column that may be null needs none of this: files without it read as null.

Standard library only; `arrow_schema()` imports pyarrow when called.
"""

import json
from typing import Any, Literal

__all__ = [
    "FORMAT_VERSION",
    "MAP_FIELDS",
    "METRICS",
    "MIN_READER",
    "MIN_WRITER",
    "RUNS",
    "SCALAR_FIELDS",
    "Kind",
    "arrow_schema",
    "delta_schema",
]

FORMAT_VERSION = 1  # what new stores are
MIN_READER = 1  # the oldest format whose readers can read what we write
MIN_WRITER = 1  # the oldest format whose writers may write beside us

Kind = Literal["string", "boolean", "timestamp", "long", "integer", "double", "texts", "numbers", "times", "summary"]

# One row per run, in every snapshot. Patches may set the scalar fields and the maps of text.
SCALAR_FIELDS: dict[str, Kind] = {
    "experiment": "string",
    "name": "string",
    "parent_run_id": "string",
    "source": "string",
    "status": "string",
    "reason": "string",
    "error": "string",
    "host": "string",
    "author": "string",
    "git_commit": "string",
    "git_dirty": "boolean",
    "start_ts": "timestamp",
    "end_ts": "timestamp",
    "process": "string",
    "deleted": "boolean",
}
MAP_FIELDS = ("params", "param_types", "tags", "artifacts", "models", "data", "lacks")
RUNS: dict[str, Kind] = {
    "run_id": "string",
    **SCALAR_FIELDS,
    "updated_ts": "timestamp",
    **dict.fromkeys(MAP_FIELDS, "texts"),
    "metrics": "numbers",  # the last value of each metric
    "summary": "summary",
    "writer": "string",  # which writer set the status: a run is open only as long as its writer lives
    "stamps": "times",  # when each field was set, as `field` or `map.key`; under "" the time of all that are not named
}

# One row per point, sorted by (run_id, key, step, ts).
METRICS: dict[str, Kind] = {
    "run_id": "string",
    "key": "string",
    "step": "long",
    "epoch": "long",
    "ts": "timestamp",
    "value": "double",
    "rank": "integer",
}

_DELTA_SCALARS = {"timestamp": "timestamp", "string": "string", "boolean": "boolean", "long": "long"}
_DELTA_SCALARS |= {"integer": "integer", "double": "double"}
_MAP_VALUES = {"texts": "string", "numbers": "double", "times": "long"}
SUMMARY_FIELDS: dict[str, Kind] = {
    "key": "string",
    "min": "double",
    "max": "double",
    "last_step": "long",
    "last_ts": "timestamp",
    "count": "long",
}


def delta_schema(columns: dict[str, Kind]) -> str:
    """The table's schema as the Delta log writes it."""
    return json.dumps(_delta_struct(columns), separators=(",", ":"))


def arrow_schema(columns: dict[str, Kind]) -> Any:
    """The table's schema as a `pyarrow.Schema`."""
    import pyarrow as pa

    return pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])


def arrow_type(kind: Kind) -> Any:
    """The `pyarrow.DataType` of a kind of column."""
    import pyarrow as pa

    if kind == "summary":
        return pa.list_(
            pa.field("element", pa.struct([(name, arrow_type(part)) for name, part in SUMMARY_FIELDS.items()]))
        )
    simple = {
        "string": pa.string(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "long": pa.int64(),
        "integer": pa.int32(),
        "double": pa.float64(),
    }
    return pa.map_(pa.string(), simple[_MAP_VALUES[kind]]) if kind in _MAP_VALUES else simple[kind]


def _delta_struct(columns: dict[str, Kind]) -> dict[str, object]:
    fields = [
        {"name": name, "type": _delta_type(kind), "nullable": True, "metadata": {}} for name, kind in columns.items()
    ]
    return {"type": "struct", "fields": fields}


def _delta_type(kind: Kind) -> object:
    if kind == "summary":
        return {"type": "array", "elementType": _delta_struct(SUMMARY_FIELDS), "containsNull": True}
    if kind in _MAP_VALUES:
        return {"type": "map", "keyType": "string", "valueType": _MAP_VALUES[kind], "valueContainsNull": True}
    return _DELTA_SCALARS[kind]
