"""Predicting with a model of whatever library: what loads a package for others calls it so."""

import sys
from typing import Any

__all__ = ["predictions"]


def predictions(model: Any, data: Any) -> Any:
    """What a model says of some data: `predict` where it has one, else what it gives when it is called.

    A torch module is called in eval mode and without gradients, on a tensor in the kind of numbers it computes with.

    Args:
        data: A frame, an array or a list, shape (n_samples, ...).

    Returns:
        An array, of a torch module; else whatever the model gives.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        return _of_module(torch, model, data)
    xgboost = sys.modules.get("xgboost")
    if xgboost is not None and isinstance(model, xgboost.Booster):
        data = xgboost.DMatrix(data)
    return model.predict(data) if hasattr(model, "predict") else model(data)


def _of_module(torch: Any, model: Any, data: Any) -> Any:
    tensor = torch.as_tensor(data.to_numpy() if hasattr(data, "to_numpy") else data)
    first = next(iter(model.parameters()), None)
    if first is not None:
        is_number = tensor.is_floating_point() and first.is_floating_point()
        tensor = tensor.to(first.device, first.dtype if is_number else None)
    model.eval()
    with torch.no_grad():
        answer = model(tensor)
    return answer.detach().cpu().numpy() if isinstance(answer, torch.Tensor) else answer
