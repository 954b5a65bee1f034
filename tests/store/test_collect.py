"""Blobs that nothing refers to go; nothing that a run or a registered model refers to ever does."""

import hashlib
import json
import os
import random
import subprocess
import sys
import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.errors import StoreError
from autotrack.store import Store

DAY_S = 86_400


def put(store, text, age_s=2 * DAY_S):
    sha256 = store.blobs.put(text.encode())
    os.utime(store.blobs.path(sha256), (time.time() - age_s,) * 2)
    return sha256


def package(store, *texts, **options):
    """A model: the hash of its manifest, and those of its files."""
    names = [put(store, text, **options) for text in texts]
    manifest = json.dumps({"files": [{"path": f"f{place}", "sha256": name} for place, name in enumerate(names)]})
    return put(store, manifest, **options), names


def registered(store, *events, model="churn"):
    for number, event in enumerate(events):
        store.backend.put(f"registry/{model}/{number:020d}.json", json.dumps({"format": 1, **event}).encode())


def test_what_runs_and_registered_versions_refer_to_is_kept_and_the_rest_goes(store, recorder):
    one = recorder(store)
    artifact, process, lost = put(store, "artifact"), put(store, "process"), put(store, "lost")
    model, parts = package(store, "weights", "code")
    one.start("run-a", artifacts={"plot": artifact}, models={"model": model}, process=process)
    one.close()
    store.seal()
    live = recorder(store)
    live_artifact = put(store, "live")
    live.start("run-b", artifacts={"plot": live_artifact})
    first, first_parts = package(store, "v1")
    second, second_parts = package(store, "v2", "shared")
    registered(
        store,
        {"op": "register", "version": 1, "manifest": first},
        {"op": "register", "version": 2, "manifest": second},
        {"op": "delete", "version": 1},
    )
    report = store.collect()
    kept = [artifact, process, model, *parts, live_artifact, second, *second_parts]
    assert all(store.blobs.has(name) for name in kept)
    assert not any(store.blobs.has(name) for name in [lost, first, *first_parts])
    assert (report.blobs, report.unused, report.removed) == (len(kept) + 3, 3, 3)
    assert store.collect().removed == 0


def test_a_registered_model_survives_its_run(store, recorder):
    model, parts = package(store, "weights")
    plot = put(store, "plot")
    one = recorder(store)
    one.start("run-a", models={"model": model}, artifacts={"plot": plot})
    registered(store, {"op": "register", "version": 1, "manifest": model, "run_id": "run-a"})
    one.patch("run-a", deleted=True)
    assert store.collect().removed == 1
    assert not store.blobs.has(plot)
    assert all(store.blobs.has(name) for name in [model, *parts])


def test_what_is_younger_than_a_day_stays(store):
    young = put(store, "young", age_s=DAY_S - 100)
    assert store.collect().removed == 0
    assert store.collect(min_age_s=DAY_S - 200).removed == 1
    assert not store.blobs.has(young)


def test_a_dry_run_deletes_nothing(store):
    put(store, "lost")
    report = store.collect(is_dry_run=True)
    assert (report.removed, report.removed_bytes, report.is_dry_run) == (1, 4, True)
    assert store.collect().removed == 1


def no_manifest(store):
    registered(store, {"op": "register", "version": 1, "manifest": "a" * 64})


def damaged_manifest(store):
    registered(store, {"op": "register", "version": 1, "manifest": put(store, "no json")})


def changed_manifest(store):
    manifest, _ = package(store, "x")
    store.blobs.path(manifest).write_bytes(b'{"files": []}')
    registered(store, {"op": "register", "version": 1, "manifest": manifest})


def damaged_event(store):
    store.backend.put("registry/churn/00000000000000000000.json", b"{")


def newer_event(store):
    registered(store, {"op": "revive", "version": 1})


def missing_event(store):
    store.backend.put("registry/churn/00000000000000000001.json", b'{"op": "tag"}')


def damaged_table(store):
    writer = store.new_writer()
    writer.write({0: "run-a"}, {}, [(0, 1, {"status": "running"})], b"")
    writer.close()
    store.seal()
    next((store.root / "tables" / "runs").glob("*.parquet")).unlink()


def no_files_in_a_runs_manifest(store):
    writer = store.new_writer()
    writer.write({0: "run-a"}, {}, [(0, 1, {"models": {"m": put(store, '{"files": [1]}')}})], b"")
    writer.close()


