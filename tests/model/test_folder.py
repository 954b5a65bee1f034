"""A package as a folder: plain files that are complete, and from which nothing hostile is read."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.errors import ModelCorruptedError, ModelNotFoundError, ModelSaveError, UntrustedModelError
from autotrack.model import Package, load_folder, materialise, pack, trust
from autotrack.model.manifest import canonical, sha256

X = np.random.default_rng(0).random((80, 4))
y = (X[:, 0] + X[:, 1] > 1).astype(int)
SIGNATURE = {
    "inputs": {"kind": "ndarray", "shape": [80, 4], "dtype": "float64"},
    "outputs": {"kind": "ndarray", "shape": [None], "dtype": "int64"},
}


def reader(saved: Package) -> Callable[[str], bytes]:
    return {sha256(data): data for data in saved.files.values()}.__getitem__


@pytest.fixture
def saved() -> Package:
    return pack(LogisticRegression().fit(X, y), run_id="r1", signature=SIGNATURE)


@pytest.fixture
def folder(saved: Package, tmp_path: Path) -> Path:
    return materialise(saved.manifest, reader(saved), tmp_path / "out" / "model")


def with_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The folder with another manifest, sealed by this user all the same."""
    content = json.loads((folder / "model.json").read_bytes())
    del content["seal"]
    change(content)
    (folder / "model.json").write_bytes(canonical({**content, "seal": trust.seal(canonical(content))}))
    return folder


def test_folder_holds_plain_files_that_are_complete(saved: Package, folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.json", "model.pkl", "requirements.txt", "MLmodel", "python_env.yaml", "conda.yaml"}
    assert (folder / "model.json").read_bytes() == saved.manifest
    assert (folder / "model.pkl").read_bytes() == saved.files["model.pkl"]
    assert all(stat.S_ISREG(path.lstat().st_mode) for path in folder.iterdir())
    with pytest.raises(ModelSaveError, match="exists already"):
        materialise(saved.manifest, reader(saved), folder)


def test_folder_does_not_appear_when_a_file_is_missing(saved: Package, tmp_path: Path) -> None:
    pins = saved.files["requirements.txt"]
    with pytest.raises(ModelCorruptedError):
        materialise(saved.manifest, {sha256(pins): pins}.__getitem__, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_model_is_loaded_from_its_folder_wherever_that_was_moved(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "elsewhere")
    loaded = autotrack.load_model(moved)
    assert (loaded.predict(X) == LogisticRegression().fit(X, y).predict(X)).all()
    checked = autotrack.load_model(moved, validate="error")
    with pytest.raises(autotrack.AutotrackError, match="4"):
        checked.predict(X[:, :2])


def test_mlflow_is_told_what_goes_in_and_comes_out(folder: Path) -> None:
    said = json.loads((folder / "MLmodel").read_text())  # JSON is YAML
    assert json.loads(said["signature"]["inputs"]) == [
        {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}
    ]
    assert said["flavors"]["sklearn"]["pickled_model"] == "model.pkl"
    assert said["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert "mlflow_version" not in said


def test_folder_without_a_package_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no model package"):
        load_folder(tmp_path)
    with pytest.raises(ModelNotFoundError, match="no model package"):
        load_folder(tmp_path / "nothing")


def test_package_altered_by_one_byte_is_refused(folder: Path) -> None:
    data = bytearray((folder / "model.pkl").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.pkl").write_bytes(data)
    with pytest.raises(ModelCorruptedError, match=r"model\.pkl"):
        load_folder(folder)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret", "a/../../b", "C:\\x", "\\\\host\\share", "a\x00b", ""])
def test_path_that_leads_out_of_the_folder_is_refused(folder: Path, path: str) -> None:
    with_manifest(folder, lambda content: content["files"][0].update(path=path))
    with pytest.raises(ModelCorruptedError, match="unreadable manifest"):
        load_folder(folder, trust=True)


def test_link_in_place_of_a_file_is_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes((folder / "model.pkl").read_bytes())  # even the right bytes
    (folder / "model.pkl").unlink()
    (folder / "model.pkl").symlink_to(outside)
    with pytest.raises(ModelCorruptedError, match=r"model\.pkl"):
        load_folder(folder)


def test_link_in_place_of_the_manifest_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "model.json").rename(tmp_path / "outside.json")
    (folder / "model.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(ModelCorruptedError, match=r"model\.json"):
        load_folder(folder)


def test_link_in_place_of_a_folder_inside_is_not_followed(tmp_path: Path) -> None:
    data = b"text"
    entry = {"path": "code/a.py", "sha256": sha256(data), "size_bytes": len(data)}
    saved = pack([1])
    content = json.loads(saved.manifest)
    del content["seal"]
    content["files"].append(entry)
    manifest = canonical({**content, "seal": trust.seal(canonical(content))})
    folder = materialise(
        manifest, {**{sha256(d): d for d in saved.files.values()}, sha256(data): data}.__getitem__, tmp_path / "m"
    )
    assert load_folder(folder) == [1]
    (folder / "code").rename(tmp_path / "code")
    (folder / "code").symlink_to(tmp_path / "code")
    with pytest.raises(ModelCorruptedError, match=r"code/a\.py"):
        load_folder(folder)


@pytest.mark.parametrize("name", ["model.pkl", "model.json"])
def test_pipe_in_place_of_a_file_does_not_make_anybody_wait(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ModelCorruptedError, match="pipe"):
        load_folder(folder)


def test_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / "model.pkl").unlink()
    (folder / "model.pkl").mkdir()
    with pytest.raises(ModelCorruptedError, match=r"model\.pkl"):
        load_folder(folder)


def test_file_that_goes_on_for_ever_is_not_read_to_its_end(folder: Path) -> None:
    with (folder / "model.pkl").open("r+b") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no room
    with pytest.raises(ModelCorruptedError, match=r"model\.pkl"):
        load_folder(folder)
    with (folder / "model.json").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(ModelCorruptedError, match="larger than"):
        load_folder(folder)


def test_package_of_somebody_else_is_refused_in_a_folder_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pack([0])
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "their-key"))
        saved = pack([1])
    folder = materialise(saved.manifest, reader(saved), tmp_path / "m")
    with pytest.raises(UntrustedModelError):
        autotrack.load_model(folder)
    assert autotrack.load_model(folder, trust=f"sha256:{saved.id}") == [1]
