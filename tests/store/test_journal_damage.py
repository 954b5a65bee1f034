"""A record that was damaged: what is whole comes back, what is not is left out, and nothing is ever made up."""

import random
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.store import NO_EPOCH, POINT, Store
from autotrack.store.segments import LiveRecords, read_segment
from autotrack.store.wal import LocalWal

RUNS = [f"run-{number}" for number in range(6)]


def segment_path(one):
    [path] = (one.writer._wal / one.writer.writer_id).glob("*.jsonl")
    return path


@cache
def written():
    """The bytes of a segment: six runs, a tag and forty points each, in a line of their own."""
    with TemporaryDirectory() as folder:
        return write_in(folder)


def write_in(folder):
    writer = Store.open(folder, create=True).new_writer()
    writer.write(dict(enumerate(RUNS)), {0: "loss"}, [], b"")
    for number in range(len(RUNS)):
        fields = {"status": "running", "tags": {"number": str(number)}}
        writer.write({}, {}, [(number, 1_000_000 + number, fields)], b"")
        writer.write({}, {}, [], b"".join(POINT.pack(number, 0, step, 5, step / 8, NO_EPOCH) for step in range(40)))
    writer.close()
    [path] = writer._wal.glob("*/000000.jsonl")
    return path.read_bytes()


def store_of(folder, data):
    """A store whose live record is these bytes, of a writer that is gone."""
    store = Store.open(Path(folder) / "store", create=True)
    wal = store.root / "wal" / "writer"
    wal.mkdir(parents=True)
    (wal / "000000.jsonl").write_bytes(data)
    return store


def read_all(store):
    rows = store.rows()
    return rows, {run_id: store.points(run_id, "loss") for run_id in RUNS}


def flip(data, place, bit):
    return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


def lines_touched(whole, damaged_places):
    """Which lines a damage can have cost: those it is in, and the next one if it is in the newline."""
    starts = [0, *(place + 1 for place, byte in enumerate(whole) if byte == 10)]
    touched = set()
    for number, (start, end) in enumerate(pairwise(starts)):
        hits = [place for place in damaged_places if start <= place < end]
        if hits:
            touched.add(number)
        if end - 1 in hits:
            touched.add(number + 1)
    return touched


def assert_rest_is_there(store, touched):
    """What the lines that were not touched say is there, and nothing that was not written."""
    rows, histories = read_all(store)
    assert set(rows) <= set(RUNS)
    for number, run_id in enumerate(RUNS):
        said, counted = 2 + 2 * number, 3 + 2 * number  # after the header and the names
        has_row, has_points = (1 not in touched and line not in touched for line in (said, counted))
        row = rows.get(run_id)
        if has_row:
            assert row["tags"] == {"number": str(number)}
            assert row["status"] == "killed"
        elif row is not None:
            assert row["tags"] == {}
        assert histories[run_id].values == ([step / 8 for step in range(40)] if has_points else [])


@settings(max_examples=30)
@given(st.data())
def test_flipped_bits_cost_the_lines_they_are_in_and_no_other(data):
    whole = written()
    flips = data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 7)), min_size=1, max_size=8))
    flips = list(dict(flips).items())
    damaged = whole
    for place, bit in flips:
        damaged = flip(damaged, place, bit)
    with TemporaryDirectory() as folder:
        store = store_of(folder, damaged)
        touched = lines_touched(whole, [place for place, _ in flips])
        assert_rest_is_there(store, touched)
        assert store.seal().skipped_lines >= 1
        assert_rest_is_there(store, touched)


@settings(max_examples=30)
@given(st.data())
def test_a_record_cut_anywhere_gives_all_lines_before_the_cut(data):
    whole = written()
    size = data.draw(st.integers(0, len(whole)))
    kept = whole[:size].count(b"\n")
    with TemporaryDirectory() as folder:
        store = store_of(folder, whole[:size])
        for _ in range(2):
            assert_rest_is_there(store, set(range(kept, 15)))
            store.seal()


@settings(max_examples=30)
@given(st.data())
def test_a_hole_of_zeros_or_noise_is_skipped(data):
    whole = written()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 4096)))
    filling = data.draw(st.one_of(st.just(bytes(end - start)), st.binary(max_size=200)))
    with TemporaryDirectory() as folder:
        store = store_of(folder, whole[:start] + filling + whole[end:])
        touched = lines_touched(whole, range(start, end))
        if start == end and filling:
            touched = lines_touched(whole, [start])
        rows, histories = read_all(store)
        assert set(rows) <= set(RUNS)
        for number, run_id in enumerate(RUNS):
            if not touched & {0, 1, 2 + 2 * number, 3 + 2 * number}:
                assert rows[run_id]["tags"] == {"number": str(number)}
                assert len(histories[run_id]) == 40
        store.seal()
        assert read_all(store) == (rows, histories)


@settings(max_examples=30)
@given(st.binary(max_size=2000))
def test_noise_is_no_record(noise):
    with TemporaryDirectory() as folder:
        store = store_of(folder, noise)
        assert store.rows() == {}
        store.seal()
        assert store.rows() == {}


def test_what_is_skipped_is_counted(store, recorder):
    one = recorder(store)
    one.start("run-a")
    path = segment_path(one)
    whole = path.read_bytes()
    path.write_bytes(whole + b"xxxxxxxx {}\n" + b"00000000 {}\n" + b'{"e":1}\n' + b"torn")
    one.writer.abandon()
    assert read_segment(LocalWal(path.parents[1]), path.parent.name, 0).skipped_lines == 4
    assert store.seal().skipped_lines == 4


def test_a_line_that_is_not_whole_yet_is_read_when_it_is(store, recorder):
    one = recorder(store)
    one.start("run-a")
    path = segment_path(one)
    before = path.read_bytes()
    one.patch("run-a", tags={"x": "1"})
    line = path.read_bytes()[len(before) :]
    for size in range(0, len(line), 7):
        path.write_bytes(before + line[:size])
        assert store.rows()["run-a"]["tags"] == {}
    path.write_bytes(before + line)
    assert store.rows()["run-a"]["tags"] == {"x": "1"}


def test_a_reader_forgets_what_a_failed_write_took_back(store, recorder):
    one = recorder(store)
    one.start("run-a")
    path = segment_path(one)
    before = path.read_bytes()
    one.points("run-a", "loss", [1.0, 2.0])
    assert store.points("run-a", "loss").values == [1.0, 2.0]
    path.write_bytes(before)
    assert store.points("run-a", "loss").values == []
    one.writer.abandon()


def test_a_line_is_parsed_once_however_often_the_record_is_read(store, recorder):
    one = recorder(store)
    records = LiveRecords(LocalWal(store.root / "wal"))
    fed = []
    one.start("run-a")
    for number in range(20):
        one.patch("run-a", tags={"x": str(number)})
        [writer] = records.read({})
        [segment] = writer.segments
        fed.append(segment.patches[:-1])
        assert len(segment.patches) == number + 2
    # The parsed patches of the read before are the very same objects: they were not parsed again.
    for old, new in pairwise(fed):
        assert all(a is b for a, b in zip(old, new, strict=False))


def test_writers_are_found_in_the_order_of_their_names(tmp_path):
    names = [f"writer-{number}" for number in range(10)]
    for name in random.sample(names, len(names)):
        (tmp_path / name).mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a-file").write_text("")
    assert [writer.writer_id for writer in LocalWal(tmp_path).writers()] == names
