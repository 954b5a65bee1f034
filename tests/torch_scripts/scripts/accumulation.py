"""Gradients of four batches make a step, and the leftover batches one of their own; the loss is divided."""
# expect:
# [[run]]
# epochs = 2
# steps = 6
# params = {optimizer = "SGD", "loader.batch_size" = 20}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(15)
X = torch.randn(260, 7)
y = X[:, :4].argmax(1)
train_loader = DataLoader(TensorDataset(X[:200], y[:200]), batch_size=20, shuffle=True)
val_loader = DataLoader(TensorDataset(X[200:], y[200:]), batch_size=30)
model = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 4))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
accumulation_steps = 4

for epoch in range(2):
    #! epoch: epoch
    model.train()
    optimizer.zero_grad()
    for i, (inputs, labels) in enumerate(train_loader):
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        #! part: loss.item()
        loss = loss / accumulation_steps
        loss.backward()
        if (i + 1) % accumulation_steps == 0 or (i + 1) == len(train_loader):
            optimizer.step()
            optimizer.zero_grad()
            #! train_loss: observed.mean()
    model.eval()
    with torch.no_grad():
        total, hits = 0.0, 0
        for inputs, labels in val_loader:
            outputs = model(inputs)
            total += criterion(outputs, labels).item()
            hits += (outputs.argmax(1) == labels).sum().item()
    #! val_loss: total / len(val_loader)
    #! val_accuracy: hits / 60
    print(f"epoch {epoch} last {loss.item()} val {total / len(val_loader)} {hits / 60}")
#! model: model(X[:5])
