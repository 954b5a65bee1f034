"""Writes down the truth about a script's training, with no help of autotrack. Python imports this file at start.

`TRUTH` in the environment is the file to write when the script ends: the states of the random generators and, if the
script's marker lines have become calls of `observed` (truth.py does that, for the plain run only), what these saw.
"""

import atexit
import builtins
import os
import random
import sys


class Observed:
    """What the marker lines of a script have shown, by the number of the run and the name."""

    def __init__(self):
        self.values = {}  # (run, name): [(value, epoch, optimizer steps done)]
        self.models = {}  # (run, name): weights, inputs and outputs in evaluation, of the last time
        self.epoch = None
        self.parts = []

    def value(self, name, value, run=0):
        """The value of a metric."""
        if name == "epoch":
            self.epoch = value
        elif name == "part":
            self.parts.append(value)
        else:
            done = len(self.values.get((run, "train_loss"), ()))
            self.values.setdefault((run, name), []).append((float(value), self.epoch, done))

    def mean(self):
        """The mean of the parts since the last time."""
        parts, self.parts = self.parts, []
        return sum(parts) / len(parts)

    def model(self, name, model, arguments, run=0):
        """A model as it is now: it is asked in evaluation, and neither it nor the random generator notices."""
        import torch

        state = torch.get_rng_state()
        modes = [(module, module.training) for module in model.modules()]
        model.eval()
        with torch.no_grad():
            outputs = model(*arguments)
        for module, training in modes:
            module.training = training
        torch.set_rng_state(state)
        weights = {key: tensor.clone() for key, tensor in model.state_dict().items()}
        self.models[run, name] = {"weights": weights, "arguments": arguments, "outputs": outputs}


def write(path):
    """Write all of it; a script that does not get as far as torch has no truth to tell."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    states = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    torch.save({"values": observed.values, "models": observed.models, "states": states}, path)


observed = builtins.observed = Observed()
if "TRUTH" in os.environ:
    atexit.register(write, os.environ["TRUTH"])
    random.seed(0)  # else it would start differently each time
