"""The untrained model is evaluated once before the first step, then after each epoch."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", scheduler = "MultiStepLR"}
# history = {val_loss = 3}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def evaluate(model, loader, criterion):
    model.eval()
    loss, correct, n = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            logits = model(x)
            loss += criterion(logits, y).item()
            correct += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    #! val_loss: loss / len(loader)
    #! val_accuracy: correct / n
    return loss / len(loader), correct / n


def main():
    torch.manual_seed(33)
    x = torch.randn(200, 5)
    y = x[:, :4].argmax(dim=1)
    train_loader = DataLoader(TensorDataset(x[:120], y[:120]), batch_size=30, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[120:], y[120:]), batch_size=40)
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 4))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1], gamma=0.1)
    print("before:", *evaluate(model, valid_loader, criterion))
    for epoch in range(2):
        #! epoch: epoch
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        scheduler.step()
        print("after", epoch, *evaluate(model, valid_loader, criterion))
    #! model: model(x[:3])


main()
