"""A pipe, a device, a folder or a hole in the place of a file of a registered model: named, and nobody waits for it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import autotrack
from autotrack.errors import AutotrackError, DataError
from autotrack.model.manifest import Manifest
from autotrack.registry import Registry
from autotrack.registry.verification import verify
from autotrack.store import Store


def hole(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "loop": lambda path: path.symlink_to(path),
    "hole": hole,
}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, store_path: Path) -> Store:
    monkeypatch.setenv("AUTOTRACK_STORE", str(store_path))
    autotrack.register_model({"a": 1}, "churn", alias="champion")
    return Store.open(store_path)


def file_of(store: Store, part: str) -> Path:
    folder = Path(store.root) / "registry" / "churn"
    if part == "event":
        return folder / f"{0:020}.json"
    if part == "head":
        return next(folder.glob("head*.json"))
    manifest = Registry(store).get("churn").manifest
    files = {file.path: file.sha256 for file in Manifest.parse(store.blobs.get(manifest)).files}
    return store.blobs.path(manifest if part == "manifest" else files["model.pkl"])


@pytest.mark.parametrize("part", ["event", "head", "manifest", "file"])
def test_odd_file_of_a_registered_model_is_named_by_verify_and_nobody_waits_for_it(store: Store, part: str) -> None:
    path = file_of(store, part)
    kept = path.rename(Path(store.root) / "kept")
    for odd, make in ODD.items():
        if odd == "folder" and part in ("event", "head"):
            continue  # a folder is no key: the event counts as missing
        make(path)
        problems = verify(store).problems
        assert len(problems) == 1
        assert path.name in problems[0]
        if part == "head":
            assert autotrack.load_model("churn@champion") == {"a": 1}
        elif odd != "hole" or part != "file":  # how large a package's file can be, its reader does not know
            with pytest.raises(AutotrackError, match="cannot be read"):
                autotrack.load_model("churn@champion")
        path.rmdir() if odd == "folder" else path.unlink()
    kept.rename(path)
    assert verify(store).is_whole


def test_change_that_is_too_large_to_be_read_again_is_not_recorded(store: Store) -> None:
    registry = Registry(store)
    before = registry.history("churn")
    with pytest.raises(DataError, match=r"cannot be recorded: it takes .* bytes.\nExpected at most 16,777,216"):
        registry.set_description("churn", 1, "x" * (16 << 20))
    assert registry.history("churn") == before
