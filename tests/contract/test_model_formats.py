"""Each model format keeps the contract that `autotrack.testing` offers to those of others; so does one of others."""

import os

import pytest

from autotrack.testing import ModelFormatContract

DATA = "import numpy as np; X = np.random.default_rng(0).random((60, 4)); y = (X[:, 0] > 0.5).astype(int)"

FORMAT = """
import sys

def handles(model):
    kind = getattr(sys.modules.get("averages"), "Average", None)
    return kind is not None and isinstance(model, kind)

def save(model):
    from autotrack.errors import ModelSaveError
    from autotrack.model.formats import Saved
    if not isinstance(model.mean, float):
        raise ModelSaveError("The mean is no number.\\nExpected a fitted Average.")
    return Saved({"mean.txt": model.mean.hex().encode()}, False, {"averages"}, "averages.Average")

def load(files):
    from averages import Average
    return Average(float.fromhex(files("mean.txt").decode()))
"""
LIBRARY = """
class Average:
    def __init__(self, mean=None):
        self.mean = mean
    def fit(self, values):
        return Average(sum(values) / len(values))
"""


class TestSklearn(ModelFormatContract):
    flavor = "sklearn"
    setup = (
        f"{DATA}; from sklearn.pipeline import make_pipeline; from sklearn.preprocessing import StandardScaler; "
        "from sklearn.ensemble import RandomForestClassifier"
    )
    model = "make_pipeline(StandardScaler(), RandomForestClassifier(5)).fit(X, y)"
    predict = "model.predict_proba(X).tolist()"


class TestPickle(ModelFormatContract):
    flavor = "pickle"
    setup = "import fractions"
    model = "{'weights': [1.5, fractions.Fraction(1, 3)]}"
    predict = "model['weights']"
    spoil = "model['spoiled'] = sys._getframe()"


@pytest.mark.slow
class TestTorch(ModelFormatContract):
    flavor = "torch"
    setup = "import torch; X = torch.linspace(-1, 1, 12).reshape(3, 4)"
    model = "torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))"
    predict = "model(X).tolist()"


@pytest.mark.slow
class TestXGBoost(ModelFormatContract):
    flavor = "xgboost"
    setup = f"{DATA}; from xgboost import XGBClassifier"
    model = "XGBClassifier(n_estimators=5, n_jobs=1, subsample=0.8).fit(X, y)"
    predict = "model.predict_proba(X).tolist()"


@pytest.mark.slow
class TestXGBoostBooster(ModelFormatContract):
    flavor = "xgboost"
    setup = f"{DATA}; import xgboost; data = xgboost.DMatrix(X, y)"
    model = "xgboost.train({'nthread': 1}, data, 5)"
    predict = "model.predict(data).tolist()"


@pytest.mark.slow
class TestLightGBM(ModelFormatContract):
    flavor = "lightgbm"
    setup = f"{DATA}; from lightgbm import LGBMRegressor"
    model = "LGBMRegressor(n_estimators=5, n_jobs=1, min_child_samples=2, verbose=-1).fit(X, y)"
    predict = "model.predict(X).tolist()"


@pytest.mark.slow
class TestLightGBMBooster(ModelFormatContract):
    flavor = "lightgbm"
    setup = f"{DATA}; import lightgbm"
    model = "lightgbm.train({'num_threads': 1, 'min_data_in_leaf': 2, 'verbose': -1}, lightgbm.Dataset(X, y), 5)"
    predict = "model.predict(X).tolist()"


class TestFormatOfOthers(ModelFormatContract):
    flavor = "averages"
    setup = "from averages import Average"
    model = "Average().fit([1.0, 2.5, 4.2])"
    predict = "model.mean"
    spoil = "model.mean = 'none'"

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
        place = tmp_path_factory.mktemp("site")
        distribution = place / "averages-1.0.dist-info"
        distribution.mkdir()
        (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: averages\nVersion: 1.0\n")
        (distribution / "entry_points.txt").write_text("[autotrack.model_formats]\naverages = averages_format\n")
        (place / "averages.py").write_text(LIBRARY)
        (place / "averages_format.py").write_text(FORMAT)
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), *([before] if before else [])]))
