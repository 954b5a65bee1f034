"""Every estimator of scikit-learn, and models as people build them: saved, and loaded by a process that knows none."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import sklearn_models
from autotrack.errors import ModelSaveError
from autotrack.model import Package, pack
from autotrack_integrations.sklearn import data_only
from sklearn_models import FAMILIES, ROUNDED, differing, every_estimator, fitted, outputs

# Loads each package of a folder in both of its forms, and says what it answers.
_READER = """
    import pickle, sys, warnings
    from pathlib import Path
    from sklearn_models import outputs
    from autotrack.model import unpack
    from autotrack_integrations.sklearn import data_only

    warnings.simplefilter("ignore")
    said = {}
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        given = pickle.loads((folder / "X").read_bytes())
        model = unpack((folder / "manifest").read_bytes(), lambda name: (folder / name).read_bytes())
        said[folder.name, "pickle"] = outputs(model, given)
        if (folder / "model.skops").exists():
            model = data_only.load((folder / "model.skops").read_bytes())
            said[folder.name, "data only"] = outputs(model, given)
    Path(sys.argv[2]).write_bytes(pickle.dumps(said))
"""


def lay_out(saved: Package, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "manifest").write_bytes(saved.manifest)
    for data in saved.files.values():
        (folder / hashlib.sha256(data).hexdigest()).write_bytes(data)


def in_a_fresh_process(script: str, *args: object, cwd: Path) -> str:
    paths = [*sys.path, os.path.dirname(sklearn_models.__file__)]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, args)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def come_back(models: Iterator[tuple[str, Any, Any]], tmp_path: Path) -> set[str]:
    """Save all, load all in one other process, compare. The names of those that have a data-only form."""
    said, names, data_only_names = {}, {}, set()
    for number, (name, model, given) in enumerate(models):
        folder = tmp_path / "models" / f"{number:03}"
        names[folder.name] = name
        said[folder.name] = outputs(model, given)
        lay_out(pack(model, flavor="pickle"), folder)  # the very model: "sklearn" keeps a search's best estimator
        (folder / "X").write_bytes(pickle.dumps(given))
        try:
            (folder / "model.skops").write_bytes(data_only.save(model))
            data_only_names.add(name)
        except ModelSaveError:
            continue
    in_a_fresh_process(_READER, tmp_path / "models", tmp_path / "said", cwd=tmp_path)
    again = pickle.loads((tmp_path / "said").read_bytes())
    forms = {"pickle": len(names), "data only": len(data_only_names)}
    assert {form: sum(key[1] == form for key in again) for form in forms} == forms
    wrong = {
        (names[number], form): methods
        for (number, form), found in again.items()
        if (methods := differing(said[number], found, rounded=names[number] in ROUNDED))
    }
    assert not wrong
    return data_only_names


@pytest.mark.slow
def test_every_estimator_answers_the_same_after_loading(tmp_path: Path) -> None:
    names = []

    def counted() -> Iterator[tuple[str, Any, Any]]:
        for name, model, given in every_estimator():
            names.append(name)
            yield name, model, given

    have = come_back(counted(), tmp_path)
    assert len(names) > 190
    assert sorted(set(names) - have) == ["Birch", "HDBSCAN"]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_models_as_people_build_them_answer_the_same_after_loading(family: str, tmp_path: Path) -> None:
    have = come_back(((name, *fitted(family, name)) for name in FAMILIES[family]), tmp_path)
    assert len(have) >= len(FAMILIES[family]) - 4


def test_there_are_enough_models_as_people_build_them() -> None:
    assert sum(map(len, FAMILIES.values())) > 170


_USER_SCRIPT = """
    import sys
    from pathlib import Path
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from test_all_estimators import lay_out
    from autotrack.model import pack

    class Clipped(TransformerMixin, BaseEstimator):
        def __init__(self, high=1.0):
            self.high = high
        def fit(self, X, y=None):
            self.fitted_ = True
            return self
        def transform(self, X):
            return np.clip(X, 0, self.high)

    class Threshold(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            self.at_ = float(X[:, 0].mean())
            return self
        def predict(self, X):
            return (X[:, 0] > self.at_).astype(int)

    def power(exponent):
        def raised(X):
            return X ** exponent
        return raised

    X = np.random.default_rng(0).random((60, 3))
    y = (X[:, 0] > 0.5).astype(int)
    models = {
        "class": make_pipeline(Clipped(0.8), LogisticRegression()),
        "classifier": Threshold(),
        "lambda": make_pipeline(FunctionTransformer(lambda X: X + 1), LogisticRegression()),
        "closure": make_pipeline(FunctionTransformer(power(3)), LogisticRegression()),
    }
    for name, model in models.items():
        lay_out(pack(model.fit(X, y)), Path(sys.argv[1]) / name)
        np.save(Path(sys.argv[1]) / name / "said.npy", model.predict(X))
"""
_USER_READER = """
    import sys
    from pathlib import Path
    import numpy as np
    from autotrack.model import unpack

    X = np.random.default_rng(0).random((60, 3))
    for folder in Path(sys.argv[1]).iterdir():
        model = unpack((folder / "manifest").read_bytes(), lambda name: (folder / name).read_bytes())
        assert (model.predict(X) == np.load(folder / "said.npy")).all(), folder.name
        print(folder.name)
"""


@pytest.mark.slow
def test_classes_lambdas_and_closures_of_the_script_answer_the_same_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, os.path.dirname(__file__)])
    in_a_fresh_process(_USER_SCRIPT, tmp_path / "models", cwd=tmp_path)
    said = in_a_fresh_process(_USER_READER, tmp_path / "models", cwd=tmp_path)
    assert sorted(said.split()) == ["class", "classifier", "closure", "lambda"]


@pytest.mark.parametrize(
    ("attribute", "held"),
    [
        ("lock_", threading.Lock),
        ("rows_", lambda: (row for row in range(3))),
    ],
)
def test_model_that_holds_what_cannot_be_saved_is_refused_when_saved(attribute: str, held: Any) -> None:
    model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
    setattr(model, attribute, held())
    with pytest.raises(ModelSaveError, match=attribute):
        pack(model)


def test_manifest_of_a_script_s_own_class_says_that_it_holds_code() -> None:
    model = LogisticRegression()
    model.note_ = lambda: 1
    assert json.loads(pack(model).manifest)["by_value"] is True
