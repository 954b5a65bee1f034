"""Whatever two stores have in common or not, taking one in gives what a plain model in memory says."""

import math
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.store import NO_EPOCH, POINT, Store

RUNS = ["018bcfe5", "018bcfe6", "run-é"]
KEYS = ["loss", "métrique/🎈"]

texts = st.sampled_from(["", "a", "b"])
times = st.integers(0, 4)
patch = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["finished", "failed"]),
        "name": texts,
        "git_dirty": st.booleans(),
        "start_ts": st.integers(0, 2),
        "params": st.dictionaries(st.sampled_from(["lr", "ключ"]), texts, max_size=2),
        "tags": st.dictionaries(st.sampled_from(["x", "lr"]), texts, max_size=2),
    },
)
points = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.integers(0, 2),
        times,
        st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf, -math.inf]),
    ),
    max_size=6,
)
records = st.lists(st.tuples(st.sampled_from(RUNS), times, patch, points), max_size=5)


class Side:
    """A store, and a model of what it was told."""

    def __init__(self, root):
        self.store = Store.open(root, create=True)
        self.fields = {}  # (run, path) -> (time, value)
        self.points = Counter()  # (run, key, step, time, value as text)
        self.times = {}  # run -> the latest

    def copy(self, root):
        shutil.copytree(self.store.root, root)
        other = Side(root)
        other.fields, other.points, other.times = dict(self.fields), Counter(self.points), dict(self.times)
        return other

    def record(self, said, rank=None):
        writer = self.store.new_writer(rank, keeps_times=True)
        writer.write(dict(enumerate(RUNS)), dict(enumerate(KEYS)), [], b"")
        for run, ts, fields, values in said:
            whole = fields if any(name == run for name, _ in self.fields) else {"status": "finished", **fields}
            packed = [POINT.pack(RUNS.index(run), KEYS.index(k), s, t, v, NO_EPOCH) for k, s, t, v in values]
            writer.write({}, {}, [(RUNS.index(run), ts, whole)], b"".join(packed))
            for path, value in flat(whole):
                if ts >= self.fields.get((run, path), (-1,))[0]:
                    self.fields[run, path] = (ts, value)
            self.points.update((run, key, step, at, repr(value)) for key, step, at, value in values)
            self.times[run] = max([self.times.get(run, 0), ts, *(at for _, _, at, _ in values)])
        writer.close()

    def take_in(self, other):
        for path, said in other.fields.items():
            self.fields[path] = max(self.fields.get(path, said), said)
        self.points |= other.points  # the larger number of each
        for run, ts in other.times.items():
            self.times[run] = max(self.times.get(run, 0), ts)

    def check(self):
        rows = self.store.rows()
        found = {(run, path): value for run, row in rows.items() for path, value in flat(row)}
        assert found == {path: value for path, (_, value) in self.fields.items()}
        assert {run: row["updated_ts"] for run, row in rows.items()} == self.times
        read = Counter()
        for run, row in rows.items():
            for key, summary in row["summary"].items():
                found = self.store.points(run, key)
                at = [round(time.timestamp() * 1e6) for time in found.times]
                read.update(
                    zip([run] * len(at), [key] * len(at), found.steps, at, map(repr, found.values), strict=True)
                )
                check_summary(summary, list(zip(found.steps, at, found.values, strict=True)))
        assert read == self.points


def flat(row):
    for field in ("status", "name", "git_dirty", "start_ts"):
        if field in row:
            yield field, row[field]
    for field in ("params", "tags"):
        yield from ((f"{field}.{key}", value) for key, value in row.get(field, {}).items())


def check_summary(summary, found):
    values = [value for _, _, value in found if not math.isnan(value)] or [math.nan]
    assert (summary["count"], summary["last_step"]) == (len(found), found[-1][0])
    assert str((summary["min"], summary["max"])).replace("-0.0", "0.0") == str((min(values), max(values))).replace(
        "-0.0", "0.0"
    )
    assert repr(summary["last"]) in {repr(value) for *place, value in found if place == list(found[-1][:2])}


def try_it(records, is_copy, seals, rank):
    common, ours, theirs = records
    with TemporaryDirectory() as folder:
        here = Side(Path(folder) / "here")
        here.record(common, rank)
        here.store.seal()
        there = here.copy(Path(folder) / "there") if is_copy else Side(Path(folder) / "there")
        here.record(ours, rank)
        there.record(theirs, rank)
        for side, is_sealed in zip((here, there), seals, strict=True):
            if is_sealed:
                side.store.compact()
        untouched = {path: path.stat().st_mtime_ns for path in there.store.root.rglob("*")}
        here.store.absorb(there.store)
        assert {path: path.stat().st_mtime_ns for path in there.store.root.rglob("*")} == untouched
        here.take_in(there)
        here.check()
        again = here.store.absorb(there.store)
        assert (again.new, again.changed, again.points) == ([], [], 0)
        there.store.absorb(here.store)
        there.take_in(here)
        there.check()
        back = here.store.absorb(there.store)
        assert (back.new, back.changed, back.points) == ([], [], 0)
        here.store.compact()
        here.check()


arguments = (
    st.tuples(records, records, records),
    st.booleans(),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from([None, 0]),
)


@settings(max_examples=8)
@given(*arguments)
def test_two_stores_become_one_as_a_model_says(records, is_copy, seals, rank):
    try_it(records, is_copy, seals, rank)


@pytest.mark.slow
@settings(max_examples=150)
@given(*arguments)
def test_many_pairs_of_stores_become_one_as_a_model_says(records, is_copy, seals, rank):
    try_it(records, is_copy, seals, rank)