@pytest.mark.parametrize(
    "spoil",
    [
        no_manifest,
        damaged_manifest,
        changed_manifest,
        damaged_event,
        newer_event,
        missing_event,
        damaged_table,
        no_files_in_a_runs_manifest,
    ],
)
def test_nothing_goes_if_anything_cannot_be_read(store, spoil):
    lost = put(store, "lost")
    spoil(store)
    with pytest.raises(StoreError):
        store.collect()
    assert store.blobs.has(lost)


def test_a_blob_that_is_put_again_while_it_is_swept_stays(store, monkeypatch):
    sha256 = put(store, "again")
    rename = os.rename

    def late(source, target):
        monkeypatch.undo()
        store.blobs.put(b"again")
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    assert store.collect().removed == 0
    assert store.blobs.get(sha256) == b"again"


def test_a_blob_that_a_killed_collector_had_put_aside_comes_back_before_anything_is_decided(store, recorder):
    sha256 = put(store, "kept")
    one = recorder(store)
    one.start("run-a", artifacts={"plot": sha256})
    path = store.blobs.path(sha256)
    path.rename(path.with_name(f".aside-{sha256}"))
    assert store.collect().removed == 0
    assert store.blobs.get(sha256) == b"kept"


texts = st.sampled_from([f"blob {number}" for number in range(8)])


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("run"), texts, st.booleans(), st.booleans()),
            st.tuples(st.just("model"), st.lists(texts, min_size=1, max_size=3), st.booleans(), st.booleans()),
            st.tuples(st.just("loose"), texts),
            st.tuples(st.just("seal")),
            st.tuples(st.just("collect")),
        ),
        max_size=15,
    )
)
def test_after_any_history_exactly_what_is_referred_to_is_left(tmp_path_factory, history):
    store = Store.open(tmp_path_factory.mktemp("collect") / "store", create=True)
    expected, events = set(), []
    for number, (what, *details) in enumerate(history):
        writer = store.new_writer()
        if what == "run":
            text, is_deleted, _ = details
            patch = {"status": "finished", "artifacts": {"a": put(store, text)}, "deleted": is_deleted}
            writer.write({0: f"run-{number}"}, {}, [(0, 1, patch)], b"")
            expected |= set() if is_deleted else {text}
        elif what == "model":
            parts, is_registered, is_deleted = details
            manifest, _ = package(store, *parts)
            text = store.blobs.get(manifest).decode()
            if is_registered:
                events.append({"op": "register", "version": number, "manifest": manifest})
            if is_registered and is_deleted:
                events.append({"op": "delete", "version": number})
            if not is_registered:
                writer.write({0: f"run-{number}"}, {}, [(0, 1, {"models": {"m": manifest}})], b"")
            if not (is_registered and is_deleted):
                expected |= {text, *parts}
            registered(store, *events)
        elif what == "loose":
            put(store, *details)
        elif what == "seal":
            store.seal()
        else:
            store.collect()
        writer.close()
    store.collect()
    left = {path.name for path in (store.root / "blobs").rglob("*") if path.is_file()}
    assert left == {hashlib.sha256(text.encode()).hexdigest() for text in expected}


# Puts old blobs again, over and over, and refers to each right after; says how many.
PUTTER = """
    import sys, time
    from autotrack.store import Store

    store = Store.open(sys.argv[1])
    writer = store.new_writer()
    writer.write({0: "run-" + sys.argv[2]}, {}, [(0, 1, {"status": "running"})], b"")
    end = time.monotonic() + float(sys.argv[3])
    ts = 1
    while time.monotonic() < end:
        ts += 1
        name = f"{ts % 60}"
        sha256 = store.blobs.put(name.encode(), durable=False)
        writer.write({}, {}, [(0, ts, {"artifacts": {name: sha256}})], b"")
    print(ts)
"""


def test_collecting_while_others_put_old_blobs_again_loses_none(store):
    choice = random.Random(7)
    for number in range(60):
        put(store, str(number))
    writers = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(PUTTER), str(store.root), str(number), "1.0"])
        for number in range(3)
    ]
    removed = 0
    while any(writer.poll() is None for writer in writers):
        for number in choice.sample(range(60), 20):
            sha256 = hashlib.sha256(str(number).encode()).hexdigest()
            try:
                os.utime(store.blobs.path(sha256), (0, 0))  # as if it were old, whether or not it is referred to
            except FileNotFoundError:
                put(store, str(number))
        removed += store.collect(min_age_s=1000).removed
    assert [writer.returncode for writer in writers] == [0] * 3
    assert removed > 0
    for row in store.rows().values():
        for name, sha256 in row["artifacts"].items():
            assert store.blobs.get(sha256) == name.encode()
