"""Loads what save.py saved, where neither it nor the models' code need be: prints how each fared."""

import json
import sys
import warnings
from pathlib import Path

import torch

from autotrack.model import unpack

warnings.simplefilter("error")


def tensors_in(output):
    if isinstance(output, torch.Tensor):
        return [output]
    return [tensor for part in (output.values() if isinstance(output, dict) else output) for tensor in tensors_in(part)]


def check(folder):
    model = unpack((folder / "manifest").read_bytes(), lambda sha256: (folder / sha256).read_bytes())
    inputs, expected, training = torch.load(folder / "expected")
    assert [part.training for part in model.modules()] == training, "training flags"
    torch.manual_seed(1)
    outputs = tensors_in(model(*inputs))
    for one, other in zip(outputs, expected or outputs, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other), (one, other)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert all(parameter.is_leaf for parameter in parameters)
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    sum(tensor.float().sum() for tensor in outputs if tensor.requires_grad).backward()
    assert any(parameter.grad is not None for parameter in parameters)
    optimizer.step()
    model.eval()(*inputs)
    model.train()(*inputs)


found = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    try:
        check(folder)
        found[folder.name] = "ok"
    except Exception as error:
        found[folder.name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
