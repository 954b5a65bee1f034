"""Other people's engines read what we wrote, without us: deltalake, DuckDB, Polars, plain Parquet."""

import math
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autotrack.store import Store
from autotrack.store.parquet import write_metrics_file
from autotrack.types import to_datetime

TEXTS = ("params", "param_types", "tags", "artifacts", "models", "data", "lacks")


@pytest.fixture
def sealed(store, recorder):
    """Two runs in several files: one finished, with a late tag, one killed; NaN and infinities among the points."""
    one = recorder(store, 2, max_bytes=0)
    one.start("run-a", experiment="e", git_dirty=True, start_ts=one.ts, params={"lr": "0.1", "kernel": "rbf"})
    one.patch("run-a", param_types={"lr": "float", "kernel": "string"}, tags={"é": "🎈"})
    one.points("run-a", "loss", [1.0, math.nan, math.inf, -math.inf, -0.0], epoch=3)
    one.close()
    store.seal()
    two = recorder(store)
    two.ts = one.ts
    two.start("run-b")
    two.points("run-b", "acc", [0.5], first_step=-7)
    two.patch("run-a", status="finished", end_ts=two.ts, tags={"late": "yes"})
    two.close()
    store.seal()
    return store


def table_path(store, name):
    return str(store.root / "tables" / name)


def snapshot_paths(store, name):
    table = {"runs": store._runs, "metrics": store._metrics}[name]
    return [str(store.root / table.key(file)) for file in table.snapshot().files]


def check_runs(rows, store):
    a, b = sorted(rows, key=lambda row: row["run_id"])
    assert (a["run_id"], a["experiment"], a["status"], a["git_dirty"]) == ("run-a", "e", "finished", True)
    assert (b["run_id"], b["experiment"], b["status"], b["git_dirty"]) == ("run-b", None, "killed", None)
    assert dict(a["params"]) == {"lr": "0.1", "kernel": "rbf"}
    assert dict(a["param_types"]) == {"lr": "float", "kernel": "string"}
    assert dict(a["tags"]) == {"é": "🎈", "late": "yes"}
    assert dict(b["params"]) == {}
    assert a["start_ts"].astimezone(UTC) == to_datetime(store.rows()["run-a"]["start_ts"])
    assert dict(a["metrics"])["loss"] == 0.0
    [summary] = a["summary"]
    assert (summary["key"], summary["min"], summary["max"], summary["count"]) == ("loss", -math.inf, math.inf, 5)


def check_points(rows, store):
    points = sorted((row["run_id"], row["key"], row["step"], row["epoch"], row["rank"], row["value"]) for row in rows)
    expected = zip(range(5), [1.0, math.nan, math.inf, -math.inf, -0.0], strict=True)
    assert list(map(repr, points)) == [
        *(repr(("run-a", "loss", step, 3, 2, value)) for step, value in expected),
        repr(("run-b", "acc", -7, None, None, 0.5)),
    ]
    times = {row["ts"].astimezone(UTC) for row in rows}
    known = [*store.points("run-a", "loss").times, *store.points("run-b", "acc").times]
    assert times == set(known)


CHECKS = {"runs": check_runs, "metrics": check_points}
both = pytest.mark.parametrize("name", ["runs", "metrics"])


@both
def test_deltalake_reads_the_table(sealed, name):
    from deltalake import DeltaTable

    table = DeltaTable(table_path(sealed, name))
    CHECKS[name](table.to_pyarrow_table().to_pylist(), sealed)
    assert {field.name: field.type for field in pa.schema(table.schema().to_arrow())}.keys() == set(
        pq.read_schema(snapshot_paths(sealed, name)[0]).names
    )


