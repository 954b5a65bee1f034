"""Trained on MSE, validated on L1, over batches of unequal size."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "SGD", "optimizer.nesterov" = true, "loader.batch_size" = 40}
# models = ["model", "best"]

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Linear(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x @ self.weight + self.bias


def validate(model, loader):
    l1 = nn.L1Loss()
    model.eval()
    total, absolute, squared, n = 0.0, 0.0, 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            total += l1(out, y).item()
            absolute += (out - y).abs().sum().item()
            squared += (out - y).pow(2).sum().item()
            n += len(y)
    #! val_loss: total / len(loader)
    #! val_mae: absolute / n
    #! val_rmse: (squared / n) ** 0.5
    return total / len(loader)


torch.manual_seed(27)
x = torch.randn(250, 3)
y = 2 * x[:, 0] - x[:, 2] + 1
train_loader = DataLoader(TensorDataset(x[:160], y[:160]), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(x[160:], y[160:]), batch_size=40)
model = Linear(3)
mse = nn.MSELoss()
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
for epoch in range(3):
    #! epoch: epoch
    model.train()
    for xb, yb in train_loader:
        loss = mse(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        #! train_loss: loss.item()
    print(f"{epoch}: mse {loss.item()} l1 {validate(model, val_loader)}")
#! model: model(x[:5])
