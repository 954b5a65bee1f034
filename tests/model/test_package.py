"""Models go into a package and come back: unchanged, checked, and in processes that know nothing of the script."""

import hashlib
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from autotrack.errors import (
    AutotrackWarning,
    ConfigError,
    InvalidNameError,
    ModelCorruptedError,
    ModelSaveError,
    ModelVersionError,
)
from autotrack.model import Package, environment, formats, materialise, pack, package, pickled, unpack
from autotrack.model.manifest import canonical

X = np.random.default_rng(0).random((80, 4))
y = (X[:, 0] + X[:, 1] > 1).astype(int)


def reader(saved: Package) -> Callable[[str], bytes]:
    return {hashlib.sha256(data).hexdigest(): data for data in saved.files.values()}.__getitem__


def content(saved: Package) -> dict[str, Any]:
    return json.loads(saved.manifest)  # type: ignore[no-any-return]


def resealed(saved: Package, **changes: object) -> bytes:
    """The manifest with other values, sealed by this user all the same."""
    changed = {**content(saved), **changes}
    del changed["seal"]
    from autotrack.model import trust

    return canonical({**changed, "seal": trust.seal(canonical(changed))})


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        RandomForestClassifier(10, random_state=0),
        make_pipeline(
            ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", MinMaxScaler(), [2, 3])]), LogisticRegression()
        ),
    ],
    ids=["logistic", "forest", "pipeline"],
)
def test_fitted_model_comes_back_with_the_same_predictions(model: Any) -> None:
    model.fit(X, y)
    saved = pack(model)
    loaded: Any = unpack(saved.manifest, reader(saved))
    assert type(loaded) is type(model)
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    assert content(saved)["flavor"] == "sklearn"
    assert not content(saved)["by_value"]


def test_manifest_says_what_the_package_is_made_of() -> None:
    saved = pack(
        LogisticRegression().fit(X, y), name="best", run_id="r1", signature={"inputs": {"shape": (80, 4), 10: 1, 2: 1}}
    )
    said = content(saved)
    assert said["format"] == 2
    assert (said["name"], said["run_id"]) == ("best", "r1")
    assert said["model_class"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert said["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert said["signature"]["inputs"]["shape"] == [80, 4]
    assert {file["path"] for file in said["files"]} == {"model.pkl", "requirements.txt"} == set(saved.files)
    assert any(pin.startswith("scikit-learn==") for pin in said["requirements"])
    assert any(pin.startswith("numpy==") for pin in said["requirements"])
    assert saved.id == hashlib.sha256(saved.manifest).hexdigest()
    unpack(saved.manifest, reader(saved))


def test_models_of_equal_environments_share_one_requirements_file() -> None:
    first, second = pack(LogisticRegression().fit(X, y)), pack(RandomForestClassifier(3).fit(X, y))
    assert first.files["requirements.txt"] == second.files["requirements.txt"]


def test_saving_leaves_the_model_and_the_random_state_as_they_are() -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)).fit(X, y)
    before = {name: id(value) for name, value in vars(model[-1]).items()}
    random_state = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    pack(model)
    assert {name: id(value) for name, value in vars(model[-1]).items()} == before
    assert (np.random.get_state()[1] == random_state).all()  # type: ignore[index]


def test_fitted_search_is_saved_as_its_best_estimator() -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3).fit(X, y)
    saved = pack(search)
    loaded = unpack(saved.manifest, reader(saved))
    assert type(loaded) is LogisticRegression
    assert search.best_params_ == {"C": loaded.C}
    assert content(saved)["model_class"].endswith("LogisticRegression")


def test_search_without_refit_is_saved_itself() -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [0.1]}, cv=3, refit=False).fit(X, y)
    saved = pack(search)
    assert type(unpack(saved.manifest, reader(saved))) is GridSearchCV


def test_object_of_no_known_library_is_pickled() -> None:
    saved = pack({"weights": [1, 2, 3], "column": "click"})
    assert content(saved)["flavor"] == "pickle"
    assert content(saved)["requirements"] == []
    assert unpack(saved.manifest, reader(saved)) == {"weights": [1, 2, 3], "column": "click"}


