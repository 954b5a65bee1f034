"""scikit-learn: what data is called, from the variables in the calling code: `test` for y_test, X_te, y_pred_test.

Watches   nothing; metrics.py asks here
Never     keeps what it looks at
"""

import re
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

from autotrack.hooks import names_in_callers
from autotrack.run.provenance import Origin

__all__ = ["LIBRARIES", "data_name", "data_set_of", "is_data"]

LIBRARIES = ("sklearn", "joblib", "scipy")  # whose frames lie between the user's line and us
_MAX_BASES = 4  # views of views that are followed to the array that has a name

_PREDICTED = r"preds?|predict(?:ed|ions?)|probas?|probs?|scores?|hat"
_SIDE = rf"(?:[xy]|labels?|targets?|features?|data|df|inputs?|true|truth|{_PREDICTED})"
_AFFIX = re.compile(rf"^{_SIDE}(?=_|$)|_{_SIDE}$")
_GLUED = re.compile(r"^[xy](?:[a-z0-9]{0,2}_)?(?=(?:train|test|tr|te|val|valid|holdout|dev|eval|oot)\w*$)")
_SHORT = {"tr": "train", "trn": "train", "training": "train", "te": "test", "tst": "test", "testing": "test"} | {
    "va": "val",
    "valid": "val",
    "validation": "val",
}
_DATA_SETS = frozenset({*_SHORT.values(), "holdout", "dev", "eval", "oot", "oof"})
_NOT_DATA = (Real, str, type(None))


def data_set_of(origin: Origin, data: Sequence[Any], prediction: Any) -> str:
    """`train`, or what the variables are called in the calling code, or in the code that calls that one.

    Args:
        data: The arrays or frames that a metric was computed on, the most telling first.
        prediction: What the model made of them.
    """
    inputs = origin.inputs() if origin.inputs is not None else None
    seen = [value for value in (*data[:1], inputs, *data[1:]) if is_data(value)]
    if any(origin.is_training(value) for value in seen):
        return "train"
    bases = [base for value in seen for base in _bases(value)]
    for names in names_in_callers([prediction, *seen, *bases], LIBRARIES):
        of_prediction, *of_data = map(data_name, names)
        if found := next(filter(None, of_data[: len(seen)]), ""):
            return found
        if of_prediction in _DATA_SETS:  # `pred_test`; not `pred_forest`
            return of_prediction
        if found := next(filter(None, of_data[len(seen) :]), ""):
            return f"{found}_part"  # `y_test[:50]`: it must not stand for the whole
    return ""


def is_data(argument: Any) -> bool:
    """Whether an argument of a metric function is data, and no option."""
    return not isinstance(argument, _NOT_DATA)


def _bases(view: Any) -> Iterable[Any]:
    for _ in range(_MAX_BASES):
        view = getattr(view, "base", None)
        if view is None:
            return
        yield view


def data_name(variable: str) -> str:
    """`test` for y_test, X_test, ytest, test_labels, y_te, y_pred_test; empty for names that say nothing (`y`)."""
    word = variable.lower()
    while word != (shorter := _AFFIX.sub("", word).strip("_")):
        word = shorter
    word = _GLUED.sub("", word)
    return _SHORT.get(word, word)
