"""Loads models from a store in a process that has seen nothing of their script; prints what is wrong, as JSON.

    python load.py TRUTH SCRIPT_FOLDER RUN_ID:NUMBER:NAME...

Each model is loaded twice: where its script cannot be imported, and where it can. It answers as the script's own did,
to the last bit, and can be trained further.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from truth import read_truth

import autotrack


def tensors(value):
    """All tensors inside of an output."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return tensors(list(value.values()))
    return [one for part in value for one in tensors(part)] if isinstance(value, list | tuple) else []


def compare(model, said):
    """The model has the weights and gives the outputs that the script's own had at its end."""
    torch.manual_seed(0)
    model.eval()
    assert not any(module.training for module in model.modules()), "eval() does not reach all modules"
    exact = {"rtol": 0, "atol": 0, "equal_nan": True}
    torch.testing.assert_close(dict(model.state_dict()), said["weights"], **exact)
    with torch.no_grad():
        outputs = model(*said["arguments"])
    for given, wanted in zip(tensors(outputs), tensors(said["outputs"]), strict=True):
        torch.testing.assert_close(given, wanted, **exact)


def train(model, said):
    """One more step changes what it learns."""
    learns = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not learns:
        return
    model.train()
    before = [parameter.detach().clone() for parameter in learns]
    optimizer = torch.optim.SGD(learns, lr=0.1)
    sum((output**2).mean() for output in tensors(model(*said["arguments"])) if output.requires_grad).backward()
    optimizer.step()
    assert any(not torch.equal(old, new) for old, new in zip(before, learns, strict=True)), "a step changes nothing"


def main():
    """Load and compare each."""
    truth, folder, *names = sys.argv[1:]
    models = read_truth(Path(truth))["models"]
    wrong = []
    for place in ("without the script", "beside the script"):
        if place == "beside the script":
            sys.path.insert(0, folder)
        for word in names:
            run_id, number, name = word.split(":")
            try:
                with warnings.catch_warnings(action="ignore"):
                    model = autotrack.load_model(f"run:{run_id}/{name}")
                said = models.get((int(number), name))
                assert isinstance(model, torch.nn.Module), type(model)
                if said is not None:
                    compare(model, said)
                    train(model, said)
            except Exception as error:
                wrong.append(f"run {number}: model {name!r} {place}: {type(error).__name__}: {error}")
    print(json.dumps(wrong))


main()
