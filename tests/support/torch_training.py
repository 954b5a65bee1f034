"""A usual training with PyTorch, and all that comes of it as values that can be compared."""

import copy
import io
import pickle
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

__all__ = ["EPOCHS", "STEPS_PER_EPOCH", "data", "facts", "pickled", "train"]

STEPS_PER_EPOCH, EPOCHS = 4, 2


def data(seed=1):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(32, 4, generator=generator)
    return X, torch.randint(0, 3, (32,), generator=generator)


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.inner(x))


def train(*, seed=0, model=None, lr=0.1, dataset=None, loss=functional.cross_entropy):
    """A usual training, with evaluation; everything that came of it."""
    torch.manual_seed(seed)
    X, y = data(seed + 1)
    model = Net() if model is None else model
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    loader = DataLoader(TensorDataset(X, y) if dataset is None else dataset, batch_size=8, shuffle=True)
    losses, evaluated = [], []
    for _epoch in range(EPOCHS):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            value = loss(model(inputs), targets)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        model.eval()
        with torch.no_grad():
            evaluated.append(functional.cross_entropy(model(X), y).item())
        scheduler.step()
    return model, optimizer, scheduler, losses, evaluated


class Pickler(pickle.Pickler):
    """Tensors as their values: the bytes that torch writes have their address in them."""

    def persistent_id(self, obj):
        return (type(obj), obj.tolist(), obj.requires_grad) if isinstance(obj, torch.Tensor) else None


def pickled(part):
    file = io.BytesIO()
    Pickler(file).dump(part)
    return file.getvalue()


def facts(result):
    """A training's outcome as bytes and numbers, and where all random generators stand."""
    model, optimizer, scheduler, losses, evaluated = result
    file = io.BytesIO()
    states = [part.state_dict() for part in (model, optimizer, scheduler)]
    torch.save(states, file)
    generators = torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())
    texts = [pickled(part) for part in (model, optimizer.state_dict(), copy.deepcopy(model))]
    return losses, evaluated, file.getvalue(), texts, generators, sorted(vars(model)), sorted(vars(optimizer))
