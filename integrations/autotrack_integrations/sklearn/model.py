"""scikit-learn models: estimators and pipelines, pickled. Loading one installs no hook.

Saves     the fitted estimator; of a fitted search its `best_estimator_`, because a search drags along scorers,
          splitters and distributions, the parts that other versions can load least
Loads     the estimator, ready to predict
Never     changes the estimator, fits, predicts
Needs     scikit-learn >= 1.4
"""

import sys
from collections.abc import Callable

from autotrack.model import pickled
from autotrack.model.formats import Saved

__all__ = ["handles", "load", "save"]


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


def _best(model: object) -> object:
    """`best_estimator_` of a fitted search, else the model itself. Looks at attributes only: runs no property."""
    attributes = getattr(model, "__dict__", {})
    if "best_estimator_" not in attributes:
        return model
    search = getattr(sys.modules.get("sklearn.model_selection._search"), "BaseSearchCV", None)
    is_search = isinstance(search, type) and isinstance(model, search)
    return attributes["best_estimator_"] if is_search or "cv_results_" in attributes else model
