"""Bytes under their SHA-256: once, whole, and never other ones."""

import hashlib
import os
import time

import pytest

from autotrack.errors import StoreError

DATA = b"the bytes of a model" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


def all_files(store):
    return sorted(path for path in (store.root / "blobs").rglob("*") if path.is_file())


@pytest.fixture(params=["put", "put_file"])
def put(request, store, tmp_path):
    """Both ways in."""

    def keep(data, **options):
        if request.param == "put":
            return store.blobs.put(data, **options)
        path = tmp_path / "a file"
        path.write_bytes(data)
        return store.blobs.put_file(path, **options)

    return keep


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("data", [b"", b"x", DATA, os.urandom(3_000_000)], ids=["empty", "one", "some", "pieces"])
def test_what_is_put_comes_back_under_its_sha256(store, put, data, durable):
    sha256 = put(data, durable=durable)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert store.blobs.has(sha256)
    assert store.blobs.get(sha256) == data
    assert all_files(store) == [store.blobs.path(sha256)]
    assert store.blobs.path(sha256) == store.root / "blobs" / "sha256" / sha256[:2] / sha256


def test_the_same_bytes_are_kept_once_and_their_time_is_renewed(store, put):
    path = store.blobs.path(put(DATA))
    os.utime(path, (1, 1))
    before = path.stat()
    assert put(DATA, durable=False) == put(DATA) == SHA256
    assert path.stat().st_ino == before.st_ino
    assert time.time() - path.stat().st_mtime < 3600
    assert all_files(store) == [path]


@pytest.mark.parametrize("size", [0, 1, len(DATA) - 1, len(DATA) + 1])
def test_a_blob_of_another_size_is_written_anew(store, put, size):
    path = store.blobs.path(put(DATA))
    path.write_bytes((DATA + b"more")[:size])
    assert put(DATA) == SHA256
    assert store.blobs.get(SHA256) == DATA
    assert all_files(store) == [path]


def test_altered_bytes_are_never_given_back(store, put):
    path = store.blobs.path(put(DATA))
    path.write_bytes(b"T" + DATA[1:])
    with pytest.raises(StoreError, match=r"damaged.*\nExpected the bytes that were saved.*Restore") as error:
        store.blobs.get(SHA256)
    assert error.value.sha256 == SHA256
    path.unlink()
    put(DATA)
    assert store.blobs.get(SHA256) == DATA


def test_a_sha256_that_the_caller_gives_is_the_name_and_a_wrong_one_shows_when_the_bytes_are_read(store):
    right, wrong = hashlib.sha256(DATA).hexdigest(), hashlib.sha256(b"other").hexdigest()
    assert store.blobs.get(store.blobs.put(DATA, right)) == DATA
    assert store.blobs.put(DATA, wrong) == wrong
    with pytest.raises(StoreError, match="is damaged"):
        store.blobs.get(wrong)


def test_a_missing_blob_is_told_with_its_path_and_what_to_do(store):
    assert not store.blobs.has(SHA256)
    with pytest.raises(StoreError, match=r"is not in the store.*\nExpected .*Restore it from a copy"):
        store.blobs.get(SHA256)


@pytest.mark.parametrize("name", ["", "abc", "../../x", SHA256.upper(), SHA256 + "\n", SHA256[:-1] + "/", "g" * 64])
def test_a_name_that_is_no_sha256_is_refused(store, name):
    for use in (store.blobs.get, store.blobs.has, store.blobs.path):
        with pytest.raises(StoreError, match="Expected a SHA-256"):
            use(name)


def test_a_file_that_is_not_there_leaves_nothing_behind(store, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.blobs.put_file(tmp_path / "none")
    assert not (store.root / "blobs").exists()


def test_a_full_disk_leaves_nothing_behind(run_limited, store):
    found = run_limited(
        """
        from autotrack.store import Store
        blobs = Store.open(sys.argv[1]).blobs
        with open("large", "wb") as file:
            file.write(b"x" * 100_000)
        full_disk(1000)
        failed = 0
        for put in (lambda: blobs.put(b"x" * 100_000), lambda: blobs.put_file("large")):
            try:
                put()
            except OSError:
                failed += 1
        print(failed)
        """,
        str(store.root),
    )
    assert found == 2
    assert all_files(store) == []