SCRIPT = """
    import hashlib, json, sys
    from pathlib import Path
    import numpy as np
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from autotrack.model import pack

    FACTOR = 3.0
    def scaled(X):
        return X * FACTOR

    class Shift(TransformerMixin, BaseEstimator):
        def __init__(self, by=1.0):
            self.by = by
        def fit(self, X, y=None):
            self.mean_ = X.mean(axis=0)
            return self
        def transform(self, X):
            return np.abs(scaled(X) - self.mean_ + self.by)

    X = np.random.default_rng(0).random((80, 4)); y = (X[:, 0] > .5).astype(int)
    steps = {"class": Shift(by=2.0), "lambda": FunctionTransformer(lambda X: np.log1p(X) * 2)}
    model = make_pipeline(steps[sys.argv[1]], LogisticRegression()).fit(X, y)
    package = pack(model)
    Path("manifest").write_bytes(package.manifest)
    for data in package.files.values():
        Path(hashlib.sha256(data).hexdigest()).write_bytes(data)
    print(json.dumps(model.predict_proba(X[:5]).tolist()))
"""


@pytest.mark.parametrize("kind", ["class", "lambda"])
def test_code_of_the_script_itself_loads_where_the_script_is_not(
    kind: str, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script), kind], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    script.unlink()
    predicted = run_python("""
        import json
        from pathlib import Path
        import numpy as np
        from autotrack.model import unpack
        model = unpack(Path("manifest").read_bytes(), lambda sha256: Path(sha256).read_bytes())
        print(json.dumps(model.predict_proba(np.random.default_rng(0).random((80, 4))[:5]).tolist()))
    """)
    assert predicted == json.loads(done.stdout)
    said = json.loads((tmp_path / "manifest").read_bytes())
    assert said["by_value"]
    assert any(pin.startswith("cloudpickle==") for pin in said["requirements"])


def test_code_by_value_of_another_python_is_refused_before_anything_is_unpickled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved = pack(FunctionTransformer(lambda data: data))
    manifest = resealed(saved, python="3.9")
    monkeypatch.setattr(pickled, "load", lambda files: pytest.fail("was unpickled"))
    with pytest.raises(
        ModelVersionError, match=r"(?s)saved with Python 3\.9.*move its classes and functions"
    ) as raised:
        unpack(manifest, reader(saved))
    assert raised.value.__dict__["saved"] == "3.9"


def test_other_versions_of_libraries_are_told_in_one_warning_that_names_both() -> None:
    saved = pack(LogisticRegression().fit(X, y))
    here = environment.installed()
    pins = ["scikit-learn==1.0.0" if pin.startswith("scikit") else pin for pin in content(saved)["requirements"]]
    manifest = resealed(saved, requirements=[*pins, "no-such-package==7.1"])
    with pytest.warns(AutotrackWarning) as caught:
        assert unpack(manifest, reader(saved)) is not None
    assert len(caught) == 1
    told = str(caught[0].message)
    assert f"scikit-learn 1.0.0 (here {here['scikit-learn']})" in told
    assert "no-such-package 7.1 (here not installed)" in told
    assert caught[0].filename == __file__


def test_changed_file_is_found_before_it_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = pack(LogisticRegression().fit(X, y))
    monkeypatch.setattr(pickled, "load", lambda files: pytest.fail("was unpickled"))
    model = saved.files["model.pkl"]
    damaged = model[:100] + bytes([model[100] ^ 1]) + model[101:]
    digest = hashlib.sha256(model).hexdigest()
    with pytest.raises(ModelCorruptedError, match=r"'model.pkl'.*was changed") as raised:
        unpack(saved.manifest, lambda sha256: damaged if sha256 == digest else saved.files["requirements.txt"])
    values = raised.value.__dict__
    assert values["path"] == "model.pkl"
    assert values["expected"] == digest
    assert values["found"] == hashlib.sha256(damaged).hexdigest()


def test_missing_file_is_named() -> None:
    saved = pack(LogisticRegression().fit(X, y))

    def read(sha256: str) -> bytes:
        raise FileNotFoundError(sha256)

    with pytest.raises(ModelCorruptedError, match="of this model cannot be read"):
        unpack(saved.manifest, read)


def test_model_of_a_module_that_is_not_here_says_which_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "our_steps.py").write_text("class Step:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import our_steps  # type: ignore[import-not-found]

    (tmp_path / "our_steps.py").write_text("class Step: (")  # so that its source cannot come along
    saved = pack(our_steps.Step())
    assert not content(saved)["by_value"]
    del sys.modules["our_steps"]
    (tmp_path / "our_steps.py").unlink()
    with pytest.raises(ModelVersionError, match="Expected module 'our_steps' to be importable"):
        unpack(saved.manifest, reader(saved))


def test_unpicklable_attribute_is_named() -> None:
    model = LogisticRegression().fit(X, y)
    model.cache_ = {"lock": threading.Lock()}
    with pytest.raises(ModelSaveError, match=r"cache_\['lock'\]. \(a lock\)"):
        pack(model)


def test_pickle_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "MAX_BYTES", 1 << 20)
    model = LogisticRegression().fit(X, y)
    model.data_ = np.zeros(1 << 20)
    with pytest.raises(ModelSaveError, match="larger than"):
        pack(model)


