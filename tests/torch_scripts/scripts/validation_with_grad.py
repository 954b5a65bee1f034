"""Validation in eval mode, but without no_grad."""
# expect:
# [[run]]
# epochs = 3
# steps = 9
# params = {optimizer = "Adam", criterion = "CrossEntropyLoss"}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(30)
X = torch.randn(210, 4)
y = (X[:, 0] + X[:, 1] > 0).long()
train_loader = DataLoader(TensorDataset(X[:150], y[:150]), batch_size=50, shuffle=True)
valid_loader = DataLoader(TensorDataset(X[150:], y[150:]), batch_size=30)
model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Dropout(0.2), nn.Linear(10, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)

for epoch in range(3):
    #! epoch: epoch
    train_loss = 0.0
    model.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        train_loss += loss.item() * data.size(0)

    valid_loss, right = 0.0, 0
    model.eval()
    for data, target in valid_loader:
        output = model(data)
        loss = criterion(output, target)
        valid_loss += loss.item() * data.size(0)
        right += (output.argmax(dim=1) == target).sum().item()
    #! val_loss: valid_loss / 60
    #! val_accuracy: right / 60
    print(f"Epoch: {epoch + 1} \tTraining Loss: {train_loss / 150} \tValidation Loss: {valid_loss / 60} {right / 60}")
#! model: model(X[:5])
