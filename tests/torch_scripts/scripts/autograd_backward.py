"""Gradients by torch.autograd.backward instead of the method."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Rprop"}
# models = ["model"]

import torch
from torch import nn

torch.manual_seed(38)
x = torch.rand(120, 2)
t = (x[:, :1] * 3 - x[:, 1:]).tanh()
net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Rprop(net.parameters(), lr=0.005)
huber = nn.HuberLoss(delta=0.5)
for epoch in range(3):
    #! epoch: epoch
    for rows in torch.randperm(120).split(30):
        loss = huber(net(x[rows]), t[rows])
        optimizer.zero_grad()
        torch.autograd.backward([loss])
        optimizer.step()
        #! train_loss: loss.item()
    print(epoch, loss.item())
#! model: net(x[:4])
