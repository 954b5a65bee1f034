"""Any sequence of writing, rotating, dying, sealing and reading gives what a plain model in memory says."""

import math
from collections import defaultdict
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.store import NO_EPOCH, POINT, Store
from autotrack.types import to_datetime

RUNS = ["018bcfe5", "018bcfe6", "run-é", "zz"]
KEYS = ["loss", "métrique/🎈", ""]
WRITERS = 3

texts = st.text(max_size=6)
patches = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["running", "running", "finished", "failed"]),
        "name": texts,
        "git_dirty": st.booleans(),
        "start_ts": st.integers(0, 2**50),
        "deleted": st.booleans(),
        "params": st.dictionaries(st.sampled_from(["lr", "C", "ключ", ""]), texts, max_size=3),
        "tags": st.dictionaries(st.sampled_from(["x", "lr"]), texts, max_size=2),
    },
)
steps = st.one_of(st.integers(0, 5), st.integers(-(2**63), 2**63 - 1))
epochs = st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1))
some_points = st.lists(st.tuples(st.sampled_from(KEYS), steps, st.floats(), epochs), min_size=1, max_size=5)
times = st.integers(0, 9)  # of little order: writers' clocks differ, and what is later is not always written later
writers = st.integers(0, WRITERS - 1)
runs = st.sampled_from(RUNS)
operations = st.one_of(
    st.tuples(st.just("patch"), writers, runs, times, patches),
    st.tuples(st.just("patch"), writers, runs, times, patches),
    st.tuples(st.just("points"), writers, runs, times, some_points),
    st.tuples(st.just("end"), writers),
    st.tuples(st.just("seal")),
    st.tuples(st.just("read")),
)


class Model:
    """What was said, as it was said; rows are worked out when asked for."""

    def __init__(self):
        self.patches = defaultdict(list)  # run -> (time, order, writer, patch)
        self.points = defaultdict(list)  # (run, key) -> (step, time, value, epoch)
        self.living = set()

    def rows(self):
        found = {}
        for run in sorted(set(self.patches) | {run for run, _ in self.points}):
            row = {"params": {}, "tags": {}}
            said_by = None
            for _, _, writer, patch in sorted(self.patches[run], key=lambda said: said[:2]):
                for field, value in patch.items():
                    if isinstance(value, dict):
                        row[field].update(value)
                    else:
                        row[field] = value
                        said_by = writer if field == "status" else said_by
            if row.pop("deleted", False):
                continue
            if row.get("status", "running") == "running":
                is_alive = said_by in self.living if said_by is not None else bool(self.living)
                row["status"] = "running" if is_alive else "killed"
                row.pop("end_ts", None)
            row["updated_ts"] = max([ts for ts, *_ in self.patches[run]] + self.point_times(run))
            row["summary"] = {key: self.summary(run, key) for key in KEYS if self.points.get((run, key))}
            found[run] = row
        return found

    def point_times(self, run):
        return [ts for (name, _), points in self.points.items() if name == run for _, ts, _, _ in points]

    def summary(self, run, key):
        points = sorted(self.points[run, key], key=lambda point: point[:2])
        values = [value for _, _, value, _ in points if not math.isnan(value)] or [math.nan]
        return {
            "last": points[-1][2],
            "min": min(values),
            "max": max(values),
            "last_step": points[-1][0],
            "count": len(points),
        }


class Written:
    """The same in a store, by writers that come and go."""

    def __init__(self, folder, max_bytes):
        self.store = Store.open(folder, create=True)
        self.max_bytes = max_bytes
        self.writers = {}
        self.names = {}
        self.last_ts = {}
        self.sealed = 0

    def writer(self, number):
        if number not in self.writers:
            self.writers[number] = self.store.new_writer(max_bytes=self.max_bytes[number])
            self.names[number] = set()
            self.last_ts[number] = 0
        return self.writers[number]

    def write(self, number, run, keys, patches, points):
        new_runs = {RUNS.index(run): run} if run not in self.names[number] else {}
        new_keys = {KEYS.index(key): key for key in keys if ("", key) not in self.names[number]}
        self.names[number] |= {run, *(("", key) for key in keys)}
        self.writer(number).write(new_runs, new_keys, patches, points)


