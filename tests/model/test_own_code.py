"""Code of the user in a model: of the script, of a function, of modules beside it. It is there where they are not."""

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.errors import ModelSaveError
from autotrack.model import own_source, pickled

SCALES = """
    import numpy as np
    from enum import Enum

    class Kind(Enum):
        LOG = "log"
        NONE = "none"

    def scaled(X, by=2.0):
        return np.asarray(X) * by

    class Scale:
        def __init__(self, by):
            self.by = by
        def __call__(self, X):
            return scaled(X, self.by)
"""
STEPS = """
    from sklearn.base import BaseEstimator, TransformerMixin
    from .inner.scales import Kind, scaled

    class Shift(TransformerMixin, BaseEstimator):
        def __init__(self, by=1.0, kind=Kind.NONE):
            self.by = by
            self.kind = kind
        def fit(self, X, y=None):
            self.mean_ = X.mean(axis=0)
            return self
        def transform(self, X):
            return scaled(X) - self.mean_ + self.by

    class Remembering(Shift):
        def __getstate__(self):
            return {**super().__getstate__(), "saved": True}
"""
SCRIPT = """
    import collections, dataclasses, functools, hashlib, json, sys
    from pathlib import Path
    import numpy as np
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    import project.inner.scales as scales
    from project.steps import Remembering, Shift
    from autotrack.model import pack

    FACTOR = 3.0
    Pair = collections.namedtuple("Pair", "low high")

    @dataclasses.dataclass
    class Bounds:
        low: float = 0.2

    class Here(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            self.pair_, self.bounds_ = Pair(0.1, 0.9), Bounds()
            return self
        def transform(self, X):
            return np.clip(X, self.pair_.low + self.bounds_.low, self.pair_.high) * FACTOR

    class Below(Shift):
        def transform(self, X):
            return super().transform(X) / FACTOR

    def times(X, by):
        return X * by * FACTOR

    def made_by(factor):
        def inner(X):
            return times(X, factor)
        class Local(Here):
            def transform(self, X):
                return inner(super().transform(X))
        return inner, Local

    inner, Local = made_by(1.5)
    function = FunctionTransformer
    step = {
        "class of the script": lambda: Here(),
        "subclass of a module's class": lambda: Below(2.0),
        "lambda": lambda: function(lambda X: np.log1p(X) * FACTOR),
        "lambda that uses a module": lambda: function(lambda X: scales.scaled(X, FACTOR)),
        "closure": lambda: function(inner),
        "class in a function": lambda: Local(),
        "partial of the script": lambda: function(functools.partial(times, by=0.5)),
        "partial of a lambda": lambda: function(functools.partial(lambda X, by: X * by, by=0.5)),
        "partial of a module": lambda: function(functools.partial(scales.scaled, by=0.5)),
        "class of a module": lambda: Shift(0.5, scales.Kind.LOG),
        "class of a module with its own pickling": lambda: Remembering(0.5),
        "function of a module": lambda: function(scales.scaled),
        "callable object of a module": lambda: function(scales.Scale(3.0)),
    }[sys.argv[1]]()

    X = np.random.default_rng(0).random((80, 4)); y = (X[:, 0] > .5).astype(int)
    model = make_pipeline(step, LogisticRegression()).fit(X, y)
    package = pack(model)
    Path(sys.argv[2], "manifest").write_bytes(package.manifest)
    for data in package.files.values():
        Path(sys.argv[2], hashlib.sha256(data).hexdigest()).write_bytes(data)
    print(json.dumps([model.predict_proba(X[:5]).tolist(), sorted(package.files)]))
"""
LOAD = """
    import hashlib, json, sys
    from pathlib import Path
    import numpy as np
    from autotrack.model import pack, unpack
    X = np.random.default_rng(0).random((80, 4))[:5]
    model = unpack(Path("manifest").read_bytes(), lambda sha256: Path(sha256).read_bytes())
    again = pack(model)
    files = {hashlib.sha256(data).hexdigest(): data for data in again.files.values()}
    twice = unpack(again.manifest, files.__getitem__)
    print(json.dumps([model.predict_proba(X).tolist(), twice.predict_proba(X).tolist(), sorted(again.files)]))
"""
KINDS = [
    *("class of the script", "subclass of a module's class", "lambda", "lambda that uses a module", "closure"),
    *("class in a function", "partial of the script", "partial of a lambda", "partial of a module"),
    *("class of a module", "class of a module with its own pickling", "function of a module"),
    "callable object of a module",
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_model_loads_and_is_saved_again_where_neither_script_nor_project_is(
    kind: str, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    home = tmp_path / "home"
    (home / "project" / "inner").mkdir(parents=True)
    for path, text in [
        ("project/__init__.py", ""),
        ("project/steps.py", STEPS),
        ("project/inner/__init__.py", ""),
        ("project/inner/scales.py", SCALES),
        ("train.py", SCRIPT),
    ]:
        (home / path).write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, "train.py", kind, str(tmp_path)],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    predicted, files = json.loads(done.stdout)
    shutil.rmtree(home)
    once, twice, files_again = run_python(LOAD)
    assert once == twice == predicted
    assert files == files_again
    uses_project = "module" in kind
    assert ("code/project/inner/scales.py" in files) == uses_project


def test_model_of_a_module_that_is_edited_meanwhile_is_saved_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "edited_steps.py").write_text("class Step:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import edited_steps  # type: ignore[import-not-found]

    (tmp_path / "edited_steps.py").write_text("class Step:\n    def transform(self,")
    saved = pickled.save(edited_steps.Step())
    assert sorted(saved.files) == ["model.pkl"]
    assert type(pickled.load(saved.files.__getitem__)) is edited_steps.Step


def test_two_models_with_modules_of_one_name_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "same_steps.py").write_text(f"class Step:\n    number = {number}\n")
        with monkeypatch.context() as here:
            here.syspath_prepend(folder)
            import same_steps  # type: ignore[import-not-found]

            saved.append(pickled.save(same_steps.Step()))
            del sys.modules["same_steps"], same_steps
    models: list[Any] = [pickled.load(each.files.__getitem__) for each in reversed(saved)]
    assert [model.number for model in models] == [2, 1]
    assert "same_steps" not in sys.modules


def test_libraries_are_not_taken_along() -> None:
    from sklearn.linear_model import LogisticRegression

    assert sorted(pickled.save(LogisticRegression()).files) == ["model.pkl"]
    assert not own_source.is_own(sys.modules["sklearn"])


def test_what_cannot_be_taken_along_is_refused_when_it_is_saved() -> None:
    steps = (each for each in range(3))
    with pytest.raises(ModelSaveError, match="generator"):
        pickled.save({"step": lambda X: next(steps)})
