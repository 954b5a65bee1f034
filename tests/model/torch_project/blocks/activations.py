"""What the block needs."""

import torch

SHIFT = 0.25


def squash(x):
    return torch.tanh(x)
