"""Trains until the loss hardly falls: `while True` and a break, over a loader that is iterated again and again."""
# expect:
# [[run]]
# epochs = 8
# steps = 32
# params = {optimizer = "Adagrad", "optimizer.lr" = 0.1, criterion = "MSELoss", "loader.batch_size" = 50, "loader.shuffle" = false}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def fit(model, loader, tolerance):
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    previous = float("inf")
    n_passes = 0
    while True:
        #! epoch: n_passes
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
            total += float(loss)
        n_passes += 1
        print(n_passes, total)
        if previous - total < tolerance or n_passes == 8:
            break
        previous = total
    return n_passes


torch.manual_seed(5)
x = torch.randn(200, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3
model = nn.Linear(3, 1)
print("passes:", fit(model, DataLoader(TensorDataset(x, y), batch_size=50), tolerance=1e-4))
#! model: model(x[:3])
