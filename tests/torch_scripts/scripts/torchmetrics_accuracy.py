"""Accuracy and AUROC by torchmetrics objects, updated batch by batch."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam"}
# models = ["model", "best"]

import torch
import torchmetrics
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(60)
x = torch.randn(200, 4)
y = (x[:, 0] + 0.3 * torch.randn(200) > 0).long()
train_dl = DataLoader(TensorDataset(x[:120], y[:120]), batch_size=30)
val_dl = DataLoader(TensorDataset(x[120:], y[120:]), batch_size=40)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=2)
auroc = torchmetrics.AUROC(task="multiclass", num_classes=2)
for epoch in range(2):
    #! epoch: epoch
    model.train()
    for xb, yb in train_dl:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    model.eval()
    losses = []
    with torch.no_grad():
        for xb, yb in val_dl:
            logits = model(xb)
            losses.append(nn.functional.cross_entropy(logits, yb).item())
            accuracy.update(logits, yb)
            auroc.update(logits, yb)
    acc, area = accuracy.compute(), auroc.compute()
    #! val_loss: sum(losses) / 2
    #! val_accuracy: acc.item()
    #! auroc: area.item()
    print(epoch, sum(losses) / 2, acc.item(), area.item())
    accuracy.reset()
    auroc.reset()
#! model: model(x[:4])
