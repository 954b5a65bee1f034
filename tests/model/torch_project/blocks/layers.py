"""A block, which needs its neighbour as it is defined and again as it runs."""

from torch import nn

from .activations import squash  # noqa: TID252 (as people write it)


class Block(nn.Module):
    def __init__(self, size, *, scale):
        super().__init__()
        self.lin, self.scale = nn.Linear(size, size), scale

    def forward(self, x):
        from blocks.activations import SHIFT

        return squash(self.lin(x)) * self.scale + SHIFT
