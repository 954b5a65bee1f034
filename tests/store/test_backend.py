"""The five verbs: a contract, and the local folder and the bucket that keep it.

A further place for bytes subclasses `BackendContract` and gives it a `backend`.
"""

import os
import threading
import time

import pytest

from autotrack.errors import StoreError
from autotrack.store import LocalBackend
from autotrack.store.object_store import ObjectBackend
from workers import processes_at_once, threads_at_once

RACER = """
    import sys
    from pathlib import Path
    from autotrack.store import LocalBackend
    from autotrack.store.object_store import ObjectBackend

    place, name = sys.argv[1:]
    backend = ObjectBackend(place) if "://" in place else LocalBackend(Path(place))
    print("ready", flush=True)
    sys.stdin.readline()
    won = [n for n in range(20) if backend.put_if_absent(f"log/{n:03}.json", name.encode() * 1000)]
    print(won)
"""


class BackendContract:
    """What every place for bytes must do."""

    @pytest.fixture
    def backend(self):
        raise NotImplementedError

    def test_a_key_holds_what_was_put_last(self, backend):
        backend.put("a/b", b"one")
        backend.put("a/b", memoryview(b"two"), durable=False)
        assert backend.get("a/b") == b"two"

    def test_a_range_of_a_key(self, backend):
        backend.put("a", b"0123456789")
        assert backend.get("a", 3) == b"3456789"
        assert backend.get("a", 3, 4) == b"3456"
        assert backend.get("a", 8, 100) == b"89"
        assert backend.get("a", 100) == b""
        assert backend.get("a", 0, 0) == b""

    def test_of_a_key_that_is_larger_than_it_can_be_nothing_is_got(self, backend):
        backend.put("a", b"0123456789")
        assert backend.get("a", most_bytes=10) == b"0123456789"
        assert backend.get("a", 8, most_bytes=10) == b"89"
        for more in ((), (8,), (0, 2)):
            with pytest.raises(StoreError, match=r"a' cannot be read: it has 10 bytes, and at most 9 are possible"):
                backend.get("a", *more, most_bytes=9)

    def test_a_key_that_is_not_there_cannot_be_got(self, backend):
        backend.put("a/b", b"")
        for key in ("a/c", "b", "c/d/e"):
            with pytest.raises(FileNotFoundError):
                backend.get(key)

    def test_empty_and_large_values_are_kept(self, backend):
        large = os.urandom(5_000_000)
        backend.put("empty", b"")
        assert backend.put_if_absent("large", large)
        assert (backend.get("empty"), backend.get("large")) == (b"", large)

    def test_put_if_absent_writes_once(self, backend):
        assert backend.put_if_absent("a/b", b"one")
        assert not backend.put_if_absent("a/b", b"two")
        assert backend.get("a/b") == b"one"
        backend.delete("a/b")
        assert backend.put_if_absent("a/b", b"three")
        assert backend.get("a/b") == b"three"

    def test_deleting_is_done_once_or_twice(self, backend):
        backend.put("a/b", b"one")
        backend.delete("a/b")
        backend.delete("a/b")
        backend.delete("never/there")
        with pytest.raises(FileNotFoundError):
            backend.get("a/b")
        assert backend.list() == []

    def test_keys_are_listed_by_prefix_in_order(self, backend):
        keys = ["a/1", "a/10", "a/2", "a/b/c", "ab", "b"]
        for key in reversed(keys):
            backend.put(key, b"")
        assert backend.list() == keys
        assert backend.list("a") == ["a/1", "a/10", "a/2", "a/b/c", "ab"]
        assert backend.list("a/") == ["a/1", "a/10", "a/2", "a/b/c"]
        assert backend.list("a/1") == ["a/1", "a/10"]
        assert backend.list("a/b/") == ["a/b/c"]
        assert backend.list("none/") == backend.list("b/") == []

    @pytest.mark.parametrize("key", ["a b/c", "registry/%41%2E/0.json", "grün/ü", "a+b&c=d/e?f#g", "x%20y", "._a/.b"])
    def test_a_key_may_have_any_characters(self, backend, key):
        assert backend.put_if_absent(key, b"one")
        assert backend.list() == backend.list(key.rpartition("/")[0]) == [key]
        assert backend.get(key) == b"one"
        with backend.open(key) as file:
            assert file.read() == b"one"
        backend.delete(key)
        assert backend.list() == []

    def test_size_and_time_of_keys_are_known(self, backend):
        for key, size in (("a/1", 0), ("a/2", 7), ("b", 3)):
            backend.put(key, b"x" * size)
        assert {key: stat.size_bytes for key, stat in backend.stats("a/").items()} == {"a/1": 0, "a/2": 7}
        assert list(backend.stats()) == ["a/1", "a/2", "b"]
        assert backend.stats("c/") == {}
        assert backend.stat("b").size_bytes == 3
        assert backend.stat("b") == backend.stats()["b"]
        assert abs(backend.stat("b").modified_s - time.time()) < 3600
        with pytest.raises(FileNotFoundError):
            backend.stat("c")

    def test_a_key_opened_as_a_file_is_read_in_any_order(self, backend):
        backend.put("a", b"0123456789")
        backend.put("empty", b"")
        with backend.open("a") as file:
            assert file.read(3) == b"012"
            assert file.seek(-2, os.SEEK_END) == 8
            assert file.read() == b"89"
            assert file.read(1) == b""
            file.seek(2)
            file.seek(2, os.SEEK_CUR)
            assert (file.tell(), file.read(2), file.tell()) == (4, b"45", 6)
        with backend.open("empty") as file:
            assert file.read() == b""
        with pytest.raises(FileNotFoundError):
            backend.open("none")

    def test_a_key_is_named_so_that_it_is_found(self, backend):
        assert backend.name("a/b") == f"{backend.name('')}/a/b"

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "../a", "a/../b", "a/./b", "a\0b"])
    def test_a_key_that_leads_elsewhere_is_refused(self, backend, key):
        for use in (
            backend.get,
            backend.delete,
            backend.stat,
            backend.open,
            lambda key: backend.put(key, b""),
            lambda key: backend.put_if_absent(key, b""),
        ):
            with pytest.raises(StoreError, match="Invalid key"):
                use(key)

    def test_of_many_threads_that_claim_a_key_one_wins(self, backend):
        def claim(number):
            return [(n, number) for n in range(30) if backend.put_if_absent(f"log/{n}", b"%d" % number)]

        won = [pair for pairs in threads_at_once(8, claim) for pair in pairs]
        assert sorted(n for n, _ in won) == list(range(30))
        assert all(backend.get(f"log/{n}") == b"%d" % number for n, number in won)

    def test_of_processes_that_claim_keys_each_key_has_one_winner(self, backend):
        won = processes_at_once(RACER, [(backend.name(""), number) for number in range(6)])
        assert sorted(n for keys in won for n in keys) == list(range(20))
        for number, keys in enumerate(won):
            assert all(backend.get(f"log/{n:03}.json") == str(number).encode() * 1000 for n in keys)
        assert len(backend.list("log/")) == 20

    def test_a_reader_sees_a_whole_value_or_the_one_before(self, backend):
        backend.put("a", b"0" * 100_000)
        done = threading.Event()
        torn = []

        def read():
            while not done.is_set():
                data = backend.get("a")
                if len(data) != 100_000 or len(set(data)) != 1:
                    torn.append(len(data))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(100):
            backend.put("a", b"%d" % (number % 10) * 100_000, durable=False)
        done.set()
        reader.join()
        assert not torn


