"""Forward, loss and backward in one compiled function; only the step lies outside."""
# expect:
# [[run]]
# epochs = 2
# steps = 6
# params = {optimizer = "SGD"}
# models = ["model"]

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(21)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)


@torch.compile(backend="eager")
def compute_loss(x, y):
    return F.cross_entropy(net(x), y)


x = torch.randn(90, 4)
y = x[:, :3].argmax(1)
for epoch in range(2):
    #! epoch: epoch
    for xb, yb in zip(x.chunk(3), y.chunk(3), strict=True):
        optimizer.zero_grad()
        loss = compute_loss(xb, yb)
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    print(epoch, loss.item())
#! model: net(x[:5])
