"""Batches are slices of a random permutation; the loss of each epoch is summed by hand."""
# expect:
# [[run]]
# epochs = 3
# steps = 24
# params = {optimizer = "SGD", "optimizer.lr" = 0.05, "optimizer.momentum" = 0.9}
# models = ["model"]

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(3)
X = torch.randn(235, 6)
Y = X @ torch.randn(6, 2) + 0.1 * torch.randn(235, 2)

net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
n, bs = len(X), 32
for epoch in range(3):
    #! epoch: epoch
    perm = torch.randperm(n)
    running = 0.0
    for i in range(0, n, bs):
        idx = perm[i : i + bs]
        loss = F.mse_loss(net(X[idx]), Y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        #! train_loss: loss.item()
        running += loss.item() * len(idx)
    print(epoch, running / n)
#! model: net(X[:4])
