"""torch models as `torch.export` programs: for runtimes that take those. Written on request, never loaded by us.

Saves     model.pt2: the graph of the forward pass, of any number of rows, with the weights
Loads     nothing: reading such a file runs code that its writer chose (sympy evaluates expressions out of it)
Never     changes the module, or leaves it in another mode
Needs     torch >= 2.6
"""

import io
import json
from typing import Any

from autotrack.errors import DataError, ModelSaveError

__all__ = ["export"]


def export(module: Any, example: bytes | None) -> bytes:
    """The forward pass of a module in eval mode, as the bytes of a `.pt2` file.

    Args:
        example: The model's input example, as JSON: it is traced with that.

    Raises:
        DataError: There is no input example, or none of this kind.
        ModelSaveError: The module cannot be exported.
    """
    import torch

    inputs = _tensors(example)
    if not isinstance(module, torch.nn.Module):
        raise ModelSaveError(f"A {type(module).__name__} is no torch module.\nExpected one. Export it as a folder.")
    was_training = module.training
    module.eval()
    try:
        first = next(iter(module.parameters()), None)
        if first is not None:
            inputs = inputs.to(first.device, first.dtype if inputs.is_floating_point() else None)
        shapes = ({0: torch.export.Dim.AUTO},)  # any number of rows
        program = torch.export.export(module, (inputs,), dynamic_shapes=shapes)
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError) as error:
        said = str(error).partition("\n")[0][:300]
        raise ModelSaveError(
            f"torch.export does not take this {type(module).__name__}: {type(error).__name__}: {said}.\n"
            "Expected a forward without control flow that depends on the data. Export it as a folder.",
            error=error,
        ) from error
    finally:
        module.train(was_training)
    return buffer.getvalue()


def _tensors(example: bytes | None) -> Any:
    import torch

    content = {} if example is None else json.loads(example)
    rows = content.get("inputs")
    if not isinstance(rows, list):
        raise DataError(
            "torch.export traces the model with an input, and this one was registered without one.\n"
            "Expected an array: autotrack.register_model(run, name, input_example=X[:2])."
        )
    tensor = torch.tensor(rows)
    return tensor if len(tensor) != 1 else torch.cat([tensor, tensor])  # one row would be taken for a constant
