"""Keys of colleagues are believed once they were taken in, and old keys of one's own stay good."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from autotrack.cli.main import cli
from autotrack.errors import ConfigError, UntrustedModelError
from autotrack.model import Package, extend, keys, pack, trust, unpack
from autotrack.model.manifest import Manifest, sha256


def reader(saved: Package) -> Callable[[str], bytes]:
    return {sha256(data): data for data in saved.files.values()}.__getitem__


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], object]:
    """Become somebody else within a block: `with person("ann"):`."""

    @contextmanager
    def become(name: str) -> Iterator[None]:
        with monkeypatch.context() as here:
            here.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / name / "key"))
            yield

    return become


def origin(saved: Package) -> str:
    parsed = Manifest.parse(saved.manifest)
    return trust.provenance(parsed.body, dict(parsed.seal) if parsed.seal else None)


def test_package_of_a_colleague_loads_once_their_key_was_taken_in_and_not_after_it_was_removed(person, tmp_path):
    with person("ann"):
        saved = pack([1, 2])
        keys.export(str(tmp_path / "ann.key"), "ann")
    with person("bob"):
        with pytest.raises(UntrustedModelError, match="autotrack keys add"):
            unpack(saved.manifest, reader(saved))
        added = keys.add(str(tmp_path / "ann.key"))
        assert added.label == "ann"
        assert origin(saved) == "believed"
        assert unpack(saved.manifest, reader(saved)) == [1, 2]
        keys.remove("ann")
        with pytest.raises(UntrustedModelError):
            unpack(saved.manifest, reader(saved))


def test_believed_package_changed_after_it_was_sealed_is_refused(person, tmp_path):
    with person("ann"):
        saved = pack([1], run_id="run-a")
        keys.export(str(tmp_path / "ann.key"), "ann")
    with person("bob"):
        keys.add(str(tmp_path / "ann.key"))
        with pytest.raises(UntrustedModelError, match="changed after it was sealed"):
            unpack(saved.manifest.replace(b"run-a", b"run-b"), reader(saved))


def test_seal_of_somebody_else_under_the_name_of_a_believed_key_is_refused(person, tmp_path):
    with person("ann"):
        pack([0])
        believed = str(trust.fingerprint())
        keys.export(str(tmp_path / "ann.key"), "ann")
    with person("eve"):
        saved = pack([1])
        forged = saved.manifest.replace(str(trust.fingerprint()).encode(), believed.encode())
    with person("bob"):
        keys.add(str(tmp_path / "ann.key"))
        with pytest.raises(UntrustedModelError):
            unpack(forged, reader(saved))


def test_after_a_rotation_new_packages_have_another_seal_and_old_ones_still_load(person):
    with person("ann"):
        saved = pack([1])
        before = trust.fingerprint()
        rotated = keys.rotate()
        assert rotated.fingerprint == trust.fingerprint() != before
        assert unpack(saved.manifest, reader(saved)) == [1]
        assert origin(saved) == "believed"
        assert origin(pack([1])) == "own"
        retired = next(key for key in keys.listed() if key.fingerprint == before)
        assert retired.label.startswith("retired-")
        keys.remove(retired.label)
        with pytest.raises(UntrustedModelError):
            unpack(saved.manifest, reader(saved))


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_key_files_are_readable_by_their_user_only(person, tmp_path):
    with person("ann"):
        keys.export(str(tmp_path / "ann.key"), "ann")
    assert stat.S_IMODE((tmp_path / "ann.key").stat().st_mode) == 0o600
    with person("bob"):
        kept = keys.add(str(tmp_path / "ann.key"))
        assert stat.S_IMODE(os.stat(kept.path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(kept.path)).st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_believed_key_that_others_can_read_is_not_used(person, tmp_path):
    with person("ann"):
        saved = pack([1])
        keys.export(str(tmp_path / "ann.key"), "ann")
    with person("bob"):
        kept = keys.add(str(tmp_path / "ann.key"))
        os.chmod(kept.path, 0o644)
        with pytest.warns(UserWarning, match="chmod 600"), pytest.raises(UntrustedModelError):
            unpack(saved.manifest, reader(saved))


@pytest.mark.parametrize("content", [b"", b"nothing", b"autotrack key 1\nann\nabc\n", b"\xff" * 500])
def test_file_without_a_key_is_refused(person, tmp_path, content):
    (tmp_path / "no.key").write_bytes(content)
    with person("bob"), pytest.raises(ConfigError, match="holds no key"):
        keys.add(str(tmp_path / "no.key"))


@pytest.mark.parametrize("label", ["", "own", "../evil", "a/b", "x" * 65, "new\nline"])
def test_name_that_is_no_file_name_is_refused(person, tmp_path, label):
    with person("ann"), pytest.raises(ConfigError, match="Invalid name"):
        keys.export(str(tmp_path / "ann.key"), label)


def test_existing_file_is_not_written_over(person, tmp_path):
    (tmp_path / "ann.key").write_text("something")
    with person("ann"), pytest.raises(ConfigError, match="exists already"):
        keys.export(str(tmp_path / "ann.key"), "ann")


def test_registered_form_of_a_foreign_package_is_never_sealed_by_us(person, tmp_path):
    with person("eve"):
        saved = pack([1])
    with person("bob"):
        pack([0])
        assert extend(saved.manifest, registered_as="m", lineage={}, files={}, facts={}) is None


def test_commands_list_export_add_remove_and_rotate(person, tmp_path):
    def run(*words: str) -> str:
        done = CliRunner().invoke(cli, ["keys", *words])
        assert done.exit_code == 0, done.output
        return done.output

    file = str(tmp_path / "ann.key")
    with person("ann"):
        assert "no key yet" in run()
        run("export", file, "--name", "ann")
        assert str(trust.fingerprint()) in run()
    with person("bob"):
        run("add", file)
        assert "ann" in run("--json")
        run("remove", "ann")
        assert run("--json").strip() == "[]"
        run("rotate")
        assert "own" in run()


def test_name_that_two_keys_have_removes_neither_and_says_their_fingerprints(person, tmp_path):
    prints = []
    for number in (1, 2):
        with person(f"ann {number}"):
            prints.append(keys.export(str(tmp_path / f"{number}.key"), "ann").fingerprint)
    with person("bob"):
        for number in (1, 2):
            keys.add(str(tmp_path / f"{number}.key"))
        with pytest.raises(ConfigError, match="2 keys are called 'ann'") as caught:
            keys.remove("ann")
        assert all(each in str(caught.value) for each in prints)
        assert keys.remove(prints[0]).fingerprint == prints[0]
        assert keys.remove("ann").fingerprint == prints[1]


def test_own_key_is_not_taken_in_as_that_of_a_colleague(person, tmp_path):
    with person("ann"):
        keys.export(str(tmp_path / "ann.key"), "ann")
        with pytest.raises(ConfigError, match="holds your own key"):
            keys.add(str(tmp_path / "ann.key"))
        assert [key.label for key in keys.listed()] == ["own"]


@pytest.mark.parametrize(("mode", "content", "why"), [(0o644, b"k" * 32, "mode 644"), (0o600, b"short", "has 5 bytes")])
def test_key_that_cannot_be_used_is_not_replaced_and_the_reason_is_told(tmp_path, monkeypatch, mode, content, why):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(path))
    for act in (keys.rotate, lambda: keys.export(str(tmp_path / "ann.key"), "ann")):
        with pytest.raises(ConfigError, match=f"Your key cannot be used: .*{why}"):
            act()
    assert path.read_bytes() == content
    said = CliRunner().invoke(cli, ["keys"], prog_name="autotrack").stderr
    assert f"Your key {path} cannot be used." in said
    assert "There is no key yet" not in said
    with pytest.raises(UntrustedModelError, match="you have none that can be used"):
        unpack(pack([1]).manifest, {}.__getitem__)
