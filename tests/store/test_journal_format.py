"""The bytes of the live record: what is documented is what is written."""

import base64
import os
import struct
import time

import pytest

from autotrack.errors import StoreError
from autotrack.store import NO_EPOCH, POINT, Store, new_id


def segments_of(recorder):
    return sorted(path for path in (recorder.writer._wal / recorder.writer.writer_id).iterdir() if path.name != "LOCK")


def test_a_point_is_36_bytes_of_which_each_has_its_place():
    packed = POINT.pack(1, 2, -3, 4, 0.5, NO_EPOCH)
    assert packed == struct.pack("<I", 1) + struct.pack("<I", 2) + struct.pack("<q", -3) + struct.pack(
        "<q", 4
    ) + struct.pack("<d", 0.5) + struct.pack("<i", -(2**31))


def test_a_segment_is_the_documented_lines(store, recorder, lines_of):
    before = time.time_ns() // 1000
    one = recorder(store, 3)
    one.start("run-a", params={"lr": "0.1"})
    one.points("run-a", "loss", [0.5, 0.25], epoch=7)
    [path] = segments_of(one)
    assert path.name == "000000.jsonl"
    header, first, names, points = lines_of(path)
    head = header["h"]
    assert before <= head.pop("time") <= time.time_ns() // 1000
    assert len(head.pop("boot")) in (0, 36)
    assert head == {
        "v": 1,
        "writer": one.writer.writer_id,
        "seq": 0,
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "rank": 3,
    }
    assert first == {
        "r": {"0": "run-a"},
        "e": [[0, one.ts - 2, {"status": "running", "params": {"lr": "0.1"}}]],
    }
    assert names == {"k": {"0": "loss"}}
    assert points["n"] == 2
    assert list(POINT.iter_unpack(base64.b64decode(points["p"]))) == [
        (0, 0, 0, one.ts - 1, 0.5, 7),
        (0, 0, 1, one.ts, 0.25, 7),
    ]


def test_many_points_are_cut_into_lines_of_2048(store, recorder, lines_of):
    one = recorder(store)
    one.points("run-a", "loss", [0.0] * 5000)
    assert [record["n"] for record in lines_of(segments_of(one)[0]) if "n" in record] == [2048, 2048, 904]


def test_nothing_is_made_before_the_first_write(store, recorder):
    one = recorder(store)
    one.writer.write({}, {}, [], b"")
    one.close()
    assert not (store.root / "wal").exists()


def test_a_written_line_is_on_file_when_write_returns(store, recorder):
    recorder(store).start("run-a")
    assert list(Store.open(store.root).rows()) == ["run-a"]


def test_a_segment_repeats_the_names_and_the_open_runs_at_its_head(store, recorder, lines_of):
    one = recorder(store, max_bytes=0)
    one.start("run-a", params={"lr": "0.1"}, name="first")
    started = one.ts
    one.start("run-b")
    one.finish("run-b")
    one.patch("run-a", tags={"x": "1"}, params={"C": "2"})
    one.points("run-a", "loss", [1.0])
    paths = segments_of(one)
    assert [path.name for path in paths] == [f"{seq:06d}.jsonl" for seq in range(5)]
    header, names, head, *rest = lines_of(paths[-1])
    assert header["h"]["seq"] == 4
    assert names == {"r": {"0": "run-a", "1": "run-b"}, "k": {}}
    row = {"status": "running", "params": {"lr": "0.1", "C": "2"}, "name": "first", "tags": {"x": "1"}}
    assert head == {"s": [[0, started, row]]}
    assert not any("s" in record or "e" in record for record in rest)


def test_a_segment_stands_alone_when_the_earlier_ones_are_gone(store, recorder):
    one = recorder(store, max_bytes=0)
    one.start("run-a", params={"lr": "0.1"}, experiment="e")
    one.points("run-a", "loss", [1.0])
    one.points("run-a", "loss", [2.0], first_step=1)
    for path in segments_of(one)[:-1]:
        path.unlink()
    row = Store.open(store.root).rows()["run-a"]
    assert (row["status"], row["experiment"], row["params"]) == ("running", "e", {"lr": "0.1"})
    assert store.points("run-a", "loss").values == [2.0]