def test_modules_are_seen_behind_large_arrays() -> None:
    forest = RandomForestClassifier(20, random_state=0).fit(
        np.random.default_rng(1).random((3000, 4)), np.arange(3000) % 2
    )
    saved = pickled.save([np.zeros(100_000), forest, LogisticRegression()])
    assert {"sklearn.tree._tree", "sklearn.linear_model._logistic"} <= set(saved.modules)


def test_arrays_in_fortran_order_and_large_strings_survive() -> None:
    model = [np.asfortranarray(np.arange(200_000.0).reshape(400, 500)), "é" * 100_000, bytearray(200_000)]
    saved = pack(model)
    loaded: Any = unpack(saved.manifest, reader(saved))
    assert (loaded[0] == model[0]).all()
    assert loaded[1:] == model[1:]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: b"",
        lambda m: b"[]",
        lambda m: m[:-5],
        lambda m: b"[" * 100_000,
        lambda m: m.replace(b'"format":2', b'"format":"1"'),
        lambda m: m.replace(b'"format":2', b'"format":true'),
        lambda m: m.replace(b"model.pkl", b"../../evil"),
        lambda m: m.replace(b"model.pkl", b"/etc/passwd"),
        lambda m: m.replace(b"model.pkl", b"C:\\\\evil"),
        lambda m: m.replace(b"model.pkl", b"Requirements.txt"),
        lambda m: m.replace(b"model.pkl", b"model.json"),
        lambda m: m.replace(b'"size_bytes":', b'"size_bytes":-'),
        lambda m: m.replace(b'"sha256":"', b'"sha256":"..'),
        lambda m: m.replace(b'"flavor":"sklearn"', b'"flavor":["sklearn"]'),
    ],
)
def test_manifest_of_another_form_is_refused_with_our_own_error(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    saved = pack(LogisticRegression().fit(X, y))
    broken = change(saved.manifest)
    assert broken != saved.manifest
    with pytest.raises(ModelCorruptedError, match="unreadable manifest"):
        unpack(broken, reader(saved), trust=True)
    with pytest.raises(ModelCorruptedError, match="unreadable manifest"):
        materialise(broken, reader(saved), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_format_of_a_newer_autotrack_asks_for_an_upgrade() -> None:
    saved = pack(LogisticRegression().fit(X, y))
    with pytest.raises(ModelVersionError, match="pip install --upgrade autotrack"):
        unpack(resealed(saved, format=3), reader(saved))
    with pytest.raises(ModelVersionError, match="flavor 'caffe'"):
        unpack(resealed(saved, flavor="caffe"), reader(saved))


def test_wrong_arguments_are_told_with_what_was_expected() -> None:
    saved = pack(LogisticRegression().fit(X, y))
    with pytest.raises(ModelSaveError, match=r"no model flavor 'sklern' here. Did you mean 'sklearn'\?"):
        pack(LogisticRegression(), flavor="sklern")
    with pytest.raises(InvalidNameError):
        pack(LogisticRegression(), name="../x")
    with pytest.raises(ConfigError, match="Expected True, None or 'sha256:'"):
        unpack(saved.manifest, reader(saved), trust="yes")
    with pytest.raises(ConfigError, match="cannot be loaded into a module"):
        unpack(saved.manifest, reader(saved), module=object())


def test_room_loads_nothing_but_the_standard_library(run_python: Callable[..., Any]) -> None:
    loaded = run_python("""
        import json, sys
        from autotrack.model import pack, describe
        pack({"a": 1}), describe([[1]])
        heavy = {"numpy", "pandas", "sklearn", "pyarrow", "cloudpickle", "asyncio", "importlib.metadata"}
        print(json.dumps(sorted(heavy & set(sys.modules))))
    """)
    assert loaded == []


def test_loading_reads_each_file_once_and_only_the_named_ones() -> None:
    saved = pack(LogisticRegression().fit(X, y))
    asked: list[str] = []
    unpack(saved.manifest, lambda sha256: (asked.append(sha256), reader(saved)(sha256))[1])
    assert sorted(asked) == sorted(file["sha256"] for file in content(saved)["files"])


def test_each_format_offers_the_three_functions() -> None:
    for flavor in formats.FORMATS:
        module = formats.for_saving(flavor)
        assert all(callable(getattr(module, name)) for name in ("handles", "save", "load"))
    assert package.pack is pack
