"""scikit-learn: what a search found.

Watches   nothing; sklearn_fit.py calls it after a fit
Records   params    best_params_, as `best.<name>`
          metrics   best_score, and the mean and standard deviation over the folds, step = candidate number
Never     opens a run
Needs     scikit-learn >= 1.4
"""

from collections.abc import Mapping
from typing import Any

from autotrack import run

__all__ = ["record_search"]


def record_search(target: run.Run, search: Any) -> None:
    """What a search found: the best params, and mean and spread of the scores of each candidate."""
    if not isinstance(getattr(search, "cv_results_", None), Mapping):  # RidgeCV's is an array
        return
    best: Mapping[str, Any] = getattr(search, "best_params_", {})
    target.derive_params({f"best.{name}": value for name, value in best.items()})
    if hasattr(search, "best_score_"):
        target.derive_metrics({"best_score": search.best_score_})
    for name, values in search.cv_results_.items():
        if name.startswith(("mean_", "std_")):
            for step, value in enumerate(values):
                target.derive_metrics({name: value}, step=step)
