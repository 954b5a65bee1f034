"""A version as one file: it comes back whole with its seal, and of a file that was touched nothing is kept."""

import io
import json
import os
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import autotrack
from autotrack.errors import (
    DataError,
    InvalidNameError,
    ModelCorruptedError,
    ModelNotFoundError,
    ModelVersionError,
    UntrustedModelError,
)
from autotrack.model.manifest import canonical
from autotrack.registry import Registry
from autotrack.registry.portable import export, import_file
from autotrack.registry.verification import verify
from autotrack.store import Store

Package = Callable[..., str]
Members = dict[str, bytes]


@pytest.fixture
def exported(store: Store, registry: Registry, package: Package, tmp_path: Path) -> Path:
    registry.register(
        "churn",
        package(store, "the model", run_id="0199"),
        run_id="0199",
        alias="champion",
        tags={"team": "growth"},
        description="first",
        by="ann@lab",
    )
    return export(store, "churn@champion", tmp_path / "churn.autotrack")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "other", create=True)


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {member.filename: archive.read(member) for member in archive.infolist()}


def zipped(path: Path, members: Members, **of_all: int) -> Path:
    """A zip with these members, and these attributes of each."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            for attribute, value in of_all.items():
                setattr(member, attribute, value)
            archive.writestr(member, content)
    return path


def refused(other: Store, path: Path, why: str) -> None:
    """The file is refused with this reason, and the store is as it was."""
    before = sorted(other.backend.list())
    with pytest.raises(ModelCorruptedError, match=why) as told:
        import_file(other, path)
    assert str(told.value).count("Expected ") == 1  # one reason, not one inside the other
    assert sorted(other.backend.list()) == before
    assert Registry(other).list() == []


def test_version_comes_back_in_another_store_with_all_that_is_known_of_it(
    store: Store, other: Store, exported: Path
) -> None:
    there = Registry(store).resolve("churn/1")
    here = import_file(other, exported, by="bob@desk")
    assert (here.name, here.version, here.manifest, here.run_id) == ("churn", 1, there.manifest, "0199")
    assert (here.description, dict(here.tags), here.aliases, here.created_by) == (
        "first",
        {"team": "growth"},
        (),
        "bob@desk",
    )
    origin = Registry(other).origin_of(here)
    assert origin == {
        "store": store.store_id,
        "name": "churn",
        "version": 1,
        "created_at": there.created_at.isoformat(),
        "created_by": "ann@lab",
    }
    assert verify(other).is_whole
    assert verify(other).seals == {"own": 1}


def test_version_that_is_here_already_stays_as_it_is(other: Store, exported: Path) -> None:
    first = import_file(other, exported)
    Registry(other).set_tag("churn", 1, "team", "risk")
    again = import_file(other, exported)
    assert (again.version, dict(again.tags)) == (first.version, {"team": "risk"})
    assert len(Registry(other).history("churn")) == 2


def test_imported_version_is_the_next_of_its_model_or_of_one_that_is_named(
    other: Store, exported: Path, package: Package
) -> None:
    Registry(other).register("churn", package(other, "another model"))
    assert import_file(other, exported).version == 2
    assert import_file(other, exported, "of ann").name == "of ann"
    with pytest.raises(InvalidNameError):
        import_file(other, exported, "a/b")


def test_exported_again_it_still_says_where_it_was_registered_first(
    store: Store, other: Store, exported: Path, tmp_path: Path
) -> None:
    import_file(other, exported, "of ann")
    third = Store.open(tmp_path / "third", create=True)
    version = import_file(third, export(other, "of ann", tmp_path / "again.autotrack"))
    origin = Registry(third).origin_of(version)
    assert origin is not None
    assert (origin["store"], origin["name"], origin["created_by"]) == (store.store_id, "churn", "ann@lab")


def test_model_is_loaded_in_another_store_by_who_made_it_and_by_nobody_else_without_trust(
    store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autotrack.enable(store=store_path)
    autotrack.register_model({"weights": [1, 2, 3]}, "churn")
    path = autotrack.registry.export("churn", tmp_path)
    assert path.name == "churn-1.autotrack"
    autotrack.enable(store=tmp_path / "other")
    autotrack.registry.import_file(path)
    assert autotrack.load_model("churn") == {"weights": [1, 2, 3]}
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "key of somebody else"))
    with pytest.raises(UntrustedModelError):
        autotrack.load_model("churn")
    assert autotrack.load_model("churn", trust=True) == {"weights": [1, 2, 3]}
    assert autotrack.registry.verify().seals == {"foreign": 1}


def test_large_file_is_written_and_read_in_the_form_zip_has_for_those(
    store: Store, other: Store, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 5)  # as if these few bytes were gigabytes
    path = export(store, "churn", exported.with_name("large.autotrack"))
    assert b"PK\x06\x06" in path.read_bytes()
    assert import_file(other, path).version == 1
    assert verify(other).is_whole


def test_store_is_made_by_an_import(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_STORE", str(tmp_path / "new"))
    assert autotrack.registry.import_file(exported).version == 1


def test_existing_file_is_not_written_over(store: Store, exported: Path, tmp_path: Path) -> None:
    before = exported.read_bytes()
    with pytest.raises(DataError, match="exists already"):
        export(store, "churn/1", exported)
    assert exported.read_bytes() == before
    with pytest.raises(ModelNotFoundError):
        export(store, "churn/2", tmp_path / "no.autotrack")
    assert not (tmp_path / "no.autotrack").exists()


def test_damaged_version_is_not_exported(store: Store, registry: Registry, package: Package, tmp_path: Path) -> None:
    registry.register("churn", package(store, "the model"))
    path = store.blobs.path(store.blobs.put(b"the model"))
    path.write_bytes(b"another")
    with pytest.raises(ModelCorruptedError, match=r"was not exported: 'model\.pkl' cannot be read"):
        export(store, "churn", tmp_path / "new.autotrack")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_every_byte_that_is_altered_or_cut_off_is_noticed(other: Store, exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    path = tmp_path / "altered.autotrack"
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            import_file(other, path)
        except (ModelCorruptedError, ModelVersionError, InvalidNameError):
            assert Registry(other).list() == []
        else:  # the date of a member, or another attribute that is of no account
            assert verify(other).is_whole
            other = Store.open(tmp_path / f"other {place}", create=True)
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        refused(Store.open(tmp_path / "cut", create=True), path, "was not imported")


@pytest.mark.parametrize("name", ["model.json", "version.json", "files/model.pkl", "files/parts/extra.bin"])
def test_member_that_is_missing_is_told(other: Store, exported: Path, name: str) -> None:
    members = members_of(exported)
    del members[name]
    refused(other, zipped(exported, members), "is missing in it")


@pytest.mark.parametrize(
    "name",
    ["files/more.bin", "../outside", "/etc/passwd", "files/../../outside", "model.pkl", "files/model.pkl/", "C:/x"],
)
def test_member_the_manifest_does_not_name_is_refused(other: Store, exported: Path, name: str) -> None:
    refused(other, zipped(exported, {**members_of(exported), name: b"more"}), "was not imported: ")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "C:\\x", "model.json", "a\u0000b"])
def test_manifest_that_names_a_path_outside_is_refused(
    store: Store, other: Store, exported: Path, package: Package, path: str
) -> None:
    content = store.blobs.put(b"x")
    manifest = store.blobs.get(package(store, files=[{"path": path, "sha256": content, "size_bytes": 1}]))
    members = members_of(exported)
    kept = {"version.json": members["version.json"], "model.json": manifest}
    refused(other, zipped(exported, {**kept, f"files/{path.partition(chr(0))[0]}": b"x"}), "unreadable manifest")


def test_two_members_of_one_name_are_refused(other: Store, exported: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(exported, "a") as archive:
        archive.writestr("model.json", b"{}")
    refused(other, exported, "two of its members have one name")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR])
def test_member_that_is_no_plain_file_is_refused(other: Store, exported: Path, kind: int) -> None:
    refused(
        other,
        zipped(exported, members_of(exported), external_attr=(kind | 0o777) << 16, create_system=3),
        "is no plain file but a link, a folder or a device",
    )


def test_compressed_member_is_refused_before_it_is_read(other: Store, exported: Path) -> None:
    members = members_of(exported)
    bomb = {**members, "files/model.pkl": bytes(50_000_000)}
    refused(other, zipped(exported, bomb, compress_type=zipfile.ZIP_DEFLATED), "is compressed")


def test_file_larger_or_other_than_the_manifest_says_is_refused(other: Store, exported: Path) -> None:
    members = members_of(exported)
    refused(other, zipped(exported, {**members, "files/model.pkl": b"the model and more"}), "has 18 bytes, and by its")
    refused(other, zipped(exported, {**members, "files/model.pkl": b"the hodel"}), "has other bytes than its manifest")


def test_members_that_share_bytes_are_refused(other: Store, exported: Path) -> None:
    data = bytearray(exported.read_bytes())
    directory = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", directory + 4)
    data[second + 42 : second + 46] = data[directory + 42 : directory + 46]  # where the member begins
    exported.write_bytes(data)
    refused(other, exported, "something lies before|cannot be read|no whole zip|does not begin")


@pytest.mark.parametrize("garbage", [b"x", b"PK\x05\x06", bytes(70_000)])
def test_anything_before_behind_or_between_is_refused(other: Store, exported: Path, garbage: bytes) -> None:
    whole = exported.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    exported.write_bytes(whole + garbage)
    refused(other, exported, "was not imported")
    exported.write_bytes(garbage + whole)
    refused(other, exported, "was not imported")
    moved = struct.pack("<L", directory + len(garbage))
    exported.write_bytes(whole[:directory] + garbage + whole[directory:-6] + moved + whole[-2:])
    refused(other, exported, "something lies behind its last member")
    exported.write_bytes(whole[:-2] + struct.pack("<H", len(garbage) % 65536) + garbage)
    refused(other, exported, "behind its end")


def test_bytes_altered_at_random_are_refused_or_of_no_account(other: Store, exported: Path, tmp_path: Path) -> None:
    rng, whole, path = random.Random(0), exported.read_bytes(), tmp_path / "altered.autotrack"
    refusals = 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data))
            data[place : place + rng.choice([0, 1, 4])] = rng.randbytes(rng.choice([1, 1, 4]))
        path.write_bytes(data)
        try:
            import_file(other, path)
        except (ModelCorruptedError, ModelVersionError, InvalidNameError):
            refusals += 1
    assert refusals > 300
    assert verify(other).problems == []


@pytest.mark.parametrize("name", [b"", b"model\xe4json"])
def test_member_whose_name_makes_no_sense_is_refused(other: Store, exported: Path, name: bytes) -> None:
    data = bytearray(exported.read_bytes())
    place = data.index(b"PK\x01\x02")
    length = struct.unpack("<H", data[place + 28 : place + 30])[0]
    if name:
        data[place + 9] |= 0x08  # it says that the name is UTF-8
        data[place + 46 : place + 46 + length] = name[:length]
    else:
        data[place + 28 : place + 32] = struct.pack("<HH", 0, length)  # all of the name counts as something else
    exported.write_bytes(data)
    refused(other, exported, "was not imported")


def test_directory_of_millions_of_members_is_not_read(other: Store, exported: Path) -> None:
    data = bytearray(exported.read_bytes())
    data[-10:-6] = struct.pack("<L", 1 << 30)
    exported.write_bytes(data)
    refused(other, exported, "its directory is too large")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_told_as_what_it_is(other: Store, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "churn.autotrack"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("../outside")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"tar!"))
    refused(other, path, "it is a tar archive or another compressed file, not a zip")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_exported_file_is_refused(other: Store, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "churn.autotrack"
    path.write_bytes(content)
    refused(other, path, "was not imported")


def test_pipe_device_and_folder_are_refused_at_once(other: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(other, tmp_path / "pipe", "is a pipe, a socket or a device")  # nobody writes into it: opened, it would wait
    refused(other, Path("/dev/zero"), "is a pipe, a socket or a device")
    refused(other, tmp_path, "is a folder")
    with pytest.raises(DataError, match=r"missing.*cannot be read: No such file"):
        import_file(other, tmp_path / "missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"tags": ["a"]},
        {"tags": {"a": 1}},
        {"description": None},
        {"run_id": 3},
        {"format": "1"},
        {"format": 0},
        {"format": True},
        {"origin": None},
        {"origin": {"store": "a"}},
        {"origin": {"store": "", "name": "", "version": 10**20, "created_at": "", "created_by": ""}},
        {"name": 7},
    ],
)
def test_what_is_said_beside_the_package_has_the_form_it_must_have(
    other: Store, exported: Path, changes: dict[str, object]
) -> None:
    members = members_of(exported)
    about = {**json.loads(members["version.json"]), **changes}
    refused(other, zipped(exported, {**members, "version.json": canonical(about)}), r"version\.json cannot be read")


@pytest.mark.parametrize("text", [b"", b"[]", b"[" * 100_000, b"\xff", b"null"])
def test_text_beside_the_package_that_is_no_json_is_refused(other: Store, exported: Path, text: bytes) -> None:
    members = members_of(exported)
    refused(other, zipped(exported, {**members, "version.json": text}), r"version\.json cannot be read")
    refused(other, zipped(exported, {**members, "model.json": text}), "unreadable manifest")


def test_name_that_cannot_be_kept_and_a_newer_format_are_told(other: Store, exported: Path) -> None:
    members = members_of(exported)
    about = json.loads(members["version.json"])
    for name in ("a@b", "../up", "x\u0000", "a" * 10_000):
        path = zipped(exported, {**members, "version.json": canonical({**about, "name": name})})
        with pytest.raises(InvalidNameError):
            import_file(other, path)
    path = zipped(exported, {**members, "version.json": canonical({**about, "format": 2})})
    with pytest.raises(ModelVersionError, match="written by a newer autotrack"):
        import_file(other, path)
    assert other.backend.list("blobs/") == []


def test_run_an_imported_version_names_is_not_taken_for_one_of_this_store(
    other: Store, exported: Path, tmp_path: Path
) -> None:
    autotrack.enable(store=other.root)
    with autotrack.start_run() as run:
        run.log_metric("test_f1", 0.99)
    members = members_of(exported)
    about = {**json.loads(members["version.json"]), "run_id": run.id}
    path = zipped(tmp_path / "claims.autotrack", {**members, "version.json": canonical(about)})
    version = import_file(other, path)
    assert Registry(other).run_of(version) == ({}, False)


def test_own_version_imported_under_another_name_loads_with_no_question(tmp_path: Path, store_path: Path) -> None:
    autotrack.enable(store=store_path)
    autotrack.register_model({"weights": [1]}, "churn")
    path = autotrack.registry.export("churn", tmp_path / "churn.autotrack")
    autotrack.enable(store=tmp_path / "other")
    version = autotrack.registry.import_file(path, "leaving")
    assert autotrack.load_model("leaving") == {"weights": [1]}
    assert autotrack.registry.import_file(path, "leaving").manifest == version.manifest
    assert len(autotrack.registry.versions("leaving")) == 1
