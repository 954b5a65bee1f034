"""Opening a store: what is there is opened, what cannot be opened is told with what to do."""

import json
import os

import pytest

from autotrack.errors import StoreError, StoreFormatError, StoreNotFoundError
from autotrack.store import Store
from workers import threads_at_once


def identity_path(store):
    return store.root / "autotrack.json"


def assert_told(error, *parts):
    """What happened, what was expected, what to do."""
    text = str(error.value)
    assert "Expected" in text
    assert all(part in text for part in parts), text
    assert "please" not in text.lower()


def test_a_store_is_made_once_and_keeps_its_identity(store_path):
    made = Store.open(store_path, create=True)
    again = Store.open(store_path, create=True)
    assert made.store_id == again.store_id == Store.open(store_path).store_id
    assert sorted(os.listdir(store_path)) == [".gitignore", "autotrack.json"]
    assert json.loads((store_path / "autotrack.json").read_text()) == {
        "format": 1,
        "store_id": made.store_id,
        "min_reader": 1,
        "min_writer": 1,
    }
    assert repr(made) == f"Store({str(store_path)!r})"


def test_a_folder_that_was_there_for_something_else_gets_no_gitignore(store_path):
    store_path.mkdir()
    (store_path / "mine").write_text("")
    Store.open(store_path, create=True)
    assert sorted(os.listdir(store_path)) == ["autotrack.json", "mine"]


def test_of_many_who_make_a_store_all_open_the_same(store_path):
    ids = threads_at_once(8, lambda _: Store.open(store_path, create=True).store_id)
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_opening_writes_nothing(store):
    before = {path: path.stat().st_mtime_ns for path in [store.root, *store.root.rglob("*")]}
    Store.open(store.root)
    Store.open(store.root, create=True)
    assert {path: path.stat().st_mtime_ns for path in [store.root, *store.root.rglob("*")]} == before


def test_home_and_relative_paths_are_made_absolute(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store.open("~/s", create=True).root == tmp_path / "s"
    monkeypatch.chdir(tmp_path)
    assert Store.open("./x/../s").root == tmp_path / "s"


@pytest.mark.parametrize("make_folder", [True, False])
def test_no_store_is_told(store_path, make_folder):
    if make_folder:
        store_path.mkdir()
    with pytest.raises(StoreNotFoundError) as error:
        Store.open(store_path)
    assert_told(error, str(store_path), "autotrack.json", "Check the path")
    assert error.value.path == store_path
    assert isinstance(error.value, FileNotFoundError)


@pytest.mark.parametrize("create", [True, False])
def test_a_path_that_is_a_file_is_told(store_path, create):
    store_path.write_text("mine")
    with pytest.raises(StoreError) as error:
        Store.open(store_path, create=create)
    assert_told(error, str(store_path), "is a file", "Choose another path")
    assert store_path.read_text() == "mine"


def test_a_path_below_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreNotFoundError):
        Store.open(tmp_path / "file" / "store")
    with pytest.raises(StoreError) as error:
        Store.open(tmp_path / "file" / "store", create=True)
    assert_told(error, str(tmp_path / "file" / "store"), "Not a directory", "Choose another one")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"format": 1}',
        b'{"store_id": 7}',
        b'{"store_id": "x", "min_reader": "2"}',
        b'{"store_id": "x", "min_writer": null}',
    ],
)
def test_a_damaged_identity_is_told_and_left_as_it_is(store, content):
    identity_path(store).write_bytes(content)
    for create in (True, False):
        with pytest.raises(StoreFormatError) as error:
            Store.open(store.root, create=create)
        assert_told(error, str(identity_path(store)), "damaged", "Restore it from a copy")
    assert identity_path(store).read_bytes() == content


def test_an_identity_that_cannot_be_read_is_told(store):
    identity_path(store).unlink()
    identity_path(store).mkdir()
    with pytest.raises(StoreError) as error:
        Store.open(store.root)
    assert_told(error, str(store.root), "cannot be read", "Check its permissions")


def change_identity(store, **values):
    identity = json.loads(identity_path(store).read_text())
    identity_path(store).write_text(json.dumps({**identity, **values}))


def test_a_store_for_newer_readers_is_refused(store):
    change_identity(store, format=3, min_reader=2, min_writer=2)
    with pytest.raises(StoreFormatError) as error:
        Store.open(store.root)
    assert_told(error, str(store.root), "format 3", "readers of 2", "at most format 1", "Upgrade autotrack")
    assert (error.value.format, error.value.min_reader) == (3, 2)


def test_a_store_for_newer_writers_is_read_and_not_written(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.close()
    change_identity(store, format=2, min_writer=2)
    newer = Store.open(store.root)
    assert list(newer.rows()) == ["run-a"]
    assert not newer.is_writable
    for use in (newer.new_writer, newer.seal):
        with pytest.raises(StoreFormatError) as error:
            use()
        assert_told(error, str(store.root), "format 2", "It can be read", "upgrade autotrack")


def test_a_newer_format_that_older_versions_can_use_is_used(store, recorder):
    change_identity(store, format=2, something_new=True)
    newer = Store.open(store.root)
    one = recorder(newer)
    one.start("run-a")
    assert list(newer.rows()) == ["run-a"]
    assert newer.is_writable


def test_a_folder_that_may_not_be_written_is_told_and_an_existing_store_in_it_is_read(run_limited, store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.close()
    store.seal()
    found = run_limited(
        """
        import json
        from autotrack.errors import StoreError
        from autotrack.store import Store
        no_root_powers()
        os.chmod(sys.argv[1], 0o500)
        store = Store.open(sys.argv[1], create=True)
        told = []
        try:
            Store.open(sys.argv[1] + "/below", create=True)
        except StoreError as error:
            told.append(str(error))
        os.chmod(sys.argv[1] + "/autotrack.json", 0)
        try:
            Store.open(sys.argv[1])
        except StoreError as error:
            told.append(str(error))
        os.chmod(sys.argv[1], 0o700)
        print(json.dumps([list(store.rows()), store.is_writable, told]))
        """,
        str(store.root),
    )
    rows, is_writable, told = found
    assert rows == ["run-a"]
    assert (store.root / "below").exists() is False
    assert len(told) == 2
    assert "No store could be made" in told[0]
    assert "Permission denied" in told[0]
    assert "AUTOTRACK_STORE" in told[0]
    assert "cannot be read: Permission denied" in told[1]
    assert is_writable is True  # by the time it is asked, the folder may be written to again
