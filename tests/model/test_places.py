"""A package belongs to one run or one registered name: elsewhere in the store it is not what it says it is."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack.errors import UntrustedModelError
from autotrack.models import find_package
from autotrack.registry import Registry

X = np.random.default_rng(0).random((60, 3))
y = (X[:, 0] > 0.5).astype(int)


@pytest.fixture
def runs(store_path: Path) -> tuple[autotrack.Run, autotrack.Run]:
    autotrack.enable(store=store_path)
    found = []
    for model in (LogisticRegression(), DecisionTreeClassifier(max_depth=2)):
        model.fit(X, y)
        found.append(autotrack.last_run())
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


def test_package_moved_to_another_run_is_refused(runs: tuple[autotrack.Run, autotrack.Run]) -> None:
    one, other = runs
    other._patch({"models": {"model": one.models["model"]}})  # as somebody who can write the store would
    with pytest.raises(UntrustedModelError, match=f"belongs as 'model' to run {one.id}"):
        autotrack.load_model(f"run:{other.id}")
    assert autotrack.load_model(f"run:{one.id}").predict(X).shape == (60,)
    with pytest.raises(UntrustedModelError, match=f"belongs as 'model' to run {one.id}"):
        autotrack.register_model(other, "moved")
    pin = f"sha256:{one.models['model']}"
    assert isinstance(autotrack.load_model(f"run:{other.id}", trust=pin), LogisticRegression)


def test_package_moved_to_another_name_in_its_run_is_refused(runs: tuple[autotrack.Run, autotrack.Run]) -> None:
    one, _ = runs
    one._patch({"models": {"model": "", "best": one.models["model"]}})
    with pytest.raises(UntrustedModelError, match="found as model 'best'"):
        autotrack.load_model(f"run:{one.id}/best")


def test_package_registered_under_one_name_is_refused_under_another(runs: tuple[autotrack.Run, autotrack.Run]) -> None:
    autotrack.register_model(runs[0], "good")
    autotrack.register_model(runs[1], "bad")
    registry = Registry(runs[0].store)
    registry.register("good", registry.get("bad").manifest)  # as somebody who can write the store would
    with pytest.raises(UntrustedModelError, match="registered name 'good'"):
        autotrack.load_model("good")
    assert isinstance(autotrack.load_model("good/1"), LogisticRegression)


def test_package_of_a_run_put_under_a_registered_name_by_hand_is_refused(
    runs: tuple[autotrack.Run, autotrack.Run],
) -> None:
    registry = Registry(runs[0].store)
    registry.register("good", runs[0].models["model"])
    with pytest.raises(UntrustedModelError, match=f"belongs to run {runs[0].id}"):
        autotrack.load_model("good")


def test_registered_package_says_what_it_was_made_of(runs: tuple[autotrack.Run, autotrack.Run]) -> None:
    one, _ = runs
    version = autotrack.register_model(one, "good")
    content = json.loads(one.store.blobs.get(version.manifest))
    assert content["registered_as"] == "good"
    assert content["source"] == one.models["model"]
    lineage = content["lineage"]
    assert lineage["run"]["id"] == one.id
    assert lineage["data"]["X"]["fingerprint"] == one.data["X"]["fingerprint"]
    assert lineage["params"]["C"] == 1.0
    assert lineage["metrics"]["train_accuracy"] == one.metrics["train_accuracy"]
    assert content["signature"] == {
        "inputs": {"kind": "ndarray", "shape": [60, 3], "dtype": "float64"},
        "outputs": {"kind": "ndarray", "shape": [None], "dtype": "int64", "classes": [0, 1]},
    }


def test_input_example_is_kept_on_request_only(runs: tuple[autotrack.Run, autotrack.Run]) -> None:
    one, _ = runs

    def files(name: str) -> set[str]:
        content = json.loads(one.store.blobs.get(find_package(name).manifest))
        return {file["path"] for file in content["files"]}

    autotrack.register_model(one, "without")
    assert "input_example.json" not in files("without")
    autotrack.register_model(one, "with", input_example=X[:2])
    assert "input_example.json" in files("with")
    with pytest.raises(autotrack.AutotrackError, match=r"X\[:5\]"):
        autotrack.register_model(one, "large", input_example=np.zeros((100_000, 5)))


class Grumpy(LogisticRegression):  # type: ignore[misc]
    """Cannot be loaded."""

    def __setstate__(self, state: object) -> None:
        raise SystemError("not today")


def test_model_that_cannot_be_loaded_is_registered_and_says_that_it_has_no_data_only_form(
    store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autotrack import guard

    autotrack.enable(store=store_path)
    monkeypatch.setattr(guard, "STRICT", False)
    Grumpy().fit(X, y)
    run = autotrack.last_run()
    assert run is not None
    with pytest.warns(autotrack.AutotrackWarning, match="not today"):
        version = autotrack.register_model(run, "grumpy")
    content = json.loads(run.store.blobs.get(version.manifest))
    assert content["data_only"] == {"reason": "it cannot be loaded here"}


def test_store_of_another_user_runs_no_code_of_theirs(
    runs: tuple[autotrack.Run, autotrack.Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    autotrack.register_model(runs[0], "shared")
    autotrack.register_model({"not": "an estimator"}, "opaque")
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "another-key"))
    with pytest.raises(UntrustedModelError, match="sealed by another key"):
        autotrack.load_model("opaque")
    with pytest.raises(UntrustedModelError, match="sealed by another key"):
        autotrack.load_model(f"run:{runs[0].id}")  # as its fit left it: without a data-only form
    with pytest.warns(autotrack.AutotrackWarning, match="data-only form"):
        loaded = autotrack.load_model("shared")
    assert (loaded.predict(X) == LogisticRegression().fit(X, y).predict(X)).all()
