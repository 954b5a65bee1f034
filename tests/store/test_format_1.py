"""A store as version 0.1.0 wrote it is read, and gone on with, by every version since."""

import math
import os
import shutil
from pathlib import Path

import pytest

from autotrack.store import Store

SAMPLE = Path(__file__).parents[1] / "data" / "format-1"  # made by make_format_1.py beside it
NOON = 1_764_072_000_000_000
MANIFEST = "4c1c9a44396d3e460bb4af31538cb95fc35de1905d5570427ddb62dad42a5589"
MODEL = "7ea39a2d7a5fea2b4e207c716e588a55a7bcee6f4c216743d4fbfcf9c71dc7dd"

COMMON = {
    "experiment": "sample",
    "author": "ada",
    "start_ts": NOON,
    **{name: {} for name in ("params", "param_types", "tags", "artifacts", "models", "data", "lacks")},
}
ROWS = {
    "run-1": {
        **COMMON,
        "run_id": "run-1",
        "name": "first",
        "status": "finished",
        "git_dirty": True,
        "end_ts": NOON + 9_000_000,
        "updated_ts": NOON + 30_000_000,
        "params": {"lr": "0.1", "kernel": "rbf", "depth": "None", "layers": "[1, 2]", "ü/🎈": "é"},
        "param_types": {"lr": "float", "kernel": "string", "depth": "null", "layers": "json", "ü/🎈": "string"},
        "tags": {"late": "yes"},
        "models": {"model": MANIFEST},
        "summary": {"loss": {"last": 0.25, "min": -math.inf, "max": math.inf, "last_step": 5, "count": 6}},
    },
    "run-2": {
        **COMMON,
        "run_id": "run-2",
        "name": "second",
        "status": "failed",
        "error": "ValueError: no",
        "end_ts": NOON + 9,
        "updated_ts": NOON + 2_000_000,
        "summary": {"é": {"last": math.nan, "min": math.nan, "max": math.nan, "last_step": 1, "count": 2}},
    },
    "run-4": {
        **COMMON,
        "run_id": "run-4",
        "name": "killed",
        "status": "killed",
        "reason": "the process 4242 on sample-host ended without finishing this run",
        "end_ts": NOON + 9000,
        "updated_ts": NOON + 1_000_000,
        "tags": {"seen": "live"},
        "summary": {"loss": {"last": 1.0, "min": 1.0, "max": 1.0, "last_step": 0, "count": 1}},
    },
}
HISTORIES = {
    ("run-1", "loss"): [(step, 3, NOON + 1_000_000 * (step + 1)) for step in range(6)],
    ("run-2", "é"): [(0, None, NOON + 1_000_000), (1, None, NOON + 2_000_000)],
    ("run-4", "loss"): [(0, None, NOON + 1_000_000)],
    ("run-4", "é"): [],
}
VALUES = {
    ("run-1", "loss"): [0.5, math.nan, math.inf, -math.inf, -0.0, 0.25],
    ("run-2", "é"): [math.nan, math.nan],
    ("run-4", "loss"): [1.0],
    ("run-4", "é"): [],
}


@pytest.fixture
def sample(tmp_path):
    """A copy, written to long ago: its writers, on another host, are gone."""
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder)
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    return Store.open(folder)


def in_order(value):
    """Maps in the order of their keys, and NaN comparable."""
    if isinstance(value, dict):
        return {name: in_order(item) for name, item in sorted(value.items())}
    return repr(value) if isinstance(value, float) else value


def assert_is_the_sample(store):
    assert in_order(store.rows()) == in_order(ROWS)
    for (run_id, key), expected in HISTORIES.items():
        history = store.points(run_id, key)
        times = [round(time.timestamp() * 1_000_000) for time in history.times]
        assert list(zip(history.steps, history.epochs, times, strict=True)) == expected
        assert list(map(repr, history.values)) == list(map(repr, VALUES[run_id, key]))


def files_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_sample_is_read_as_it_was_written(sample):
    assert sample.store_id == "019abae28a000000000000"
    assert_is_the_sample(sample)
    assert sample.blobs.get(MANIFEST) == b'{"sample": "the bytes of a manifest"}\n'
    assert sample.blobs.get(MODEL) == b"the bytes of a model\n"
    assert files_in(sample.root) == files_in(SAMPLE)


def test_the_sample_is_sealed_without_a_change(sample):
    report = sample.seal()
    assert (report.segments, report.runs, report.skipped_lines) == (2, 2, 0)
    assert sample.backend.list("wal/") == []
    assert_is_the_sample(sample)
    assert_is_the_sample(Store.open(sample.root))


def test_the_sample_is_gone_on_with(sample, recorder):
    one = recorder(sample)
    one.ts = NOON + 60_000_000
    one.patch("run-2", tags={"new": "yes"})
    one.points("run-1", "loss", [0.125], first_step=6)
    one.close()
    for _ in range(2):
        rows = sample.rows()
        assert rows["run-2"]["tags"] == {"new": "yes"}
        assert rows["run-1"]["summary"]["loss"]["last"] == 0.125
        assert sample.points("run-1", "loss").steps == list(range(7))
        sample.seal()
