"""OneCycleLR, stepped after each batch."""
# expect:
# [[run]]
# epochs = 3
# steps = 15
# params = {optimizer = "AdamW", scheduler = "OneCycleLR", "scheduler.max_lr" = 0.05, "loader.batch_size" = 32}
# models = ["model"]

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def train(model, loader, max_lr, epochs):
    optimizer = optim.AdamW(model.parameters(), lr=max_lr / 10)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=max_lr, steps_per_epoch=len(loader), epochs=epochs)
    for epoch in range(epochs):
        #! epoch: epoch
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            #! lr: optimizer.param_groups[0]["lr"]
            optimizer.step()
            scheduler.step()
            #! train_loss: loss.item()
        print(epoch, loss.item(), scheduler.get_last_lr()[0])


torch.manual_seed(43)
X = torch.randn(150, 5)
model = nn.Sequential(nn.Linear(5, 8), nn.Mish(), nn.Linear(8, 4))
train(model, DataLoader(TensorDataset(X, X[:, :4].argmax(1)), batch_size=32, shuffle=True), max_lr=0.05, epochs=3)
#! model: model(X[:4])
