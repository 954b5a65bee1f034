"""What the store may cost, as far as it can be counted: modules, files, bytes."""

import json

import pytest

from autotrack.store import NO_EPOCH, POINT, Store

HEAVY = ("numpy", "pyarrow", "pandas", "polars", "duckdb", "deltalake", "asyncio", "multiprocessing")

WRITE = """
    import json, sys
    from autotrack.store import NO_EPOCH, POINT, Store

    store = Store.open(sys.argv[1], create=True)
    writer = store.new_writer()
    begin = {"status": "running", "params": {"lr": "0.1"}}
    writer.write({0: "run-a"}, {0: "loss"}, [(0, 5, begin)], POINT.pack(0, 0, 0, 5, 1.0, NO_EPOCH))
    store.blobs.put(b"model")
    writer.write({}, {}, [(0, 6, {"status": "finished", "end_ts": 6})], b"")
    writer.close()
"""

LOADED = """
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_importing_and_writing_load_the_standard_library_only(run_python, store_path):
    for script in ("import json, sys\nimport autotrack.store\n", WRITE):
        loaded = run_python(dedent(script) + dedent(LOADED), str(store_path))
        assert not set(loaded) & set(HEAVY)


def dedent(script):
    import textwrap

    return textwrap.dedent(script)


def test_pandas_is_never_imported_by_writing_sealing_and_reading(run_python, store_path):
    pytest.importorskip("pandas")
    read = """
    for number in range(2):
        rows, subset = store.rows(), store.rows(["run-a"])
        history = store.points("run-a", "loss")
        assert rows == subset and history.values == [1.0], (rows, subset)
        list(history.times)
        assert store.seal().segments == 1 - number
    late = store.new_writer()
    late.write({0: "run-a"}, {0: "acc"}, [(0, 7, {"tags": {"late": "yes"}})], POINT.pack(0, 0, 1, 7, 2.0, 3))
    late.close()
    assert store.seal().segments == 1
    assert store.rows()["run-a"]["tags"] == {"late": "yes"}
    store.points("run-a", "acc")
    """
    loaded = run_python(dedent(WRITE) + dedent(read) + dedent(LOADED), str(store_path))
    assert "pyarrow" in loaded
    assert "pandas" not in loaded


def files_in(store):
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def test_a_small_run_is_two_files_live_and_four_at_rest(store, recorder):
    made = files_in(store)
    one = recorder(store)
    one.start("run-a", params={"lr": "0.1"})
    one.points("run-a", "loss", [1.0, 2.0])
    one.finish("run-a")
    one.close()
    live = set(files_in(store)) - set(made)
    assert live == {f"wal/{one.writer.writer_id}/{name}" for name in ("000000.jsonl", "LOCK")}
    assert sum((store.root / name).stat().st_size for name in live) < 1000
    store.seal()
    rest = [name.split("/") for name in set(files_in(store)) - set(made)]
    assert sorted((parts[1], len(parts)) for parts in rest) == [
        ("metrics", 3),
        ("metrics", 4),
        ("runs", 3),
        ("runs", 4),
    ]


def test_a_hundred_small_runs_that_are_sealed_together_are_four_files_too(store, recorder):
    made = files_in(store)
    for number in range(100):
        one = recorder(store)
        one.start(f"run-{number}")
        one.points(f"run-{number}", "loss", [1.0])
        one.finish(f"run-{number}")
        one.close()
    store.seal()
    assert len(files_in(store)) == len(made) + 4


def test_a_long_history_takes_at_most_ten_bytes_a_point_at_rest(store):
    import random

    noise = random.Random(0)
    writer = store.new_writer()
    count = 100_000
    packed = b"".join(
        POINT.pack(0, 0, step, 1_700_000_000_000_000 + 1003 * step + noise.randrange(200), noise.random(), NO_EPOCH)
        for step in range(count)
    )
    writer.write({0: "run-a"}, {0: "loss"}, [(0, 1, {"status": "finished"})], packed)
    writer.close()
    live = sum(path.stat().st_size for path in (store.root / "wal").rglob("*.jsonl"))
    assert live <= 50 * count
    store.seal()
    rest = sum(path.stat().st_size for path in (store.root / "tables" / "metrics").rglob("*.parquet"))
    assert rest <= 10 * count


def test_the_log_of_a_commit_is_two_small_files(store, recorder):
    for run_id in ("run-a", "run-b"):
        one = recorder(store)
        one.start(run_id)
        one.points(run_id, "loss", [1.0])
        one.close()
        store.seal()
    logs = sorted((store.root / "tables").rglob("_delta_log/*"))
    assert [(path.parts[-3], path.name[-6:]) for path in logs] == [
        (table, name) for table in ("metrics", "runs") for name in ("0.json", "1.json")
    ]
    for path in logs:
        for line in path.read_text().splitlines():
            json.loads(line)
    assert all(path.stat().st_size < 1500 for path in logs if path.name.endswith("1.json"))


def test_reading_one_history_opens_only_the_files_that_may_hold_it(store, recorder, monkeypatch):
    from autotrack.store import scan

    for run_id in ("run-a", "run-b", "run-c"):
        one = recorder(store)
        one.points(run_id, "loss", [1.0])
        one.close()
        store.seal()
    opened = []
    real = scan.read_points
    monkeypatch.setattr(scan, "read_points", lambda *args: opened.append(args[2].name) or real(*args))
    assert Store.open(store.root).points("run-b", "loss").values == [1.0]
    assert len(opened) == 1
