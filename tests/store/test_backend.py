"""The five verbs: a contract, and the local folder that keeps it.

A second place for bytes subclasses `BackendContract` and gives it a `backend`.
"""

import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest

from autotrack.errors import StoreError
from autotrack.store import LocalBackend

RACER = """
    import sys
    from pathlib import Path
    from autotrack.store import LocalBackend

    backend, name = LocalBackend(Path(sys.argv[1])), sys.argv[2]
    print("ready", flush=True)
    sys.stdin.readline()
    won = [n for n in range(50) if backend.put_if_absent(f"log/{n:03}.json", name.encode() * 1000)]
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

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "../a", "a/../b", "a/./b", "a\0b"])
    def test_a_key_that_leads_elsewhere_is_refused(self, backend, key):
        for use in (
            backend.get,
            backend.delete,
            lambda key: backend.put(key, b""),
            lambda key: backend.put_if_absent(key, b""),
        ):
            with pytest.raises(StoreError, match="Invalid key"):
                use(key)

    def test_of_many_threads_that_claim_a_key_one_wins(self, backend):
        barrier = threading.Barrier(8)
        won = []

        def claim(number):
            barrier.wait()
            won.extend((n, number) for n in range(30) if backend.put_if_absent(f"log/{n}", b"%d" % number))

        threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(n for n, _ in won) == list(range(30))
        assert all(backend.get(f"log/{n}") == b"%d" % number for n, number in won)

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

    def test_of_eight_processes_that_claim_keys_each_key_has_one_winner(self, backend):
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(RACER), str(backend.root), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(8)
        ]
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        won = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
        assert sorted(n for keys in won for n in keys) == list(range(50))
        for number, keys in enumerate(won):
            assert all(backend.get(f"log/{n:03}.json") == str(number).encode() * 1000 for n in keys)
        assert len(os.listdir(backend.root / "log")) == 50
