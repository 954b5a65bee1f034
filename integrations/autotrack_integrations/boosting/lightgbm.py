"""LightGBM models: the booster in LightGBM's own format, the estimator around it pickled. Installs no hook.

Saves     booster-0.txt   the trees of all iterations, feature names, parameters: what any LightGBM reads
          model.pkl       the estimator, and of the booster what its text does not hold, as the best iteration
Loads     the model, ready to predict or to be trained further
Never     changes the model, predicts, takes the training data along
Needs     lightgbm >= 4.0
"""

import sys
from typing import Any

from autotrack.model.pickled import load, save

__all__ = ["apart", "handles", "load", "restore", "save"]


def handles(model: object) -> bool:
    """Whether it is a booster or an estimator of LightGBM. Imports nothing."""
    library = sys.modules.get("lightgbm")
    kinds = (getattr(library, "Booster", None), getattr(library, "LGBMModel", None))
    return any(isinstance(kind, type) and isinstance(model, kind) for kind in kinds)


def apart(value: object, name: str) -> tuple[str, bytes, object] | None:
    """A booster as text, and the rest of what LightGBM itself would pickle."""
    import lightgbm

    if type(value) is not lightgbm.Booster:
        return None
    rest = value.__getstate__()
    text = rest.pop("_handle", None)
    return (f"{name}.txt", text.encode(), rest) if isinstance(text, str) else None


def restore(data: bytes, rest: Any) -> object:
    """The booster again, made as LightGBM's own unpickling makes it."""
    import lightgbm

    booster = lightgbm.Booster.__new__(lightgbm.Booster)
    booster.__setstate__({**rest, "_handle": data.decode()})
    return booster
