"""Manifests that claim what no package has: refused, or without effect, and never a crash or a gigabyte."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.errors import (
    AutotrackError,
    AutotrackWarning,
    ConfigError,
    ModelCorruptedError,
    ModelSaveError,
    UntrustedModelError,
)
from autotrack.model import Manifest, load_folder, materialise, pack, unpack
from autotrack.model.manifest import canonical, sha256

X = np.array([[0.0], [1.0], [2.0], [3.0]])
Content = dict[str, Any]
Change = Callable[[Content], object]


def manifest(change: Change) -> bytes:
    content = json.loads(pack(LogisticRegression().fit(X, [0, 0, 1, 1])).manifest)
    change(content)
    return canonical(content)


def with_file(path: str) -> Change:
    return lambda content: content["files"].append({**content["files"][0], "path": path})


@pytest.mark.parametrize(
    "path",
    [
        "MODEL.pkl",
        "model.pkl.",
        "model.pkl ",
        "Model.JSON",
        "model.json/inside",
        "model.pkl/inside",
        "Model.pkl./inside",
    ],
)
def test_two_files_that_some_file_system_takes_for_one_are_refused(path: str) -> None:
    with pytest.raises(ModelCorruptedError, match="unreadable manifest: it names"):
        Manifest.parse(manifest(with_file(path)))


@pytest.mark.parametrize("names", [("caf\u00e9", "cafe\u0301"), ("k", "\u212a"), ("stra\u00dfe", "STRASSE")])
def test_names_that_are_one_when_composed_or_without_case_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(ModelCorruptedError, match="names a file twice"):
        Manifest.parse(manifest(lambda content: [with_file(name)(content) for name in names]))


def test_files_in_folders_and_names_in_any_script_are_read(tmp_path: Path) -> None:
    paths = ["code/größe.py", "code/模型.py", "code/a.b/c.py", ".hidden", "model.pkl2"]
    parsed = Manifest.parse(manifest(lambda content: [with_file(path)(content) for path in paths]))
    assert {file.path for file in parsed.files} >= set(paths)


@pytest.mark.parametrize("size_bytes", [1 << 33, 1 << 40, (1 << 62) - 1, 1 << 62, 10**30, 10**4000])
def test_size_no_file_has_takes_no_memory(size_bytes: int, tmp_path: Path) -> None:
    saved = pack(LogisticRegression().fit(X, [0, 0, 1, 1]))
    folder = materialise(
        saved.manifest, {sha256(data): data for data in saved.files.values()}.__getitem__, tmp_path / "m"
    )
    content = json.loads(saved.manifest)
    for file in content["files"]:
        file["size_bytes"] = size_bytes
    (folder / "model.json").write_bytes(canonical(content))
    with pytest.raises(ModelCorruptedError):
        load_folder(folder, trust=True)


@pytest.mark.parametrize(
    "inputs",
    [
        "text",
        {"kind": 5},
        {"kind": "dataframe", "names": {}, "dtypes": []},
        {"kind": "dataframe", "names": [1], "dtypes": ["int64"]},
        {"kind": "dataframe", "names": ["a"], "dtypes": 3},
        {"kind": "dataframe", "names": ["a"], "dtypes": ["int64"], "categories": {"a": 5}},
        {"kind": "ndarray", "shape": 3, "dtype": "float64"},
        {"kind": "ndarray", "shape": [-1, "x"], "dtype": "float64"},
        {"kind": "ndarray", "shape": [1, 10**4000], "dtype": "float64"},
        {"kind": "ndarray", "dtype": ["float64"]},
        {"kind": "ndarray", "shape": None, "dtype": "float64"},
        {"kind": "dataframe", "shape": [1, 1], "names": ["a"], "dtypes": None},
        {"kind": "dataframe", "names": ["a"], "dtypes": ["int64"]},
    ],
    ids=repr,
)
def test_signature_of_another_form_counts_as_unknown(inputs: object) -> None:
    parsed = Manifest.parse(manifest(lambda content: content.update(signature={"inputs": inputs, "outputs": None})))
    assert parsed.signature == {"inputs": None, "outputs": None}


@pytest.mark.parametrize("said", [{"files": [1]}, {"files": "model.skops"}, {"reason": 5}, []])
def test_word_about_a_data_only_form_of_another_form_is_none(said: object) -> None:
    assert Manifest.parse(manifest(lambda content: content.update(data_only=said))).data_only is None


def test_folder_that_cannot_be_made_is_told_by_its_own_name(tmp_path: Path) -> None:
    saved = pack([1])
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelSaveError, match=r"/file/model': .*\nExpected") as caught:
        materialise(
            saved.manifest, {sha256(data): data for data in saved.files.values()}.__getitem__, tmp_path / "file/model"
        )
    assert ".tmp" not in str(caught.value)


def test_validating_a_model_of_an_unknown_signature_says_that_nothing_is_checked(store_path: Path) -> None:
    autotrack.enable(store=store_path, log_models=False)
    autotrack.register_model(LogisticRegression().fit(X, [0, 0, 1, 1]), "unknown")
    with pytest.warns(AutotrackWarning, match=r"is not checked: its signature is not known.*input_example="):
        assert autotrack.load_model("unknown", validate="error").predict(X).tolist() == [0, 0, 1, 1]
    autotrack.register_model(LogisticRegression().fit(X, [0, 0, 1, 1]), "known", input_example=X)
    with pytest.raises(AutotrackError, match="does not fit"):
        autotrack.load_model("known", validate="error").predict([["text"]])


def test_torch_program_of_another_model_is_refused_as_such(store_path: Path, tmp_path: Path) -> None:
    autotrack.enable(store=store_path, log_models=False)
    autotrack.register_model(LogisticRegression().fit(X, [0, 0, 1, 1]), "churn", input_example=X)
    with pytest.raises(ModelSaveError, match=r"LogisticRegression, which torch\.export does not take"):
        autotrack.export_model("churn", tmp_path / "churn.pt2")


def test_way_of_validating_that_there_is_none_of_is_refused(store_path: Path) -> None:
    autotrack.enable(store=store_path, log_models=False)
    autotrack.register_model([1], "list")
    with pytest.raises(ConfigError, match="Invalid validate='strict'"):
        autotrack.load_model("list", validate="strict")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["\x1b]0;title\x07\x1b[31m", "line\nWarning: forged", "\u202egnp", "x" * 1_000_000])
def test_texts_of_a_package_are_told_short_and_without_what_steers_a_terminal(text: str) -> None:
    saved = pack([1])
    content = {**json.loads(saved.manifest), "model_class": text, "requirements": [f"numpy=={text}"], "seal": None}
    read = {sha256(data): data for data in saved.files.values()}.__getitem__
    with pytest.raises(UntrustedModelError) as refused:
        unpack(canonical(content), read)
    with pytest.warns(AutotrackWarning, match="was saved with numpy") as told:
        assert unpack(canonical(content), read, trust=True) == [1]
    for said in (*str(refused.value).split("\n"), str(told[0].message)):
        assert said.isprintable()
        assert len(said) < 4000
