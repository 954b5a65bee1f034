"""Validation in each epoch; when all is done the test loader, in another function."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adadelta"}
# history = {test_loss = 1, test_accuracy = 1, val_loss = 3}
# models = ["model", "best"]

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_loader(n, shuffle=False):
    x = torch.randn(n, 2)
    return DataLoader(TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long()), batch_size=25, shuffle=shuffle)


def validate(net, loader):
    net.eval()
    with torch.no_grad():
        parts = [(F.cross_entropy(net(x), y).item(), (net(x).argmax(1) == y).sum().item()) for x, y in loader]
    return sum(loss for loss, _ in parts) / len(parts), sum(hits for _, hits in parts) / len(loader.dataset)


def test(net, loader):
    net.eval()
    loss, hits = 0.0, 0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
    return loss / len(loader.dataset), hits / len(loader.dataset)


torch.manual_seed(36)
net = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))
train_loader, val_loader, test_loader = make_loader(100, shuffle=True), make_loader(50), make_loader(70)
optimizer = torch.optim.Adadelta(net.parameters())
for epoch in range(1, 4):
    #! epoch: epoch - 1
    net.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    val_loss, val_accuracy = validate(net, val_loader)
    #! val_loss: val_loss
    #! val_accuracy: val_accuracy
    print("epoch", epoch, "loss", val_loss, "accuracy", val_accuracy)
test_loss, test_accuracy = test(net, test_loader)
#! test_loss: test_loss
#! test_accuracy: test_accuracy
print("test", test_loss, test_accuracy)
#! model: net(torch.eye(2))
