"""Writes docs/models-sklearn.md: which of scikit-learn's estimators can be saved, and in which forms.

PYTHONPATH=tests/support python tests/support/data_only_table.py > docs/models-sklearn.md
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from autotrack.errors import ModelSaveError
from autotrack.model import pickled
from autotrack_integrations.sklearn import data_only
from sklearn_models import FAMILIES, differing, every_estimator, fitted, outputs

__all__ = ["page", "versions"]

_HEAD = """\
# scikit-learn models: how they are saved

Each fitted estimator is saved as a **pickle** (protocol 5; cloudpickle where the script's own classes and functions
need it). It is fast, exact, and takes everything; but loading a pickle runs whatever code its maker put there. So
autotrack loads your own with no question, and those of others only if you say that you trust them.

A **data-only form** is written too when a model is registered, if scikit-learn, skops and autotrack can make one from
which the model comes back the same in every part. Anybody may load it: types are constructed from a fixed list, and
what compiled code will use as an index is checked before the model is handed out. It needs
`pip install 'autotrack-ml[sklearn]'`, and takes longer than a pickle: a random forest of 100 trees about 30 times
(0.3 s).

What has none, and why:
"""
_LIMITS = """
- functions and classes of your own, lambdas, `functools.partial`: they are code
- `FunctionTransformer` with a function other than NumPy's and SciPy's ufuncs and plain reductions (`numpy.mean`)
- `HistGradientBoosting*` with `categorical_features`: its encoder holds a `functools.partial`
- `GradientBoosting*` with an `init` estimator of its own: the number of its columns cannot be checked
- `KNeighbors*` with `metric="mahalanobis"` and a ball tree, or with a function as metric
- `Pipeline` with `memory`: a cache on disk holds pickles
- text vectorizers with a `token_pattern` that could stall on some texts: groups within groups, alternatives
- searches over SciPy's distributions (`scipy.stats.randint`): save `best_estimator_`, as autotrack does by itself
- XGBoost, LightGBM and CatBoost models: their own parsers read the bytes
- arrays of Python objects that are no plain values, and models of more than 1 GiB or 100,000 words
"""


def page() -> str:
    """The page, as it should be."""
    lines = [_HEAD.rstrip(), _LIMITS.rstrip(), "", f"Made and tested with {_said(versions())}. `yes`: comes back with"]
    lines += [
        "equal predictions, bit by bit, in another process (to rounding where a model's own sums depend on where its"
    ]
    lines += ["arrays lie in memory: label propagation, kernel ridge, PCA by arpack).", "", "## Every estimator", ""]
    lines += _table("estimator", every_estimator())
    lines += ["", "## Models as people build them", ""]
    for family, models in FAMILIES.items():
        lines += [f"### {family.capitalize()}", ""]
        lines += [*_table("model", ((name, *fitted(family, name)) for name in models)), ""]
    return "\n".join(lines).rstrip() + "\n"


def versions() -> dict[str, str]:
    """What the page depends on."""
    return {name: version(name) for name in ("scikit-learn", "skops", "numpy", "scipy")}


def _said(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _table(heading: str, models: Iterable[tuple[str, Any, Any]]) -> Iterator[str]:
    """First what has no data-only form and why, then the names of what has both."""
    forms: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, model, given in models:
        forms[_pickle_form(model), _data_only_form(model, given)].append(name)
    yield f"| {heading} | pickle | data-only form |"
    yield "|---|---|---|"
    for (by_pickle, as_data), names in sorted(forms.items(), key=lambda item: (item[0][1] == "yes", item[1])):
        yield f"| {'; '.join(names)} | {by_pickle} | {as_data} |"


def _pickle_form(model: object) -> str:
    try:
        return "yes, with code" if pickled.save(model).by_value else "yes"
    except ModelSaveError as error:
        return f"no: {error.message.partition(chr(10))[0]}"


def _data_only_form(model: object, given: Any) -> str:
    try:
        loaded = data_only.load(data_only.save(model))
    except ModelSaveError as error:
        return f"no: {vars(error)['reason']}"
    return (
        "no: it answers otherwise" if differing(outputs(model, given), outputs(loaded, given), rounded=True) else "yes"
    )


if __name__ == "__main__":
    print(page(), end="")
