"""`compact` and `gc`: what they do to a store, and what they say of it."""

import json
import os
import shutil
import time

import pytest


@pytest.fixture
def copy(filled, tmp_path, bare):
    """`copy("gc", ...)` on a copy of the filled store; `copy.root` is where it lies."""
    root = shutil.copytree(filled[0], tmp_path / "copy")

    def run(*args):
        return bare(*args, env={"AUTOTRACK_STORE": str(root)})

    run.root = root
    return run


def blobs(root):
    return {path.name for path in (root / "blobs").rglob("*") if path.is_file()}


def make_old(root):
    for path in (root / "blobs").rglob("*"):
        os.utime(path, (time.time() - 100_000,) * 2)


def test_compact_says_what_it_did_and_changes_nothing_that_is_shown(copy):
    shown = copy("ls", "--json").stdout
    done = json.loads(copy("compact", "--json").stdout)
    assert set(done) == {
        "store", "segments", "runs", "points", "skipped_lines", "merged_files", "merged_into", "checkpoints",
        "removed_log_entries", "removed_files",
    }  # fmt: skip
    assert copy("ls", "--json").stdout == shown
    again = json.loads(copy("compact", "--json").stdout)
    assert (again["segments"], again["merged_files"]) == (0, 0)
    assert copy("compact").stdout == "All that was recorded is in the tables (new there: 0 runs, 0 points).\n"


def test_gc_deletes_what_nothing_refers_to_once_it_is_a_day_old(copy):
    before = blobs(copy.root)
    lost = copy.root / "blobs" / "sha256" / "ab" / ("ab" * 32)
    lost.parent.mkdir(exist_ok=True)
    lost.write_bytes(b"x" * 2000)
    done = copy("gc")
    assert done.stdout.startswith(f"0 of {len(before) + 1} files were deleted (0 bytes).\n2 more are not referred to;")
    make_old(copy.root)
    assert copy("gc", "--dry-run").stdout.startswith(f"2 of {len(before) + 1} files would be deleted (")
    assert lost.exists()
    report = json.loads(copy("gc", "--json").stdout)
    assert (report["removed"], report["is_dry_run"]) == (2, False)
    assert report["removed_bytes"] > 2000
    assert not lost.exists()
    assert len(before - blobs(copy.root)) == 1  # the manifest of the version that was deleted
    assert copy("models", "--json").returncode == 0


def test_gc_deletes_nothing_and_says_why_when_the_registry_is_damaged(copy):
    make_old(copy.root)
    before = blobs(copy.root)
    event = next((copy.root / "registry").rglob("0*.json"))
    event.write_bytes(b"{")
    done = copy("gc")
    assert done.returncode == 1
    assert "Nothing was deleted" in done.stderr
    assert event.name in done.stderr
    assert blobs(copy.root) == before
