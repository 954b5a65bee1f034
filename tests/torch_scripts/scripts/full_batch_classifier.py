"""Full-batch training of a classifier in main(), with a validation split of tensors and no loader."""
# expect:
# [[run]]
# epochs = 20
# steps = 20
# params = {optimizer = "Adam", "optimizer.lr" = 0.05, "optimizer.weight_decay" = 0.0001, criterion = "BCEWithLogitsLoss", model = "Circle", "model.hidden" = 8}
# metrics = {train_loss_epoch = false}
# models = ["model", "best"]

import torch
from torch import nn


class Circle(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, points):
        return self.layers(points).squeeze(-1)


def accuracy(logits, labels):
    return ((logits > 0).float() == labels).float().mean().item()


def main():
    torch.manual_seed(42)
    points = torch.randn(250, 2)
    labels = (points.norm(dim=1) > 1.1).float()
    X_train, X_val = points[:200], points[200:]
    y_train, y_val = labels[:200], labels[200:]

    model = Circle(hidden=8)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=1e-4)

    for epoch in range(20):
        #! epoch: epoch
        model.train()
        logits = model(X_train)
        loss = criterion(logits, y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()

        model.eval()
        with torch.inference_mode():
            val_logits = model(X_val)
            val_loss = criterion(val_logits, y_val)
            val_acc = accuracy(val_logits, y_val)
        #! val_loss: val_loss.item()
        #! val_accuracy: val_acc
        if epoch % 5 == 0:
            print(f"Epoch: {epoch} | Loss: {loss:.5f} | Val loss: {val_loss:.5f}, Val acc: {100 * val_acc:.2f}%")
    #! model: model(X_val[:6])


if __name__ == "__main__":
    main()
