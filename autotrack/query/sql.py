"""SQL over a store, by DuckDB: what is sealed and what is live, as two tables, to be read only.

runs      one row per run: run_id, experiment, name, status, start_ts, end_ts, ..., and maps: params (as text),
          param_types, tags, metrics (last values); summary has min, max, count of each metric
metrics   one row per point: run_id, key, step, epoch, ts, value, rank

sql(store, "select params['C'] as C, max(metrics['val_accuracy']) from runs group by all")
"""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autotrack.errors import MissingLibraryError, SearchError, StoreError
from autotrack.store.schema import METRICS, RUNS, Kind, arrow_schema

if TYPE_CHECKING:
    from autotrack.store import Store

__all__ = ["sql"]

_TRIES = 20  # a file can be replaced while it is read; each try needs another commit in between
_INNER = ("deleted", "writer", "stamps")  # columns that are how the store works, not what was recorded
# How an earlier process ended does not hold for a run that was resumed since.
_STAMP = "coalesce(map_extract(stamps, '{0}')[1], map_extract(stamps, '')[1])"
_REASON = f"CASE WHEN {_STAMP.format('reason')} < {_STAMP.format('status')} THEN NULL ELSE reason END AS reason"


def sql(store: "Store", text: str) -> Any:
    """The answer to one SELECT, as a `pyarrow.Table`.

    Args:
        text: In DuckDB's SQL, over the tables `runs` and `metrics`. It sees no other file and changes nothing.

    Raises:
        SearchError: It is not a SELECT, or DuckDB cannot run it; the message is DuckDB's.
        MissingLibraryError: DuckDB is not installed.
        StoreError: The store lies in a bucket.
    """
    import tempfile

    duckdb = _duckdb()
    if store.backend.is_remote:
        raise StoreError(
            "This store lies in a bucket, and SQL runs over files here.\n"
            "Expected a local store. Copy it to this machine, or point DuckDB, Spark or Trino at its tables."
        )
    for _ in range(_TRIES):
        with (
            tempfile.TemporaryDirectory(prefix="autotrack-sql-") as spill,  # DuckDB may write in it, and nowhere else
            duckdb.connect(":memory:", config={"python_enable_replacements": "false"}) as connection,
        ):
            statement = _the_select(duckdb, connection, text)
            files = _make_views(connection, store, spill)
            try:
                return connection.sql(statement).to_arrow_table()
            except (duckdb.Error, OSError) as error:
                if all(map(os.path.exists, files)):
                    raise _refused(text, error) from error
    raise StoreError(f"The store was changed {_TRIES} times while it was read.\nExpected a quiet moment. Try again.")


def _the_select(duckdb: Any, connection: Any, text: str) -> Any:
    """The statement, if it is one that only reads."""
    if not isinstance(text, str):
        raise SearchError(f"SQL is a text, and this is a {type(text).__name__}.\nExpected a SELECT.", text=repr(text))
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as error:
        raise _refused(text, error) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        kinds = ", ".join(str(one.type).rpartition(".")[2] for one in statements) or "nothing"
        raise SearchError(
            f"This SQL is not one SELECT but {kinds}.\nExpected a SELECT over the tables runs and metrics.", text=text
        )
    return statements[0]


def _make_views(connection: Any, store: "Store", spill: str) -> list[str]:
    """Make the two tables, then close every other way in or out; the files they are made of."""
    parts = store.parts()
    run = connection.execute
    connection.register("live_runs", parts.runs)
    connection.register("sealed_runs", _dataset(parts.run_files, RUNS))
    connection.register("live_metrics", _dataset([], METRICS) if parts.points is None else parts.points)
    connection.register("sealed_metrics", _dataset(parts.point_files, METRICS))
    shown = ", ".join(_REASON if name == "reason" else name for name in RUNS if name not in _INNER)
    run(
        "CREATE TEMP VIEW all_runs AS FROM live_runs UNION ALL BY NAME"
        " FROM sealed_runs WHERE run_id NOT IN (FROM live_runs SELECT run_id)"
    )
    run(f"CREATE TEMP VIEW runs AS SELECT {shown} FROM all_runs WHERE deleted IS NOT TRUE")
    run(
        f"CREATE TEMP VIEW metrics AS SELECT {', '.join(METRICS)}"
        " FROM (FROM live_metrics UNION ALL BY NAME FROM sealed_metrics)"
        " WHERE run_id NOT IN (FROM all_runs SELECT run_id WHERE deleted)"
    )
    run("SET temp_directory = ?", [spill])
    run("SET TimeZone = 'UTC'")
    for setting in ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions"):
        run(f"SET {setting} = false")
    run("SET lock_configuration = true")
    return [*parts.run_files, *parts.point_files]


def _dataset(files: Sequence[str], columns: dict[str, Kind]) -> Any:
    """The files as something DuckDB reads through us: it must open none itself, as what it may read it may write."""
    if not files:
        return arrow_schema(columns).empty_table()
    from pyarrow.dataset import dataset

    return dataset(list(files), schema=arrow_schema(columns), format="parquet")


def _refused(text: str, error: Exception) -> SearchError:
    return SearchError(f"{error}\nExpected a SELECT over the tables runs and metrics.", text=text)


def _duckdb() -> Any:
    try:
        return import_module("duckdb")
    except ImportError:
        raise MissingLibraryError(
            "sql() needs duckdb, which is not installed here.\n"
            'Expected it beside autotrack. Install it with: pip install "autotrack-ml[sql]"',
            library="duckdb",
        ) from None
