"""The index is disposable: whatever becomes of its file, the answers are those of the store."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotrack.guard import cache_dir
from autotrack.store import Store
from autotrack.store.index import index_path
from autotrack.store.index_rows import decode

SHOWN = "SELECT data FROM runs JOIN rows USING (rid) WHERE NOT is_deleted AND rid NOT IN (SELECT rid FROM hidden)"


def through_index(store: Store) -> str | None:
    """All rows by way of the index; None if it did not answer."""
    with store.indexed() as index:
        if index is not None:
            rows = {row["run_id"]: row for row in (decode(data).to_row() for (data,) in index.select(SHOWN))}
            assert rows.keys().isdisjoint(index.live)
            return repr(dict(sorted({**rows, **index.live}.items())))
    return None


def assert_it_answers(store: Store) -> None:
    """The index is there, and says what the store says."""
    assert through_index(store) == repr(store.rows())


def file_of(store: Store) -> Path:
    return index_path(store.store_id, store.root)


@pytest.fixture
def sealed(store, recorder) -> Store:
    """Sixty runs, sealed in three files, and one that is live."""
    for part in range(3):
        one = recorder(store)
        for number in range(20):
            run_id = f"run-{part}-{number:02}"
            one.start(run_id, name=f"n{number}", params={"C": str(number)}, param_types={"C": "int"}, tags={"t": "x"})
            one.points(run_id, "loss", [float(number), float("nan")])
            one.finish(run_id)
        one.close()
        store.seal()
    live = recorder(store)
    live.start("run-9-live", tags={"t": "y"})
    return store


def test_the_index_lies_in_the_cache_folder_and_never_in_the_store(sealed):
    before = sorted(path for path in sealed.root.rglob("*"))
    assert_it_answers(sealed)
    assert sorted(path for path in sealed.root.rglob("*")) == before
    assert file_of(sealed).is_relative_to(cache_dir())
    assert file_of(sealed).is_file()


def test_a_store_in_which_nothing_was_sealed_needs_none(store, recorder):
    recorder(store).start("a")
    assert through_index(store) is None
    assert not cache_dir().exists()


def random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def random_middle(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(random.Random(2).randbytes(path.stat().st_size - 4096))


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def a_few_bytes(path: Path) -> None:
    os.truncate(path, 50)


def nothing(path: Path) -> None:
    os.truncate(path, 0)


def no_file(path: Path) -> None:
    path.unlink()


def other_schema(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (something)")
    connection.close()


def other_schema_under_our_name(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    connection.close()
    other_schema(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {marks[0]}")
        connection.execute(f"PRAGMA user_version = {marks[1]}")
    connection.close()


def rows_that_are_none(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rows SET data = '[1, 2'")
    connection.close()


def no_state(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM state")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        random_bytes,
        random_middle,
        half,
        a_few_bytes,
        nothing,
        no_file,
        other_schema,
        other_schema_under_our_name,
        rows_that_are_none,
        no_state,
    ],
)
def test_a_damaged_index_is_thrown_away_and_made_anew(sealed, damage):
    assert_it_answers(sealed)
    expected = repr(sealed.rows())
    damage(file_of(sealed))
    assert through_index(sealed) in (None, expected)
    assert_it_answers(sealed)


def test_an_index_of_another_store_in_its_place_is_brought_to_what_this_one_is(sealed, tmp_path, recorder):
    other = Store.open(tmp_path / "other", create=True)
    one = recorder(other)
    one.start("run-0-00", params={"other": "1"})
    one.start("of-the-other")
    one.close()
    other.seal()
    assert_it_answers(other)
    assert_it_answers(sealed)
    shutil.copy(file_of(other), file_of(sealed))
    assert_it_answers(Store.open(sealed.root))
    assert_it_answers(sealed)


def test_a_stale_index_catches_up(sealed, recorder):
    assert_it_answers(sealed)
    shutil.copy(file_of(sealed), file_of(sealed).with_suffix(".old"))
    one = recorder(sealed)
    one.patch("run-1-03", tags={"late": "yes"})
    one.patch("run-1-04", deleted=True)
    one.start("run-5-00")
    one.close()
    sealed.seal()
    assert_it_answers(sealed)
    shutil.copy(file_of(sealed).with_suffix(".old"), file_of(sealed))
    assert_it_answers(sealed)


def test_a_store_replaced_by_an_older_or_other_copy_at_the_same_path_is_noticed(sealed, recorder, tmp_path):
    shutil.copytree(sealed.root, tmp_path / "copy")

    def change(store: Store, run_id: str) -> None:
        one = recorder(store)
        one.patch("run-1-03", name=run_id)
        one.start(run_id)
        one.finish(run_id)
        one.close()
        store.seal()

    change(sealed, "run-here")
    assert_it_answers(sealed)
    shutil.rmtree(sealed.root)
    shutil.copytree(tmp_path / "copy", sealed.root)  # older
    again = Store.open(sealed.root)
    assert_it_answers(again)
    assert "run-here" not in again.rows()
    change(Store.open(tmp_path / "copy"), "run-there")
    shutil.rmtree(sealed.root)
    shutil.copytree(tmp_path / "copy", sealed.root)  # of the same version as the first, and another one
    assert_it_answers(Store.open(sealed.root))


def test_two_copies_of_a_store_have_an_index_each(sealed, tmp_path):
    shutil.copytree(sealed.root, tmp_path / "copy")
    copy = Store.open(tmp_path / "copy")
    assert copy.store_id == sealed.store_id
    assert file_of(copy) != file_of(sealed)
    assert_it_answers(copy)
    assert_it_answers(sealed)


def test_a_late_tag_names_the_run_in_the_log_so_that_only_it_is_read(sealed, recorder):
    one = recorder(sealed)
    one.patch("run-2-07", tags={"late": "yes"})
    one.close()
    sealed.seal()
    log = sealed.root / "tables" / "runs" / "_delta_log"
    actions = [json.loads(line) for line in max(log.glob("*.json")).read_text().splitlines()]
    adds = {
        tuple(json.loads(one["add"]["tags"]["autotrack.changed"]))
        for one in actions
        if (one.get("add") or {}).get("tags")
    }
    assert adds == {("run-2-07",)}
    replaced = {one["add"]["tags"]["autotrack.replaces"] for one in actions if (one.get("add") or {}).get("tags")}
    assert replaced == {one["remove"]["path"] for one in actions if "remove" in one}


def test_runs_that_another_engine_deletes_are_gone(sealed):
    deltalake = pytest.importorskip("deltalake")
    assert_it_answers(sealed)
    deltalake.DeltaTable(str(sealed.root / "tables" / "runs")).delete("run_id = 'run-1-11'")
    again = Store.open(sealed.root)
    assert "run-1-11" not in again.rows()
    assert_it_answers(again)


def test_a_compaction_changes_no_answer(sealed):
    deltalake = pytest.importorskip("deltalake")
    assert_it_answers(sealed)
    table = deltalake.DeltaTable(str(sealed.root / "tables" / "runs"))
    assert table.optimize.compact()["numFilesRemoved"] > 1
    again = Store.open(sealed.root)
    assert_it_answers(again)
    deltalake.DeltaTable(str(sealed.root / "tables" / "runs")).delete("run_id = 'run-0-02'")
    assert_it_answers(Store.open(sealed.root))


def test_a_log_that_was_shortened_behind_a_checkpoint_leads_on(sealed, recorder):
    deltalake = pytest.importorskip("deltalake")
    assert_it_answers(sealed)
    one = recorder(sealed)
    one.patch("run-1-03", tags={"late": "yes"})
    one.patch("run-1-04", deleted=True)
    one.close()
    sealed.seal()
    deltalake.DeltaTable(str(sealed.root / "tables" / "runs")).create_checkpoint()
    for entry in sorted((sealed.root / "tables" / "runs" / "_delta_log").glob("*.json"))[:-1]:
        entry.unlink()
    assert_it_answers(Store.open(sealed.root))
    shutil.rmtree(cache_dir())
    assert_it_answers(Store.open(sealed.root))


def test_a_run_whose_writer_was_lost_is_shown_as_killed(store, recorder):
    one = recorder(store, max_bytes=1)
    one.start("a")
    one.patch("a", tags={"x": "1"})
    store.seal()
    assert_it_answers(store)
    assert store.rows()["a"]["status"] == "running"
    one.writer.abandon()
    shutil.rmtree(store.root / "wal")
    assert_it_answers(store)
    assert store.rows()["a"]["status"] == "killed"


def test_a_cache_folder_that_cannot_be_made_is_done_without(sealed, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert through_index(sealed) is None


def test_a_folder_in_the_place_of_the_index_is_done_without(sealed):
    file_of(sealed).mkdir(parents=True)
    assert through_index(sealed) is None


@pytest.mark.parametrize("is_there", [False, True])
def test_a_cache_that_may_not_be_written_to_is_done_without(sealed, run_limited, is_there):
    script = """
    import json, os, sys
    from pathlib import Path
    from autotrack.query import search
    from autotrack.store import Store
    store = Store.open(sys.argv[1])
    cache = Path(os.environ["XDG_CACHE_HOME"])
    if sys.argv[2] == "True":
        search(store)
    cache.mkdir(parents=True, exist_ok=True)
    paths = [*cache.rglob("*"), cache]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    no_root_powers()
    found = search(store, "params.C >= 18", order_by="name")
    for path in paths:
        path.chmod(0o755)
    print(json.dumps([row["name"] for row in found]))
    """
    assert run_limited(script, str(sealed.root), str(is_there)) == ["n18"] * 3 + ["n19"] * 3


def test_on_a_full_disk_the_answer_is_the_same(sealed, run_limited):
    script = """
    import json, sys
    from autotrack.query import search
    from autotrack.store import Store
    store = Store.open(sys.argv[1])
    full_disk(8192)
    print(json.dumps([row["name"] for row in search(store, "params.C >= 18", order_by="name")]))
    """
    assert run_limited(script, str(sealed.root)) == ["n18"] * 3 + ["n19"] * 3
    assert_it_answers(sealed)


def test_an_index_that_another_process_is_writing_is_done_without(sealed, recorder):
    assert_it_answers(sealed)
    one = recorder(sealed)
    one.start("run-5-00")
    one.close()
    sealed.seal()
    writing = sqlite3.connect(file_of(sealed), isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    assert through_index(sealed) is None
    writing.close()
    assert_it_answers(sealed)


def test_while_another_process_writes_it_an_index_that_is_up_to_date_answers(sealed):
    assert_it_answers(sealed)
    writing = sqlite3.connect(file_of(sealed), isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    writing.execute("DELETE FROM runs")
    assert_it_answers(sealed)
    writing.close()


def test_with_the_index_up_to_date_a_fresh_process_loads_neither_pyarrow_nor_numpy(sealed, run_python):
    assert_it_answers(sealed)
    script = """
    import json, sys
    from autotrack.query import search
    from autotrack.store import Store
    found = search(Store.open(sys.argv[1]), "params.C > 17", order_by="metrics.loss.max desc", limit=2)
    print(json.dumps([[row["name"] for row in found], sorted({"pyarrow", "numpy", "pandas"} & sys.modules.keys())]))
    """
    assert run_python(script, str(sealed.root)) == [["n19", "n19"], []]


def test_making_the_index_loads_no_pandas(sealed, run_python):
    script = """
    import json, sys
    from autotrack.query import search
    from autotrack.store import Store
    print(json.dumps([len(search(Store.open(sys.argv[1]))), "pandas" in sys.modules]))
    """
    assert run_python(script, str(sealed.root)) == [61, False]


READER = """
import json, os, sys, time
from autotrack.query import search
from autotrack.store import Store
store = Store.open(sys.argv[1])
end_s = time.monotonic() + 3
count = 0
while time.monotonic() < end_s:
    if os.fork() == 0:
        for _ in range(20):
            search(store, "params.C >= 18", order_by="name")
        os._exit(0)
    found = [row["name"] for row in search(store, "params.C = 3 or tags.new = 'yes'")]
    assert found.count("n3") == 3, found
    assert len(found) == len(set(found)) + 2, found
    count += 1
    os.wait()