def test_a_segment_is_ended_by_its_size_and_by_its_age(store, recorder):
    large, old = recorder(store, max_bytes=1000), recorder(store, max_age_s=0)
    for one in (large, old):
        one.start("run-" + one.writer.writer_id)
        assert not one.writer.rotated
    large.patch("run-" + large.writer.writer_id, tags={"x": "y" * 1000})
    for one in (large, old):
        assert len(segments_of(one)) == 1
        one.patch("run-" + one.writer.writer_id, tags={"a": "b"})
        assert len(segments_of(one)) == 2
        assert one.writer.rotated
    store.seal()
    assert not large.writer.rotated


def test_a_patch_older_than_the_last_one_is_raised_to_it(store, recorder):
    one = recorder(store)
    one.start("run-a", ts=2_000_000)
    one.patch("run-a", ts=1_000_000, status="finished")
    assert store.rows()["run-a"]["status"] == "finished"
    assert store.rows()["run-a"]["updated_ts"] == 2_000_000


def test_a_patch_that_json_cannot_hold_leaves_nothing_of_its_call(store, recorder):
    one = recorder(store)
    one.start("run-a")
    with pytest.raises(TypeError):
        one.writer.write({1: "run-b"}, {}, [(1, one.ts, {"status": "running"}), (1, one.ts, {"name": object()})], b"")
    one.finish("run-a")
    one.close()
    assert list(store.rows()) == ["run-a"]


def test_points_that_are_cut_short_are_refused(store, recorder):
    with pytest.raises(ValueError, match="multiple of 36"):
        recorder(store).writer.write({0: "run-a"}, {0: "loss"}, [], b"x" * 35)
    assert store.rows() == {}


def test_a_closed_writer_takes_no_more_and_says_what_to_do(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.close()
    one.close()
    with pytest.raises(StoreError, match=r"closed.*Expected.*new_writer"):
        one.finish("run-a")


def test_ids_sort_by_the_time_they_were_made():
    ids = [new_id()]
    for _ in range(3):
        time.sleep(0.002)
        ids.append(new_id())
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {22}
    assert abs(int(ids[0][:12], 16) - time.time() * 1000) < 60_000


def test_text_of_any_kind_comes_back_as_it_was_written(store, recorder):
    texts = ["é", "日本語", "🎈", 'quote " and \\', "two\nlines\r\n", "nul \x00", " ", "", "x" * 100_000]
    one = recorder(store)
    one.start("run-é", tags={text: text for text in texts}, name="🎈\n")
    one.points("run-é", "ключ\n", [1.0])
    one.close()
    for _ in range(2):  # live, then sealed
        row = store.rows()["run-é"]
        assert row["tags"] == {text: text for text in texts}
        assert row["name"] == "🎈\n"
        assert store.points("run-é", "ключ\n").values == [1.0]
        assert list(row["summary"]) == ["ключ\n"]
        store.seal()


def test_half_a_surrogate_pair_is_written_out_everywhere(store, recorder):
    half, written = "\udc80", "\\udc80"
    one = recorder(store)
    one.start(f"run{half}", name=half, tags={half: half}, artifacts={f"{half}.txt": "00"})
    one.points(f"run{half}", f"loss{half}", [1.0])
    one.close()
    for _ in range(2):
        row = store.rows()[f"run{written}"]
        assert (row["name"], row["tags"], row["artifacts"]) == (written, {written: written}, {f"{written}.txt": "00"})
        assert list(row["summary"]) == [f"loss{written}"]
        assert store.points(f"run{half}", f"loss{half}").values == [1.0]
        assert list(store.rows([f"run{half}"])) == [f"run{written}"]
        store.seal()
