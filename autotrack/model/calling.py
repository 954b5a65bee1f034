"""Predicting with a model of whatever library: what loads a package for others calls it so."""

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["forward", "is_module", "predictions"]


def predictions(model: Any, data: Any) -> Any:
    """What a model says of some data: `predict` where it has one, else what it gives when it is called.

    Args:
        data: A frame, an array or a list, shape (n_samples, ...).

    Returns:
        An array, of a torch module; else whatever the model gives.
    """
    if is_module(model):
        answer = forward(model)(data)
        return answer.detach().cpu().numpy() if hasattr(answer, "detach") else answer
    xgboost = sys.modules.get("xgboost")
    if xgboost is not None and isinstance(model, xgboost.Booster):
        data = xgboost.DMatrix(data)
    return model.predict(data) if hasattr(model, "predict") else model(data)


def is_module(model: Any) -> bool:
    """Whether it is a torch module; without importing torch."""
    base = getattr(sys.modules.get("torch.nn"), "Module", None)
    return isinstance(base, type) and isinstance(model, base)


def forward(module: Any) -> Callable[[Any], Any]:
    """A torch module as it is used: in eval mode, without gradients.

    Returns:
        A function of what the module takes. A frame, an array or a list becomes a tensor where the module is, in the
        kind of floating-point numbers it computes with.
    """
    import numpy as np

    torch = sys.modules["torch"]
    module.eval()
    own = next((each for each in module.parameters() if each.is_floating_point()), None)

    def call(data: Any) -> Any:
        data = data.to_numpy() if hasattr(data, "to_numpy") else data
        if isinstance(data, (np.ndarray, list)):
            data = torch.as_tensor(data)
            if own is not None:
                data = data.to(own.device, own.dtype if data.is_floating_point() else None)
        with torch.no_grad():
            return module(data)

    return call
