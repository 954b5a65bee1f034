"""scikit-learn: what a fitted model says of its training data, in one pass, for metrics and tables alike.

Watches   nothing; training.py asks here
Never     asks the model for the same thing twice: where `predict` is by definition the greatest of the probabilities
          or decision values, those are asked for alone
Needs     scikit-learn >= 1.4
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autotrack_integrations.sklearn.asking import ask, chain, library_method, on_host

__all__ = ["Predictions", "of_classifier", "of_regressor"]

_MAX_CLASSES = 200  # a confusion matrix beyond it costs more than it says

# Methods `predict` that are by definition the arg max of `predict_proba` (checked on scikit-learn 1.4 to 1.9): one
# pass over the data gives both. Linear classifiers only with probabilities that never tie where scores do not.
_ARGMAX_OF_PROBA = frozenset(
    {
        "BaggingClassifier.predict",
        "BaseDecisionTree.predict",
        "BaseLabelPropagation.predict",
        "CalibratedClassifierCV.predict",
        "ForestClassifier.predict",
        "HistGradientBoostingClassifier.predict",
        "MLPClassifier.predict",
        "_BaseNB.predict",
    }
)
_ARGMAX_BY_PROBA = frozenset({"LogisticRegression.predict_proba", "LinearDiscriminantAnalysis.predict_proba"})
# Those that are the arg max of `decision_function`; of two classes whether it is above 0.
_ARGMAX_OF_SCORES = frozenset({"LinearClassifierMixin.predict", "_RidgeClassifierMixin.predict"})


@dataclass
class Predictions:
    """True and predicted values of the same rows. Arrays of ours, but `true` of a regressor, which may be the user's.

    Attributes:
        true: Of a classifier the position of each class in `classes`, or of several labels a bool matrix; of a
            regressor numbers, shape (n_samples,) or (n_samples, n_outputs).
        predicted: The same, of the same shape.
        classes: Sorted; None of a regressor, and of several labels.
        proba: Probabilities, shape (n_samples, n_classes), if the model has them.
        scores: Else decision values, shape (n_samples,) or (n_samples, n_classes), if they were asked for.
    """

    true: Any
    predicted: Any
    classes: Any = None
    proba: Any = None
    scores: Any = None

    @cached_property
    def confusion(self) -> Any:
        """How many rows of each class (first axis) were taken for each class (second axis)."""
        import numpy as np

        count = len(self.classes)
        cells = np.bincount(self.true * count + self.predicted, minlength=count * count)
        return cells.reshape(count, count)


def of_classifier(estimator: Any, X: Any, y: Any) -> Predictions | None:
    """None for several outputs of more than two classes, and for labels the model does not know (-1: `unlabelled`).

    Raises:
        NotAskedError: It cannot predict these rows.
    """
    classes = on_host(getattr(estimator, "classes_", None))
    true = _positions(classes, y)
    if true is None:
        return _of_labels(estimator, X, y)
    proba, scores, predicted = _predict(estimator, classes, X)
    if predicted is None or predicted.shape != true.shape:
        return None
    return Predictions(true, predicted, classes, proba, scores)


def of_regressor(estimator: Any, X: Any, y: Any) -> Predictions | None:
    """None if the target is not numbers: some regressors take labels as well.

    Raises:
        NotAskedError: It cannot predict these rows.
    """
    import numpy as np

    try:
        true = np.asarray(y, dtype=float)
        predicted = np.asarray(ask(estimator.predict, X), dtype=float)
    except (TypeError, ValueError):
        return None
    if predicted.size != true.size or not 0 < true.ndim < 3:
        return None
    return Predictions(true, predicted.reshape(true.shape))


def _of_labels(estimator: Any, X: Any, y: Any) -> Predictions | None:
    """Several labels a row, as a matrix of zeros and ones."""
    true = _indicators(y)
    if true is None:
        return None
    predicted = _indicators(ask(estimator.predict, X))
    return None if predicted is None or predicted.shape != true.shape else Predictions(true, predicted)


def _indicators(labels: Any) -> Any:
    import numpy as np

    values = None if hasattr(labels, "tocsr") else np.asarray(labels)
    if values is None or values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf":
        return None
    chosen = values == 1
    return chosen if bool((chosen | (values == 0)).all()) else None


def _predict(estimator: Any, classes: Any, X: Any) -> tuple[Any, Any, Any]:
    """Probabilities or decision values, if it has them, and the position in `classes` of each prediction."""
    *_, final = chain(estimator)
    predict = library_method(final, "predict")
    if hasattr(estimator, "predict_proba"):
        proba = _of_each_class(ask(estimator.predict_proba, X), classes)
        by_proba = predict in _ARGMAX_OF_SCORES and library_method(final, "predict_proba") in _ARGMAX_BY_PROBA
        if proba is not None and (by_proba or predict in _ARGMAX_OF_PROBA):
            return proba, None, proba.argmax(axis=1)
        return proba, None, _positions(classes, ask(estimator.predict, X))
    if predict in _ARGMAX_OF_SCORES:
        scores = ask(estimator.decision_function, X)
        if getattr(scores, "ndim", 0) == 1:
            return None, scores, (scores > 0).astype(int)
        if (scores := _of_each_class(scores, classes)) is not None:
            return None, scores, scores.argmax(axis=1)
    return None, None, _positions(classes, ask(estimator.predict, X))


def _of_each_class(values: Any, classes: Any) -> Any:
    import numpy as np

    is_usual = isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind == "f"
    return values if is_usual and values.shape[1] == len(classes) else None


def _positions(classes: Any, labels: Any) -> Any:
    """Where in the sorted classes each label stands; None if one is not there, or there are several outputs."""
    import numpy as np

    if not 0 < len(getattr(classes, "shape", ())) < 2 or not 0 < len(classes) <= _MAX_CLASSES:
        return None
    values = np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim != 1 or not values.size:
        return None
    try:
        found = classes.searchsorted(values)
        np.minimum(found, len(classes) - 1, out=found)
        return found if bool((classes[found] == values).all()) else None
    except (TypeError, ValueError):  # labels of a kind that cannot be compared with the classes
        return None