def same(a, b):
    """Equal, NaN being equal to itself."""
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def assert_equal(written, model):
    rows, expected = written.store.rows(), model.rows()
    assert list(rows) == list(expected)
    for run, row in expected.items():
        got = rows[run]
        summary, got_summary = row.pop("summary"), got["summary"]
        assert {field: got.get(field) for field in row} == row
        assert ("reason" in got, "end_ts" in got) == (row["status"] == "killed", row["status"] != "running")
        assert list(got_summary) == sorted(summary)
        for key, numbers in summary.items():
            assert all(same(got_summary[key][name], number) for name, number in numbers.items()), (summary, got_summary)
    for run in RUNS:
        assert list(written.store.rows([run])) == [run][: run in expected]
        for key in KEYS:
            points = sorted(model.points.get((run, key), []), key=lambda point: point[:2])
            history = written.store.points(run, key)
            assert history.steps == [step for step, _, _, _ in points]
            assert history.epochs == [epoch for _, _, _, epoch in points]
            assert list(history.times) == [to_datetime(ts) for _, ts, _, _ in points]
            assert list(map(repr, history.values)) == [repr(value) for _, _, value, _ in points]


def apply(operation, place, written, model):
    kind, *rest = operation
    if kind == "seal":
        written.sealed += written.store.seal().points
    elif kind == "read":
        assert_equal(written, model)
    elif kind == "end":
        [number] = rest
        if number in written.writers:
            written.writers.pop(number).close()
            model.living -= {said for said in model.living if said[0] == number}
    else:
        number, run, time, said = rest
        writer = written.writer(number)
        who = (number, writer)
        ts = time * 1_000_000 + place * 1000  # no two alike
        if kind == "patch":
            if said.get("status") in ("finished", "failed"):
                said = {**said, "end_ts": ts}
            written.last_ts[number] = max(written.last_ts[number], ts)
            model.patches[run].append((written.last_ts[number], place, who, said))
            written.write(number, run, (), [(RUNS.index(run), ts, said)], b"")
        else:
            packed = b""
            for offset, (key, step, value, epoch) in enumerate(said):
                model.points[run, key].append((step, ts + offset, value, epoch))
                written_epoch = NO_EPOCH if epoch is None else epoch
                packed += POINT.pack(RUNS.index(run), KEYS.index(key), step, ts + offset, value, written_epoch)
            written.write(number, run, [key for key, *_ in said], [], packed)
        model.living.add(who)


sequences = st.lists(operations, max_size=30)
segment_sizes = st.lists(st.sampled_from([0, 300, 8 << 20]), min_size=WRITERS, max_size=WRITERS)


def check(sequence, max_bytes):
    with TemporaryDirectory() as folder:
        written, model = Written(folder, max_bytes), Model()
        for place, operation in enumerate(sequence):
            apply(operation, place, written, model)
        assert_equal(written, model)
        for number in range(WRITERS):
            apply(("end", number), 0, written, model)
        assert_equal(written, model)
        apply(("seal",), 0, written, model)
        assert_equal(written, model)
        assert written.store.backend.list("wal/") == []
        assert written.sealed == sum(map(len, model.points.values()))
        written.store = Store.open(folder)
        assert_equal(written, model)


@settings(max_examples=15)
@given(sequences, segment_sizes)
def test_rows_and_points_are_what_was_written_before_and_after_every_seal(sequence, max_bytes):
    check(sequence, max_bytes)


@pytest.mark.slow
@settings(max_examples=400)
@given(sequences, segment_sizes)
def test_rows_and_points_are_what_was_written_in_many_more_histories(sequence, max_bytes):
    check(sequence, max_bytes)