print(json.dumps(count))
"""


@pytest.mark.slow
def test_readers_sealers_and_vandals_at_once_never_see_a_wrong_answer(sealed, recorder, tmp_path):
    script = tmp_path / "reader.py"
    script.write_text(READER)
    readers = [
        subprocess.Popen([sys.executable, str(script), str(sealed.root)], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    number = 0
    while any(reader.poll() is None for reader in readers):
        one = recorder(sealed)
        one.start(f"run-6-{number:03}", name=f"new {number}", tags={"new": "yes"})
        one.finish(f"run-6-{number:03}")
        one.close()
        sealed.seal()
        number += 1
        if number % 7 == 0:  # the file is gone under those who have it open
            file_of(sealed).unlink(missing_ok=True)
        time.sleep(0.02)
    assert [reader.communicate()[1] for reader in readers] == ["", "", ""]
    assert [reader.returncode for reader in readers] == [0, 0, 0]
    assert_it_answers(sealed)


@pytest.mark.slow
def test_a_process_killed_while_it_makes_the_index_leaves_no_wrong_one(sealed, run_python):
    script = """
    import json, os, signal, sys, threading, time
    from autotrack.query import search
    from autotrack.store import Store
    delay_s = float(sys.argv[2])
    store = Store.open(sys.argv[1])
    import pyarrow.parquet
    child = os.fork()
    if child == 0:
        search(store)
        os._exit(0)
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(json.dumps(len(search(store))))
    """
    for delay_ms in (0, 2, 4, 8, 12, 16, 24, 32):
        shutil.rmtree(cache_dir(), ignore_errors=True)
        assert run_python(script, str(sealed.root), str(delay_ms / 1000)) == 61
        assert_it_answers(sealed)
