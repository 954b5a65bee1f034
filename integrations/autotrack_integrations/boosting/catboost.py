"""CatBoost models in CatBoost's own format, with the arguments they were made with. Installs no hook.

Saves     booster-0.cbm   the trees, feature names, parameters: what any CatBoost reads
          model.pkl       the class, its arguments, and what was measured while it trained
Loads     the model, ready to predict or to be trained further
Never     changes the model, predicts, writes into the working directory
Needs     catboost >= 1.2
"""

import sys
from typing import Any

from autotrack.model.pickled import load, save

__all__ = ["apart", "handles", "load", "restore", "save"]

_MODEL = "__model"  # where CatBoost's own state for pickling has the bytes of a .cbm file; 1.2 to 1.2.10


def handles(model: object) -> bool:
    """Whether it is a model of CatBoost. Imports nothing."""
    kind = getattr(sys.modules.get("catboost"), "CatBoost", None)
    return isinstance(kind, type) and isinstance(model, kind)


def apart(value: object, name: str) -> tuple[str, bytes, object] | None:
    """The bytes of a .cbm file, and the class with the rest of what CatBoost itself would pickle."""
    if not handles(value):
        return None
    rest: dict[str, Any] = value.__getstate__()  # type: ignore[assignment]
    data = rest.pop(_MODEL, None)
    return (f"{name}.cbm", data, (type(value), rest)) if isinstance(data, bytes) else None


def restore(data: bytes, rest: Any) -> object:
    """The model again, made as CatBoost's own unpickling makes it."""
    kind, state = rest
    model = kind.__new__(kind)
    model.__setstate__({**state, _MODEL: data})
    return model
