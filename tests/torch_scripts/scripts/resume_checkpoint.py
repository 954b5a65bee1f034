"""Two epochs, a checkpoint, and two more with everything made anew and loaded from it: one training."""
# expect:
# [[run]]
# epochs = 4
# steps = 16
# params = {optimizer = "Adam", scheduler = "ExponentialLR", "scheduler.gamma" = 0.9}
# models = ["model"]

import os

import torch
from torch import nn, optim

PATH = "last.pt"
torch.manual_seed(14)
X = torch.randn(128, 4)
y = X.pow(2).sum(dim=1, keepdim=True)


def fit(n_epochs):
    model = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    start_epoch = 0
    if os.path.exists(PATH):
        checkpoint = torch.load(PATH)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        start_epoch = checkpoint["epoch"] + 1
        print("resumed at epoch", start_epoch)
    for epoch in range(start_epoch, n_epochs):
        #! epoch: epoch
        for xb, yb in zip(X.split(32), y.split(32), strict=True):
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        scheduler.step()
        print(epoch, loss.item(), scheduler.get_last_lr())
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save({**state, "scheduler": scheduler.state_dict()}, PATH)
    #! model: model(X[:4])


fit(2)
fit(4)
