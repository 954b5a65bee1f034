"""Fine-tuning in two phases, each with an optimizer of its own; parameter groups in the second."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", "optimizer.lr" = 0.01}
# models = ["model", "best"]
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "AdamW"}
# metrics = {lr = 0.0005, lr_1 = 0.005}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def run_phase(model, optimizer, loaders, n_epochs, phase):
    criterion = nn.CrossEntropyLoss()
    for epoch in range(n_epochs):
        #! epoch: epoch
        model.train()
        for x, y in loaders[0]:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            #! train_loss[phase]: loss.item()
        val_loss, correct, n = validate(model, loaders[1], criterion)
        #! val_loss[phase]: val_loss
        #! val_accuracy[phase]: correct / n
        print(f"phase {phase} epoch {epoch}: {loss.item()} {val_loss} {correct}/{n}")


def validate(model, loader, criterion):
    model.eval()
    losses, correct, n = [], 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            losses.append(criterion(out, y).item())
            correct += int((out.argmax(-1) == y).sum())
            n += len(y)
    return sum(losses) / len(losses), correct, n


def main():
    torch.manual_seed(2)
    x = torch.randn(180, 6)
    y = (x[:, 0] * x[:, 1] > 0).long()
    loaders = [
        DataLoader(TensorDataset(x[:120], y[:120]), batch_size=30, shuffle=True),
        DataLoader(TensorDataset(x[120:], y[120:]), batch_size=40),
    ]
    backbone = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU())
    model = nn.Sequential(backbone, nn.Linear(16, 2))
    backbone.requires_grad_(False)
    run_phase(model, torch.optim.Adam(model[1].parameters(), lr=0.01), loaders, 2, phase=0)
    #! model[0]: model(x[:5])
    backbone.requires_grad_(True)
    groups = [{"params": backbone.parameters(), "lr": 5e-4}, {"params": model[1].parameters()}]
    run_phase(model, torch.optim.AdamW(groups, lr=5e-3), loaders, 3, phase=1)
    #! model[1]: model(x[:5])


main()
