"""XGBoost models: the booster in XGBoost's own format, the estimator around it pickled. Installs no hook.

Saves     booster-0.ubj   the trees, feature names, attributes such as the best iteration: what any XGBoost reads
          model.pkl       the estimator, and the booster's settings, which are for the same version of XGBoost
Loads     the model, ready to predict or to be trained further
Never     changes the model, predicts
Needs     xgboost >= 2.0
"""

import sys
from typing import Any

from autotrack.model.pickled import load, save

__all__ = ["apart", "handles", "load", "restore", "save"]


def handles(model: object) -> bool:
    """Whether it is a booster or an estimator of XGBoost. Imports nothing."""
    library = sys.modules.get("xgboost")
    kinds = (getattr(library, "Booster", None), getattr(library, "XGBModel", None))
    return any(isinstance(kind, type) and isinstance(model, kind) for kind in kinds)


def apart(value: object, name: str) -> tuple[str, bytes, object] | None:
    """A booster as UBJSON; beside it its settings, the version they are of, and attributes set on the object."""
    import xgboost

    if type(value) is not xgboost.Booster or value.handle is None:
        return None
    others = {key: other for key, other in vars(value).items() if key != "handle"}
    data = bytes(value.save_raw("ubj"))
    return f"{name}.ubj", data, (xgboost.__version__, value.save_config(), others)


def restore(data: bytes, rest: Any) -> object:
    """The booster again. Settings of another version of XGBoost are left out: they are no part of what it predicts."""
    import xgboost

    version, config, others = rest
    booster = xgboost.Booster()
    booster.load_model(bytearray(data))
    if version == xgboost.__version__:
        booster.load_config(config)
    vars(booster).update(others)
    return booster
