"""A wrong shape in the second epoch ends the script in mid-training."""
# expect:
# exit = 1
# [[run]]
# status = "failed"
# error = "mat1 and mat2 shapes cannot be multiplied"
# epochs = 2
# steps = 5
# params = {optimizer = "Adam"}
# models = ["model"]

import torch
from torch import nn


def batches(epoch):
    for number in range(4):
        yield torch.randn(25, 3 if (epoch, number) != (1, 1) else 4)


def train():
    torch.manual_seed(51)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(3):
        #! epoch: epoch
        for x in batches(epoch):
            loss = nn.functional.mse_loss(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
            #! part: loss.item()
            #! model: model(torch.eye(3))
        #! train_loss_epoch: observed.mean()
        print("epoch", epoch, loss.item())


train()
