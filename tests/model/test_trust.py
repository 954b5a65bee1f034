"""A package runs code when it is loaded: only this user's own, unchanged ones do so with no question."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.errors import AutotrackWarning, UntrustedModelError
from autotrack.model import Package, keys, pack, trust, unpack
from workers import threads_at_once


def reader(saved: Package) -> Callable[[str], bytes]:
    return {hashlib.sha256(data).hexdigest(): data for data in saved.files.values()}.__getitem__


def made_by_somebody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: object) -> Package:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "their-key"))
        return pack(model, run_id="their-run")


def test_foreign_package_is_refused_and_the_error_says_how_to_trust_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    saved = made_by_somebody_else(monkeypatch, tmp_path, {"a": 1})
    pack({})  # so that we have a key of our own
    with pytest.raises(UntrustedModelError) as raised:
        unpack(saved.manifest, reader(saved))
    told = str(raised.value)
    assert json.loads(saved.manifest)["seal"]["key"] in told
    assert str(trust.fingerprint()) in told
    assert "'model.pkl'" in told
    assert "their-run" in told
    assert f"trust='sha256:{saved.id}'" in told
    assert isinstance(raised.value, PermissionError)
    assert unpack(saved.manifest, reader(saved), trust=True) == {"a": 1}
    assert unpack(saved.manifest, reader(saved), trust=f"sha256:{saved.id}") == {"a": 1}


def test_nothing_of_a_foreign_package_is_read_or_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved = made_by_somebody_else(monkeypatch, tmp_path, [1])
    with pytest.raises(UntrustedModelError):
        unpack(saved.manifest, lambda sha256: pytest.fail("was read"))


def test_trust_in_one_package_is_no_trust_in_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved = made_by_somebody_else(monkeypatch, tmp_path, [1])
    with pytest.raises(UntrustedModelError, match="not the package you trust"):
        unpack(saved.manifest, reader(saved), trust="sha256:" + "0" * 64)


def test_pin_that_does_not_match_refuses_even_an_own_package() -> None:
    saved = pack([1])
    with pytest.raises(UntrustedModelError, match="not the package you trust"):
        unpack(saved.manifest, reader(saved), trust="sha256:" + "0" * 64)


def test_manifest_changed_after_sealing_is_refused() -> None:
    saved = pack([1], run_id="a-run")
    changed = saved.manifest.replace(b"a-run", b"b-run")
    with pytest.raises(UntrustedModelError, match="changed after it was sealed"):
        unpack(changed, reader(saved))


def test_other_bytes_under_a_copied_seal_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = json.loads(pack([1]).manifest)
    theirs = made_by_somebody_else(monkeypatch, tmp_path, [2])
    forged = json.dumps({**json.loads(theirs.manifest), "seal": own["seal"]}).encode()
    with pytest.raises(UntrustedModelError):
        unpack(forged, reader(theirs))


def test_package_cannot_say_itself_that_it_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = json.loads(made_by_somebody_else(monkeypatch, tmp_path, [2]).manifest)
    for claim in (None, {"key": str(trust.fingerprint()), "hmac": ""}, {"key": "é", "hmac": "\udcff"}):
        forged = json.dumps({**theirs, "trusted": True, "seal": claim, "loader": "os.system"}).encode()
        with pytest.raises(UntrustedModelError):
            unpack(forged, lambda sha256: pytest.fail("was read"))


def test_unsealed_package_loads_only_with_trust(
    lenient_guard: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "file" / "key"))  # a folder cannot be made there
    with pytest.warns(AutotrackWarning, match="saved without a seal"):
        saved = pack([1])
    assert json.loads(saved.manifest)["seal"] is None
    with pytest.raises(UntrustedModelError, match="nobody knows who made it"):
        unpack(saved.manifest, reader(saved))
    assert unpack(saved.manifest, reader(saved), trust=True) == [1]


def test_machine_without_a_home_saves_unsealed_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOTRACK_KEY_FILE")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert json.loads(pack([1]).manifest)["seal"] is None


def test_key_is_random_and_readable_by_its_user_only() -> None:
    pack([1])
    path = Path(str(keys.key_path()))
    assert len(path.read_bytes()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [other.name for other in path.parent.iterdir() if other.suffix == ".tmp"] == []


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_key_that_others_can_read_seals_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "open-key"
    path.write_bytes(bytes(32))
    path.chmod(0o644)
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(path))
    with pytest.warns(AutotrackWarning, match="chmod 600"):
        assert trust.seal(b"body") is None


def test_key_of_another_length_seals_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "short-key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(path))
    with pytest.warns(AutotrackWarning, match="5 bytes"):
        assert trust.seal(b"body") is None


def test_processes_that_start_at_once_share_one_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = str(tmp_path / "config" / "key")
    made = threads_at_once(8, lambda _: keys._make(path))
    assert len(made) == 8
    assert len(set(made)) == 1
    assert os.listdir(tmp_path / "config") == ["key"]


def test_file_system_without_links_gets_a_key_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_links(*args: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    key = keys._make(str(tmp_path / "config" / "key"))
    assert key is not None
    assert len(key) == 32
    assert os.listdir(tmp_path / "config") == ["key"]


def test_places_of_the_key_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert keys.key_path() == os.environ["AUTOTRACK_KEY_FILE"]
    monkeypatch.delenv("AUTOTRACK_KEY_FILE")
    assert keys.key_path() == os.path.join(os.environ["XDG_CONFIG_HOME"], "autotrack", "key")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert keys.key_path() == os.path.join(os.environ["HOME"], ".config", "autotrack", "key")


def test_file_swapped_between_the_check_and_its_use_is_never_used() -> None:
    saved = pack({"a": 1})
    evil = pack({"a": 666}).files["model.pkl"]
    reads: dict[str, int] = {}

    def read(sha256: str) -> bytes:
        """The right bytes once, others from then on: as if somebody waited for the check."""
        reads[sha256] = reads.get(sha256, 0) + 1
        return reader(saved)(sha256) if reads[sha256] == 1 else evil

    assert unpack(saved.manifest, read) == {"a": 1}
    assert set(reads.values()) == {1}
