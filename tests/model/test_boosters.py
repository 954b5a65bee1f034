"""Models of XGBoost and LightGBM: their boosters lie in the libraries' own formats, and come back bit by bit."""

import hashlib
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack.errors import UntrustedModelError
from autotrack.model import Package, pack, trust, unpack
from recorded import only_run

random = np.random.default_rng(0)
X = pd.DataFrame(random.random((120, 4)), columns=["a", "b", "c", "d"])
X["kind"] = pd.Categorical(random.choice(["low", "mid", "high"], 120))
y = np.where(X["a"] + random.random(120) * 0.4 > 0.7, "yes", "no")
codes = (y == "yes").astype(int)
plain = X.drop(columns="kind")


def xgb(**params: Any) -> Any:
    params = {"n_estimators": 12, "n_jobs": 1, "enable_categorical": True, "subsample": 0.8, **params}
    return xgboost.XGBClassifier(**params)


def lgbm(**params: Any) -> Any:
    params = {"n_estimators": 12, "n_jobs": 1, "min_child_samples": 3, "verbose": -1, **params}
    return lightgbm.LGBMClassifier(**params)


MAKERS = pytest.mark.parametrize(("make", "ending"), [(xgb, "ubj"), (lgbm, "txt")], ids=["xgboost", "lightgbm"])


def loaded(package: Package, **arguments: Any) -> Any:
    by_hash = {hashlib.sha256(data).hexdigest(): data for data in package.files.values()}
    return unpack(package.manifest, by_hash.__getitem__, **arguments)


def boosters(package: Package) -> list[str]:
    return sorted(path for path in package.files if path.startswith("booster-"))


def flavor(package: Package) -> str:
    return str(json.loads(package.manifest)["flavor"])


@MAKERS
def test_estimator_comes_back_whole(make: Callable[..., Any], ending: str) -> None:
    early = {"early_stopping_rounds": 3, "eval_metric": "logloss"} if make is xgb else {"early_stopping_round": 3}
    model = make(n_estimators=60, learning_rate=0.5, **early)
    evaluated = {"eval_set": [(X[60:], codes[60:])]} if make is xgb else {"eval_X": X[60:], "eval_y": codes[60:]}
    model.fit(X[:60], codes[:60], **evaluated, **({"verbose": False} if make is xgb else {}))
    package = pack(model)
    assert flavor(package) == make().__class__.__module__.partition(".")[0]
    assert boosters(package) == [f"booster-0.{ending}"]
    again = loaded(package)
    assert type(again) is type(model)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert repr(again.get_params()) == repr(model.get_params())  # one of them is NaN
    assert list(again.feature_names_in_) == list(model.feature_names_in_)
    assert again.classes_.tolist() == model.classes_.tolist()
    if make is xgb:
        assert again.best_iteration == model.best_iteration < 59
        assert again.evals_result() == model.evals_result()
        assert again.get_booster().save_config() == model.get_booster().save_config()
        assert again.get_booster().feature_types == model.get_booster().feature_types
    else:
        assert again.best_iteration_ == model.best_iteration_ < 60
        assert again.evals_result_ == model.evals_result_
        assert again.booster_.num_trees() == model.booster_.num_trees()
        assert again.booster_.pandas_categorical == model.booster_.pandas_categorical


@MAKERS
def test_boosters_within_other_models_are_kept_apart_too(make: Callable[..., Any], ending: str) -> None:
    for model, count in [
        (make_pipeline(StandardScaler(), make()), 1),
        (CalibratedClassifierCV(make(), cv=3), 3),
        (GridSearchCV(make(), {"learning_rate": [0.1, 0.3]}, cv=2), 1),
    ]:
        model.fit(plain, codes)
        package = pack(model)
        assert flavor(package) == "sklearn"
        assert boosters(package) == [f"booster-{number}.{ending}" for number in range(count)]
        assert np.array_equal(loaded(package).predict_proba(plain), model.predict_proba(plain))


