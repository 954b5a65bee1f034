"""A learning rate far too high: the loss runs away to infinity and NaN, and the script goes on."""
# expect:
# [[run]]
# epochs = 20
# steps = 60
# params = {optimizer = "SGD", "optimizer.lr" = 50.0}
# metrics = {train_loss = nan}
# models = ["model"]

import torch
from torch import nn

torch.manual_seed(50)
X = torch.randn(90, 4)
Y = X.sum(1, keepdim=True) * 3
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=50.0)
for epoch in range(20):
    #! epoch: epoch
    for rows in range(0, 90, 30):
        loss = criterion(model(X[rows : rows + 30]), Y[rows : rows + 30])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    print("epoch", epoch, "loss", loss.item())
#! model: model(X[:4])
