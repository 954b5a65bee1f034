"""From a fit to a name and back: what is registered is loaded by every form of reference, also by other processes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.errors import InvalidNameError, ModelCorruptedError, ModelNotFoundError
from autotrack.registry import Registry
from autotrack.store import Store
from autotrack.store.blobs import blob_key

X, y = load_iris(return_X_y=True)

LOAD = """
    import json, sys
    import autotrack
    from sklearn.datasets import load_iris

    model = autotrack.load_model(sys.argv[1])
    print(json.dumps(model.predict(load_iris().data).tolist()))
"""


@pytest.fixture
def run(store_path: Path) -> autotrack.Run:
    """The run of a fit that autotrack looked on at."""
    autotrack.enable(store=store_path)
    LogisticRegression(max_iter=500).fit(X, y)
    run = autotrack.last_run()
    assert run is not None
    return run


def predictions(reference: str) -> list[int]:
    found: list[int] = autotrack.load_model(reference).predict(X).tolist()
    return found


def test_registered_model_is_loaded_by_every_form_of_reference(run: autotrack.Run) -> None:
    version = autotrack.register_model(run, "churn", alias="champion")
    assert (version.name, version.version, version.run_id, version.aliases) == ("churn", 1, run.id, ("champion",))
    expected = LogisticRegression(max_iter=500).fit(X, y).predict(X).tolist()
    for reference in (
        "churn",
        "churn/1",
        "churn@champion",
        "churn@latest",
        "models:/churn/1",
        "models:/churn@champion",
    ):
        assert predictions(reference) == expected
    for reference in (f"run:{run.id}", f"run:{run.id[:16]}/model", f"runs:/{run.id}/model"):
        assert predictions(reference) == expected


def test_registered_model_is_loaded_by_another_process(
    run: autotrack.Run, run_python: Callable[..., Any], store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autotrack.register_model(run, "churn", alias="champion")
    monkeypatch.setenv("AUTOTRACK_STORE", str(store_path))
    assert run_python(LOAD, "churn@champion") == predictions("churn@champion")


def test_load_by_name_reads_each_file_once_and_imports_nothing_that_saves_or_describes(
    run: autotrack.Run, run_python: Callable[..., Any], store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = autotrack.register_model(run, "churn", alias="champion")
    monkeypatch.setenv("AUTOTRACK_STORE", str(store_path))
    used = run_python("""
        import json, os, sys
        import autotrack
        import sklearn.linear_model

        before, read = set(sys.modules), []
        store = os.environ["AUTOTRACK_STORE"] + os.sep
        sys.addaudithook(lambda event, args: event in ("open", "os.scandir") and read.append(str(args[0])))
        autotrack.load_model("churn@champion")
        read = [path.removeprefix(store) for path in read if path.startswith(store)]
        print(json.dumps([read, sorted(set(sys.modules) - before)]))
    """)
    events = [f"registry/churn/{path.name}" for path in (store_path / "registry/churn").glob("0*.json")]
    package = json.loads(Store.open(store_path).blobs.get(version.manifest))
    blobs = [version.manifest, *(file["sha256"] for file in package["files"] if file["path"] != "model.skops")]
    expected = ["autotrack.json", "registry/churn", *events, *map(blob_key, blobs)]
    assert sorted(used[0]) == sorted(expected)
    saving = {f"autotrack.model.{name}" for name in ("package", "signature", "columns", "quality", "folder", "mlflow")}
    others = {"autotrack.query", "autotrack.gates", "pyarrow", "skops", "sqlite3", "asyncio", "importlib.metadata"}
    assert not (saving | others) & set(used[1])


def test_model_of_a_run_registered_again_is_the_same_version(run: autotrack.Run, store_path: Path) -> None:
    first = autotrack.register_model(run, "churn")
    again = autotrack.register_model(run.id, "churn", alias="champion")
    assert again.version == first.version == 1
    assert Registry(Store.open(store_path)).verify("churn") == []


def test_name_is_checked_before_anything_is_kept(run: autotrack.Run, store_path: Path) -> None:
    with pytest.raises(InvalidNameError, match="'@' has a meaning in references"):
        autotrack.register_model(run, "churn@champion")
    with pytest.raises(InvalidNameError, match="it reads as a version"):
        autotrack.register_model(run, "churn", alias="latest")
    assert Registry(Store.open(store_path)).list() == []


def test_unknown_alias_is_told_when_a_model_is_loaded(run: autotrack.Run) -> None:
    autotrack.register_model(run, "churn", alias="champion")
    with pytest.raises(ModelNotFoundError, match=r"No model version 'churn@champ': .* Did you mean 'champion'"):
        autotrack.load_model("churn@champ")


def test_run_whose_model_was_damaged_is_not_registered(store_path: Path) -> None:
    autotrack.enable(store=store_path)
    LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    run = autotrack.last_run()
    assert run is not None
    model = run.model
    assert model is not None
    path = run.store.blobs.path(model["files"][0]["sha256"])  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelCorruptedError, match="not registered"):
        autotrack.register_model(run, "churn")
    assert autotrack.registry.list() == []