class TestLocalBackend(BackendContract):
    @pytest.fixture
    def backend(self, tmp_path):
        return LocalBackend(tmp_path / "folder")

    def test_a_half_written_file_has_no_key(self, backend):
        backend.put("a/b", b"")
        (backend.root / "a" / ".tmp-0011").write_bytes(b"half")
        assert backend.list() == backend.list("a/") == ["a/b"]

    def test_nothing_temporary_is_left(self, backend):
        backend.put("a", b"")
        backend.put_if_absent("b", b"")
        backend.put_if_absent("b", b"")
        (backend.root / "folder").mkdir()
        with pytest.raises(IsADirectoryError):
            backend.put("folder", b"")
        assert sorted(os.listdir(backend.root)) == ["a", "b", "folder"]

    def test_where_files_cannot_be_linked_one_still_wins(self, backend, monkeypatch):
        def no_links(*args):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
        assert backend.put_if_absent("a", b"one")
        assert not backend.put_if_absent("a", b"two")
        assert backend.get("a") == b"one"
        assert os.listdir(backend.root) == ["a"]


class TestObjectBackend(BackendContract):
    @pytest.fixture
    def backend(self, bucket):
        return ObjectBackend(bucket)

    def test_other_prefixes_of_the_bucket_are_not_seen(self, backend, bucket):
        above, beside = ObjectBackend(bucket.rpartition("/")[0]), ObjectBackend(f"{bucket}-2")
        backend.put("a", b"one")
        beside.put("a", b"two")
        assert backend.list() == beside.list() == ["a"]
        assert (backend.get("a"), beside.get("a")) == (b"one", b"two")
        assert above.list() == ["store-2/a", "store/a"]

    def test_what_is_written_in_pieces_is_whole(self, backend, tmp_path):
        data = os.urandom(12_000_000)
        (tmp_path / "file").write_bytes(data)
        backend.put_file("a", tmp_path / "file")
        assert backend.get("a") == data
        assert backend.get("a", 11_999_990) == data[-10:]

    def test_a_put_whose_answer_was_lost_is_known_by_its_bytes(self, backend):
        assert backend.put_if_absent("a", b"token-1")
        assert backend.put_if_absent("a", b"token-1")
        assert not backend.put_if_absent("a", b"token-2")

    def test_a_server_that_is_down_is_told(self, dead_server):
        backend = ObjectBackend(dead_server)
        for use in (
            lambda: backend.get("a"),
            lambda: backend.put("a", b""),
            lambda: backend.put_if_absent("a", b""),
            backend.stats,
            lambda: backend.delete("a"),
        ):
            with pytest.raises(StoreError, match=r"s3://bucket/store could not be used: .*\nExpected .*AWS_"):
                use()

    def test_a_bucket_that_is_not_there_is_told_when_it_is_written_to(self, bucket):
        backend = ObjectBackend("s3://no-such-bucket/store")
        with pytest.raises(StoreError, match="could not be used") as error:
            backend.put_if_absent("a", b"")
        assert not isinstance(error.value, FileNotFoundError)

    @pytest.mark.parametrize(
        "address",
        ["s3://", "s3:///a", "gs://bucket/a", "http://host/a", "s3://key:secret@bucket/a", "s3://bucket/a?b=c"],
    )
    def test_an_address_of_another_form_is_refused(self, address):
        with pytest.raises(StoreError, match=r"Expected s3://bucket/prefix"):
            ObjectBackend(address)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
    def test_a_forked_child_of_a_process_that_used_it_is_told_and_does_not_hang(self, run_python, bucket):
        told = run_python(
            """
            import json, os, sys
            from autotrack.errors import StoreError
            from autotrack.store.object_store import ObjectBackend

            backend = ObjectBackend(sys.argv[1])
            backend.put("a", b"one")
            reading, writing = os.pipe()
            if os.fork() == 0:
                try:
                    backend.get("a")
                except StoreError as error:
                    os.write(writing, str(error).encode())
                os._exit(0)
            os.close(writing)
            print(json.dumps(os.read(reading, 10_000).decode()))
            """,
            bucket,
        )
        assert "forked" in told
        assert "'spawn'" in told