def test_bare_boosters_come_back_and_are_read_by_the_library_alone(tmp_path: Path) -> None:
    matrix = xgboost.DMatrix(plain, codes)
    tree = xgboost.train({"nthread": 1, "objective": "binary:logistic"}, matrix, 5)
    leaf = lightgbm.train({"num_threads": 1, "verbose": -1, "min_data_in_leaf": 3}, lightgbm.Dataset(plain, codes), 5)
    for model, path, data, read in [
        (tree, "booster-0.ubj", matrix, lambda file: xgboost.Booster(model_file=file)),
        (leaf, "booster-0.txt", plain, lambda file: lightgbm.Booster(model_file=file)),
    ]:
        package = pack(model)
        (tmp_path / path).write_bytes(package.files[path])
        alone: Any = read(str(tmp_path / path))
        assert np.array_equal(loaded(package).predict(data), model.predict(data))
        assert np.array_equal(alone.predict(data), model.predict(data))


def test_two_references_to_one_booster_stay_one() -> None:
    model = xgb().fit(plain, codes).get_booster()
    package = pack({"champion": model, "again": model, "other": lgbm().fit(plain, codes).booster_})
    assert boosters(package) == ["booster-0.ubj", "booster-1.txt"]
    models = loaded(package)
    assert models["champion"] is models["again"]


@MAKERS
def test_loaded_model_can_be_trained_further(make: Callable[..., Any], ending: str) -> None:
    model = make(subsample=1.0).fit(plain, codes)  # two trainings by XGBoost itself differ where it draws samples
    again = loaded(pack(model))
    argument = "xgb_model" if make is xgb else "init_model"
    further = [make(subsample=1.0).fit(plain, codes, **{argument: start}) for start in (model, again)]
    assert np.array_equal(further[0].predict_proba(plain), further[1].predict_proba(plain))
    trees = [len(each.get_booster().get_dump()) if make is xgb else each.booster_.num_trees() for each in further]
    assert trees == [24, 24]


def test_booster_that_another_version_wrote_is_loaded_without_its_settings() -> None:
    from autotrack_integrations.boosting import xgboost as part

    booster = xgb().fit(plain, codes).get_booster()
    booster.note = "ours"
    made = part.apart(booster, "booster-0")
    assert made is not None
    _, data, (version, _, others) = made  # type: ignore[misc]
    again: Any = part.restore(data, ("1.0.0", "{}", others))
    assert version == xgboost.__version__
    assert again.note == "ours"
    assert np.array_equal(again.predict(xgboost.DMatrix(plain)), booster.predict(xgboost.DMatrix(plain)))


@pytest.mark.parametrize("model", [xgb(), lgbm()], ids=["xgboost", "lightgbm"])
def test_estimator_that_was_never_fitted_is_saved_without_a_booster(model: Any) -> None:
    package = pack(model)
    assert boosters(package) == []
    assert repr(loaded(package).get_params()) == repr(model.get_params())


def test_pickle_alone_says_where_its_parts_are() -> None:
    package = pack(xgb().fit(plain, codes))
    with pytest.raises(RuntimeError, match=r"(?s)part of this model lies in 'booster-0.ubj'.*Load it with autotrack"):
        pickle.loads(package.files["model.pkl"])


def test_package_of_a_stranger_is_not_loaded_though_its_trees_hold_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    package = pack(xgb().fit(plain, codes).get_booster())
    monkeypatch.setattr(trust, "provenance", lambda body, seal: "foreign")
    with pytest.raises(UntrustedModelError):
        loaded(package)
    assert loaded(package, trust=True) is not None


@MAKERS
def test_fit_is_recorded_with_a_model_that_loads_by_its_run(
    make: Callable[..., Any], ending: str, store_path: Path
) -> None:
    autotrack.enable(store=store_path)
    model = make().fit(plain, codes)
    again = autotrack.load_model(f"run:{only_run().id}")
    assert np.array_equal(again.predict_proba(plain), model.predict_proba(plain))


@pytest.mark.slow
def test_models_of_other_libraries_load_neither_of_them(run_python: Callable[..., Any]) -> None:
    found = run_python("""
        import json, sys
        from sklearn.linear_model import LogisticRegression
        from autotrack.model import pack
        pack(LogisticRegression()), pack({"a": 1})
        print(json.dumps([name for name in ("xgboost", "lightgbm", "catboost") if name in sys.modules]))
    """)
    assert found == []
    assert "xgboost" in sys.modules