@both
@pytest.mark.parametrize("way", ["the files of the snapshot", "a plain glob"])
def test_duckdb_reads_the_files(sealed, name, way):
    import duckdb

    paths = (
        snapshot_paths(sealed, name) if way == "the files of the snapshot" else table_path(sealed, name) + "/*.parquet"
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.read_parquet(paths)
        CHECKS[name](found.to_arrow_table().to_pylist(), sealed)
        types = dict(zip(found.columns, map(str, found.types), strict=True))
    if name == "metrics":
        assert (types["step"], types["value"]) == ("BIGINT", "DOUBLE")
        assert types["ts"] == "TIMESTAMP WITH TIME ZONE"
    else:
        assert {types[column] for column in TEXTS} == {"MAP(VARCHAR, VARCHAR)"}


def test_duckdb_finds_runs_by_a_parameter_and_nan_by_isnan(sealed):
    import duckdb

    with duckdb.connect() as connection:
        runs, points = (f"read_parquet('{table_path(sealed, name)}/*.parquet')" for name in ("runs", "metrics"))
        found = connection.sql(f"SELECT run_id FROM {runs} WHERE params['kernel'] = 'rbf' AND metrics['loss'] < 1")
        assert found.fetchall() == [("run-a",)]
        assert connection.sql(f"SELECT step FROM {points} WHERE isnan(value)").fetchall() == [(1,)]


@both
@pytest.mark.parametrize("way", ["scan_delta", "read_parquet"])
def test_polars_reads_the_table(sealed, name, way):
    import polars

    path = table_path(sealed, name)
    frame = polars.scan_delta(path).collect() if way == "scan_delta" else polars.read_parquet(f"{path}/*.parquet")
    rows = frame.to_dicts()
    for row in rows:  # Polars before 2 has no maps, but lists of key and value
        for column in {*TEXTS, "metrics"} & set(row):
            if isinstance(row[column], list):
                row[column] = {item["key"]: item["value"] for item in row[column]}
    CHECKS[name](rows, sealed)


@both
def test_pyarrow_reads_plain_types_with_the_encodings_every_engine_knows(sealed, name):
    for path in snapshot_paths(sealed, name):
        with pq.ParquetFile(path) as parquet:
            assert b"ARROW:schema" not in (parquet.metadata.metadata or {})
            used = {
                encoding
                for group in range(parquet.num_row_groups)
                for column in range(parquet.metadata.num_columns)
                for encoding in parquet.metadata.row_group(group).column(column).encodings
            }
            assert used <= {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "DELTA_BINARY_PACKED"}


def test_rows_that_deltalake_adds_are_read_and_can_be_changed_by_us(sealed, recorder):
    from deltalake import write_deltalake

    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    maps = pa.map_(pa.string(), pa.string())
    run = {"run_id": ["run-x"], "name": ["x" * 200], "status": ["finished"], "params": pa.array([[("lr", "1")]], maps)}
    time = pa.array([noon], pa.timestamp("us", tz="UTC"))
    write_deltalake(table_path(sealed, "runs"), pa.table({**run, "start_ts": time}), mode="append", schema_mode="merge")
    point = {"run_id": ["run-x"], "key": ["loss"], "step": pa.array([4]), "ts": time, "value": [0.5]}
    write_deltalake(table_path(sealed, "metrics"), pa.table(point), mode="append", schema_mode="merge")
    for _ in range(2):
        rows = Store.open(sealed.root).rows()
        assert list(rows) == ["run-a", "run-b", "run-x"]
        row = rows["run-x"]
        assert (row["name"], row["status"], row["params"]) == ("x" * 200, "finished", {"lr": "1"})
        assert to_datetime(row["start_ts"]) == noon
        history = sealed.points("run-x", "loss")
        assert (history.steps, history.epochs, history.times, history.values) == ([4], [None], [noon], [0.5])
        one = recorder(sealed)
        one.patch("run-x", tags={"ours": "yes"})
        one.close()
        sealed.seal()
    assert sealed.rows()["run-x"]["tags"] == {"ours": "yes"}
    assert sealed.rows()["run-x"]["params"] == {"lr": "1"}


def test_a_file_with_the_types_of_another_engine_is_read_as_ours(sealed):
    """As Spark writes times (INT96), and Arrow-minded writers texts (64-bit offsets, views)."""
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    base = sealed._metrics.snapshot()
    ours = write_metrics_file(sealed.backend, sealed._metrics, points_table())
    path = sealed.root / sealed._metrics.key(ours.name)
    theirs = pa.table(
        {
            "run_id": pa.array(["run-y"] * 2, pa.large_string()),
            "key": pa.array(["loss"] * 2, pa.string_view()),
            "step": pa.array([1, 2], pa.int32()),
            "ts": pa.array([noon] * 2, pa.timestamp("ns", tz="UTC")),
            "value": pa.array([0.5, 1.5], pa.float32()),
            "epoch": pa.array([None, 3], pa.int16()),
        }
    )
    pq.write_table(theirs, path, use_deprecated_int96_timestamps=True)
    assert sealed._metrics.commit(base, adds=[ours], removes=[], marks={})
    history = sealed.points("run-y", "loss")
    assert (history.steps, history.epochs, history.values) == ([1, 2], [None, 3], [0.5, 1.5])
    assert history.times == [noon] * 2


def points_table():
    from autotrack.store import POINT
    from autotrack.store.points import points_to_table
    from autotrack.store.segments import Segment

    points = bytearray(POINT.pack(0, 0, 1, 1, 1.0, 0))
    return points_to_table([(Segment(0, runs={0: "run-y"}, keys={0: "loss"}, points=points), None)])
