"""What people log at the edge of what there is: it is recorded faithfully or refused clearly, and training goes on."""

import json
import math
import multiprocessing
import struct
import textwrap

import numpy as np
import pytest

import autotrack
from autotrack.errors import DataError, InvalidNameError
from autotrack.store import Store

ODD_VALUES = [math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -5e-324, 0.0, -0.0, 0.1, 2.0**53 + 2]


def bits(values):
    return [struct.pack("<d", value) for value in values]


def sealed_and_live(run):
    """The run as it is read live, and from the tables of a store that was compacted."""
    yield autotrack.get_run(run.id)
    run.store.compact()
    yield autotrack.get_run(run.id)


def test_a_store_lies_on_any_path(tmp_path):
    root = tmp_path / "mein Speicher %20 #1 größe 模型 🎈 'quoted'"
    autotrack.enable(store=root)
    with autotrack.start_run("größe") as run:
        run.log_metric("loss", 1.0)
        run.log_artifact(b"bytes", "a b/ü.txt")
    for found in sealed_and_live(run):
        assert list(found.history("loss").values) == [1.0]
        assert found.store.blobs.get(found.artifacts["a b/ü.txt"]) == b"bytes"
    assert [one.id for one in autotrack.search_runs("metrics.loss > 0")] == [run.id]


def test_every_number_comes_back_bit_for_bit(enabled):
    with autotrack.start_run() as run:
        for step, value in enumerate(ODD_VALUES):
            run.log_metric("odd", value, step=step)
        run.log_params({f"p{place}": value for place, value in enumerate(ODD_VALUES)})
        run.log_metric("nan only", math.nan)
        run.log_metric("zero", -0.0)
    for found in sealed_and_live(run):
        assert bits(found.history("odd").values) == bits(ODD_VALUES)
        assert bits(found.params[f"p{place}"] for place in range(len(ODD_VALUES))) == bits(ODD_VALUES)
        summary = found.to_dict()["summary"]
        assert (summary["odd"]["min"], summary["odd"]["max"]) == (-math.inf, math.inf)
        assert math.isnan(summary["nan only"]["min"])
        assert bits([found.metrics["zero"], summary["zero"]["min"]]) == bits([-0.0, -0.0])


def test_steps_come_back_in_order_whatever_they_were(enabled):
    steps = [5, -3, 5, 0, 2**63 - 1, -(2**31) + 1, 2, 5, -3, np.int64(7), np.uint8(9)]
    with autotrack.start_run() as run:
        for place, step in enumerate(steps):
            run.log_metric("loss", float(place), step=step)
    for found in sealed_and_live(run):
        history = found.history("loss")
        expected = sorted((int(step), place) for place, step in enumerate(steps))
        assert list(zip(history.steps, history.values, strict=True)) == expected


@pytest.mark.parametrize("step", [2**63, -(2**63), 10**30, 1.5, "3", math.nan])
def test_a_step_that_is_no_step_is_refused_and_the_run_goes_on(enabled, step):
    with autotrack.start_run() as run:
        with pytest.raises(DataError, match="step"):
            run.log_metric("loss", 1.0, step=step)
        run.log_metric("loss", 2.0)
    for found in sealed_and_live(run):
        assert list(found.history("loss").values) == [2.0]
        assert found.status == "finished"


def test_long_params_and_thousands_of_them_are_kept(enabled):
    long = "é𝄞x'\"\\\n\t\0" * 1000
    many = {f"p.{place}": place for place in range(5000)}
    with autotrack.start_run(params=many) as run:
        run.log_param("long", long)
        run.log_param("list", list(range(200)))
        run.set_tag("long", long)
    for found in sealed_and_live(run):
        assert found.params == {**many, "long": long, "list": list(range(200))}
        assert found.tags["long"] == long


def test_a_thousand_metrics_have_each_its_own_history(enabled):
    with autotrack.start_run() as run:
        for step in range(3):
            run.log_metrics({f"layer.{place}/norm": float(place * 10 + step) for place in range(1000)}, step=step)
    for found in sealed_and_live(run):
        assert len(found.metrics) == 1000
        for place in (0, 999):
            assert list(found.history(f"layer.{place}/norm").values) == [place * 10.0 + step for step in range(3)]


@pytest.mark.parametrize("name", [b"bytes", "half \udc80", "\ud83d", "zero \0", "", " ", "x" * 251, None, 3])
def test_names_that_cannot_be_are_refused_and_the_run_goes_on(enabled, name):
    with autotrack.start_run() as run:
        for log in (
            lambda: run.log_param(name, 1),
            lambda: run.log_params({name: 1}),
            lambda: run.log_metric(name, 1.0),
            lambda: run.log_metrics({name: 1.0}),
            lambda: run.set_tag(name, "x"),
            lambda: run.log_artifact(b"x", name) if name is not None else run.set_tag(name, "x"),
        ):
            with pytest.raises(InvalidNameError):
                log()
        run.log_metric("after", 1.0)
    for found in sealed_and_live(run):
        assert (found.status, found.params, found.tags, list(found.metrics)) == ("finished", {}, {}, ["after"])


