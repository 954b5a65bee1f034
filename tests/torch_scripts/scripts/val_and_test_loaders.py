"""Two loaders are evaluated by one function after each epoch: validation and test."""
# expect:
# [[run]]
# epochs = 3
# steps = 9
# params = {optimizer = "Adam", criterion = "CrossEntropyLoss"}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(35)
X = torch.randn(270, 4)
dataset = TensorDataset(X, (X.sum(1) > 0).long() + (X.sum(1) > 2).long())
train_set, val_set, test_set = random_split(dataset, [150, 60, 60])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=30)
test_loader = DataLoader(test_set, batch_size=30)


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def compute_metrics(model, data_loader):
    model.eval()
    loss = correct = 0
    with torch.no_grad():
        for features, targets in data_loader:
            logits = model(features)
            loss += criterion(logits, targets).item()
            correct += (logits.argmax(1) == targets).sum().item()
    return loss / len(data_loader), correct / len(data_loader.dataset)


model = MLP([4, 16, 3])
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(3):
    #! epoch: epoch
    model.train()
    for features, targets in train_loader:
        loss = criterion(model(features), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    val_loss, val_acc = compute_metrics(model, val_loader)
    test_loss, test_acc = compute_metrics(model, test_loader)
    #! val_loss: val_loss
    #! val_accuracy: val_acc
    #! test_loss: test_loss
    #! test_accuracy: test_acc
    print(f"{epoch}: {val_loss} {val_acc} {test_loss} {test_acc}")
#! model: model(X[:4])
