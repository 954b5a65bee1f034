"""Multi-label classification with weighted BCEWithLogits; the accuracy of single labels is counted."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adam", criterion = "BCEWithLogitsLoss"}
# metrics = {val_accuracy = true}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Tagger(nn.Module):
    def __init__(self, n_features, n_tags):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_features, 20), nn.ReLU(), nn.Linear(20, n_tags))

    def forward(self, x):
        return self.net(x)


torch.manual_seed(24)
X = torch.randn(200, 8)
tags = (X @ torch.randn(8, 4) > 1.0).float()
train_loader = DataLoader(TensorDataset(X[:160], tags[:160]), batch_size=40)
val_loader = DataLoader(TensorDataset(X[160:], tags[160:]), batch_size=20)
model = Tagger(8, 4)
criterion = nn.BCEWithLogitsLoss(pos_weight=torch.full((4,), 2.0))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(3):
    #! epoch: epoch
    model.train()
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()

    model.eval()
    total, right = 0.0, 0
    with torch.no_grad():
        for inputs, labels in val_loader:
            logits = model(inputs)
            total += criterion(logits, labels).item()
            right += ((torch.sigmoid(logits) > 0.5).float() == labels).sum().item()
    #! val_loss: total / len(val_loader)
    #! val_accuracy: right / tags[160:].numel()
    print(f"[{epoch}] train {loss.item()} val {total / len(val_loader)} label accuracy {right / tags[160:].numel()}")
#! model: model(X[:4])
