"""ReduceLROnPlateau, stepped with the validation loss."""
# expect:
# [[run]]
# epochs = 6
# steps = 18
# params = {optimizer = "SGD", "optimizer.lr" = 0.3, scheduler = "ReduceLROnPlateau", "scheduler.factor" = 0.1, "scheduler.patience" = 0}
# models = ["model", "best"]

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

torch.manual_seed(41)
x, noise = torch.randn(150, 6), torch.randn(150, 1)
y = x[:, :1] + noise
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.1, patience=0)
for epoch in range(6):
    #! epoch: epoch
    model.train()
    lr = optimizer.param_groups[0]["lr"]
    for rows in torch.arange(90).split(30):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        #! lr: lr
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(x[90:]), y[90:])
    #! val_loss: val_loss.item()
    scheduler.step(val_loss)
    print(epoch, loss.item(), val_loss.item(), lr)
#! model: model(x[:4])
