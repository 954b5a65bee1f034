"""What is no plain file in the place of one, or far too large: told by its name, and nobody waits for it."""

import os

import pytest

from autotrack.errors import StoreError
from autotrack.store import LocalBackend

TOO_LARGE = 1 << 40  # bytes, all of them a hole


def pipe(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def loop(path):
    path.symlink_to(path)


ODD = [pipe, endless, folder, loop]


@pytest.fixture
def backend(tmp_path):
    return LocalBackend(tmp_path)


@pytest.mark.parametrize("make", ODD)
def test_what_is_no_plain_file_is_refused_by_its_name_and_nobody_waits_for_it(backend, make):
    make(backend.root / "key")
    for read in (backend.get, lambda key: backend.get(key, 2, 3), backend.open):
        with pytest.raises(StoreError, match=r"cannot be read: .*\nExpected a plain file") as error:
            read("key")
        assert str(backend.root / "key") in str(error.value)


@pytest.mark.parametrize("make", ODD)
def test_a_blob_that_is_no_plain_file_is_refused_and_written_anew(store, make):
    for data in (b"", b"some"):
        sha256 = store.blobs.put(data)
        path = store.blobs.path(sha256)
        path.unlink()
        make(path)
        for read in (store.blobs.get, store.blobs.read):
            with pytest.raises(StoreError, match=f"{sha256}' cannot be read"):
                read(sha256)
        if make is not folder:
            assert store.blobs.put(data) == sha256
            assert store.blobs.get(sha256) == data


def test_a_pipe_is_not_kept_as_a_blob(store, tmp_path):
    pipe(tmp_path / "pipe")
    with pytest.raises(StoreError, match="cannot be read: it is a folder, a pipe or a device"):
        store.blobs.put_file(tmp_path / "pipe")


def test_a_link_to_a_plain_file_is_read_as_the_file(backend, store):
    (backend.root / "far").write_bytes(b"0123")
    (backend.root / "key").symlink_to(backend.root / "far")
    assert backend.get("key") == b"0123"
    assert backend.get("key", 1, 2) == b"12"
    with backend.open("key") as file:
        assert file.read() == b"0123"
    sha256 = store.blobs.put(b"some")
    store.blobs.path(sha256).rename(backend.root / "moved")
    store.blobs.path(sha256).symlink_to(backend.root / "moved")
    assert store.blobs.get(sha256) == b"some"


def test_of_what_is_larger_than_it_can_be_nothing_is_read(backend, store):
    with open(backend.root / "key", "wb") as file:
        file.truncate(TOO_LARGE)
    with pytest.raises(StoreError, match=r"it has 1,099,511,627,776 bytes, and at most 100 are possible"):
        backend.get("key", most_bytes=100)
    assert backend.get("key", 5, 3, most_bytes=TOO_LARGE) == b"\0\0\0"
    sha256 = store.blobs.put(b"some")
    assert store.blobs.get(sha256, most_bytes=4) == store.blobs.read(sha256, most_bytes=4) == b"some"
    os.truncate(store.blobs.path(sha256), TOO_LARGE)
    for read in (store.blobs.get, store.blobs.read):
        with pytest.raises(StoreError, match="and at most 4 are possible"):
            read(sha256, most_bytes=4)


def test_a_file_that_memory_has_no_room_for_is_told_with_its_size(run_python, tmp_path):
    with open(tmp_path / "key", "wb") as file:
        file.truncate(TOO_LARGE)
    told = run_python(
        """
        import json, resource, sys
        from pathlib import Path
        from autotrack.errors import StoreError
        from autotrack.store import LocalBackend

        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        try:
            LocalBackend(Path(sys.argv[1])).get("key")
        except StoreError as error:
            print(json.dumps(str(error)))
        """,
        str(tmp_path),
    )
    assert f"{tmp_path / 'key'}' cannot be read: there is no memory for its 1,099,511,627,776 bytes" in told


def test_a_key_below_a_plain_file_is_not_there(backend):
    backend.put("a", b"")
    for read in (backend.get, backend.open):
        with pytest.raises(FileNotFoundError):
            read("a/b")
