"""scikit-learn models: estimators and pipelines, pickled. Loading one installs no hook.

Saves     the fitted estimator; of a fitted search its `best_estimator_`, because a search drags along scorers,
          splitters and distributions, the parts that other versions can load least
          when registered also as data only (data_only.py), where it has such a form
Loads     the estimator, ready to predict
Never     changes the estimator, fits, predicts
Needs     scikit-learn >= 1.4
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from autotrack.model import pickled
from autotrack.model.formats import Saved

__all__ = ["DATA_ONLY", "handles", "load", "load_data_only", "save", "save_data_only"]

DATA_ONLY = ("model.skops",)


def handles(model: object) -> bool:
    """Whether it is an estimator. False without importing anything while scikit-learn is not loaded."""
    base = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
    return isinstance(base, type) and isinstance(model, base)


def save(model: object) -> Saved:
    """The estimator, or the best one of a fitted search, as a pickle with the modules it names."""
    return pickled.save(_best(model))


def load(files: Callable[[str], bytes]) -> object:
    """The estimator again."""
    return pickled.load(files)


def save_data_only(model: object) -> dict[str, bytes]:
    """The form that is loaded without running code of the package.

    Raises:
        ModelSaveError, MissingLibraryError: It has no such form, or skops is not installed.
    """
    return {DATA_ONLY[0]: _data_only().save(_best(model))}


def load_data_only(files: Callable[[str], bytes]) -> object:
    """The estimator, out of a file that may be anybody's."""
    loaded: object = _data_only().load(files(DATA_ONLY[0]))
    return loaded


def _data_only() -> Any:
    return import_module("autotrack_integrations.sklearn.data_only")  # seldom needed: not with every fit


def _best(model: object) -> object:
    """`best_estimator_` of a fitted search, else the model itself. Looks at attributes only: runs no property."""
    attributes = getattr(model, "__dict__", {})
    if "best_estimator_" not in attributes:
        return model
    search = getattr(sys.modules.get("sklearn.model_selection._search"), "BaseSearchCV", None)
    is_search = isinstance(search, type) and isinstance(model, search)
    return attributes["best_estimator_"] if is_search or "cv_results_" in attributes else model
