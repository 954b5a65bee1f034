"""Regression with SmoothL1; RMSE and MAE of the validation rows."""
# expect:
# [[run]]
# epochs = 3
# steps = 9
# params = {optimizer = "Adamax", criterion = "SmoothL1Loss", "criterion.beta" = 0.5}
# models = ["model", "best"]

import torch
from torch import nn

torch.manual_seed(26)
X = torch.randn(220, 5)
Y = X @ torch.tensor([[1.0], [2.0], [0.0], [-1.0], [0.5]]) + 0.1 * torch.randn(220, 1)
X_train, X_val, Y_train, Y_val = X[:150], X[150:], Y[:150], Y[150:]
model = nn.Sequential(nn.Linear(5, 16), nn.ELU(), nn.Linear(16, 1))
criterion = nn.SmoothL1Loss(beta=0.5)
optimizer = torch.optim.Adamax(model.parameters(), lr=0.02)
for epoch in range(3):
    #! epoch: epoch
    model.train()
    for start in range(0, len(X_train), 50):
        predicted = model(X_train[start : start + 50])
        loss = criterion(predicted, Y_train[start : start + 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    model.eval()
    with torch.no_grad():
        predicted = model(X_val)
        val = criterion(predicted, Y_val)
        errors = predicted - Y_val
    #! val_loss: val.item()
    #! val_rmse: errors.pow(2).mean().sqrt().item()
    #! val_mae: errors.abs().mean().item()
    print(epoch, loss.item(), val.item(), errors.abs().mean().item())
#! model: model(X_val[:4])
