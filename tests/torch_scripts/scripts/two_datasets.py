"""Continual learning: one model and one optimizer, first on one data set and then on another, which shifts."""
# expect:
# [[run]]
# steps = 20
# params = {optimizer = "SGD", "optimizer.lr" = 0.1}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(59)
tasks = []
for shift in (0.0, 3.0):
    x = torch.randn(125, 4) + shift
    tasks.append(DataLoader(TensorDataset(x, (x.mean(1) > shift).long()), batch_size=25, shuffle=True))
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
for task, loader in enumerate(tasks):
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        print("task", task, "epoch", epoch, "loss", loss.item())
#! model: net(torch.ones(2, 4))