def test_text_that_utf8_cannot_hold_is_written_out(enabled):
    with autotrack.start_run(params={"start": "a\udc80"}, tags={"start": "\ud83d"}) as run:
        run.log_param("late", "b\udcff")
        run.log_param("nested", {"k": "c\udc81"})
        run.log_param("bytes", b"\xff\x00")
        run.set_tag("late", "\udc80")
    for found in sealed_and_live(run):
        assert (found.params["start"], found.params["late"]) == ("a\\udc80", "b\\udcff")
        assert found.tags == {"start": "\\ud83d", "late": "\\udc80"}
        assert found.status == "finished"
        json.dumps(found.to_dict()).encode()


def test_an_error_whose_message_utf8_cannot_hold_is_recorded(enabled):
    with pytest.raises(ValueError, match="\udc80"), autotrack.start_run() as run:
        raise ValueError("file \udc80 " + "x" * 100_000)
    for found in sealed_and_live(run):
        assert found.status == "failed"
        assert "file \\udc80" in found.error


RECORD = """
    import json, time, warnings
    import autotrack
    told = []
    warnings.simplefilter("always")
    warnings.showwarning = lambda message, *_: told.append(str(message))
    autotrack.enable(store=sys.argv[1])
    run = autotrack.start_run("long")
    run.log_metric("loss", 0.0, step=0)
    run.log_artifact(b"early", "early")
    time.sleep(0.5)
"""


def test_a_folder_that_turns_read_only_and_back_loses_nothing_and_the_training_goes_on(run_limited, store_path):
    script = """
        no_root_powers()
        def permit(mode):
            for folder, _, _ in os.walk(sys.argv[1]):
                os.chmod(folder, mode)
        permit(0o555)
        for step in range(1, 50):
            run.log_metric("loss", float(step), step=step)
        run.log_param("late", 1)
        run.log_artifact(b"lost", "lost")
        time.sleep(0.5)
        with autotrack.start_run("second") as second:
            second.log_metric("acc", 1.0)
        permit(0o755)
        run.log_metric("loss", 50.0, step=50)
        run.finish()
        print(json.dumps([run.id, second.id, told]))
    """
    first, second, told = run_limited(textwrap.dedent(RECORD) + textwrap.dedent(script), str(store_path))
    rows = Store.open(store_path).rows()
    assert rows[first]["status"] == rows[second]["status"] == "finished"
    assert rows[first]["params"] == {"late": "1"}
    assert Store.open(store_path).points(first, "loss").steps == list(range(51))
    assert set(rows[first]["artifacts"]) == {"early"}
    assert set(rows[first]["lacks"]) == {"artifact lost"}
    assert any("artifact" in message for message in told)
    assert len(told) == len(set(told)) < 6


def test_a_disk_that_fills_and_has_room_again_loses_nothing_and_the_training_goes_on(run_limited, store_path):
    script = """
        full_disk(200)
        for step in range(1, 5000):
            run.log_metric("loss", float(step), step=step)
        run.log_param("late", 1)
        run.log_artifact(b"x" * 1000, "large")
        deadline = time.monotonic() + 30
        while not any("artifact" in message for message in told) and time.monotonic() < deadline:
            time.sleep(0.05)
        full_disk(resource.RLIM_INFINITY)
        run.log_metric("loss", 5000.0, step=5000)
        run.finish()
        print(json.dumps([run.id, told]))
    """
    run_id, told = run_limited(textwrap.dedent(RECORD) + textwrap.dedent(script), str(store_path))
    for _ in range(2):
        store = Store.open(store_path)
        row = store.rows()[run_id]
        assert (row["status"], row["params"]) == ("finished", {"late": "1"})
        assert store.points(run_id, "loss").steps == list(range(5001))
        assert set(row["artifacts"]) == {"early"}
        assert set(row["lacks"]) == {"artifact large"}
        store.compact()
    assert any("artifact" in message for message in told)
    assert len(told) == len(set(told)) < 6


def test_eight_fits_in_four_threads_are_eight_whole_runs(store_path):
    from concurrent.futures import ThreadPoolExecutor

    from sklearn.linear_model import SGDClassifier

    autotrack.enable(store=store_path)
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    with ThreadPoolExecutor(4) as threads:
        models = list(threads.map(lambda seed: SGDClassifier(random_state=seed).fit(X, y), range(8)))
    runs = autotrack.search_runs()
    assert sorted(run.params["random_state"] for run in runs) == list(range(8))
    for run in runs:
        assert (run.status, run.parent, run.lacks) == ("finished", None, {})
        assert run.metrics
        loaded = autotrack.load_model(f"run:{run.id}")
        assert np.array_equal(loaded.coef_, models[run.params["random_state"]].coef_)


def _square(number):
    return number * number


def test_forked_workers_that_only_compute_write_no_file_into_the_store(enabled, store_path):
    with autotrack.start_run() as run:
        run.log_metric("loss", 1.0)
        assert autotrack.get_run(run.id)  # all that we write is written
        before = {path.relative_to(store_path) for path in store_path.rglob("*")}
        with multiprocessing.get_context("fork").Pool(3) as pool:
            assert pool.map(_square, range(100)) == [number * number for number in range(100)]
        assert {path.relative_to(store_path) for path in store_path.rglob("*")} == before
    assert autotrack.get_run(run.id).status == "finished"
