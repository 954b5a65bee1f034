"""A list of losses, one for each head, summed before the backward pass."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", model = "Heads", "model.n_heads" = 3}
# models = ["model"]

import torch
from torch import nn


class Heads(nn.Module):
    def __init__(self, n_features, n_heads):
        super().__init__()
        self.shared = nn.Linear(n_features, 10)
        self.heads = nn.ModuleList([nn.Linear(10, 1) for _ in range(n_heads)])

    def forward(self, x):
        h = torch.relu(self.shared(x))
        return [head(h) for head in self.heads]


torch.manual_seed(39)
X = torch.randn(160, 5)
targets = [X[:, i : i + 1] ** (i + 1) for i in range(3)]
model = Heads(5, n_heads=3)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(2):
    #! epoch: epoch
    for start in range(0, 160, 40):
        rows = slice(start, start + 40)
        losses = []
        for output, target in zip(model(X[rows]), targets, strict=True):
            losses.append(nn.functional.mse_loss(output, target[rows]))
        total_loss = sum(losses)
        optimizer.zero_grad()
        total_loss.backward()
        optimizer.step()
        #! train_loss: total_loss.item()
    print(epoch, [loss.item() for loss in losses], total_loss.item())
#! model: model(X[:3])
