"""Early stopping with patience; the best checkpoint is loaded again at the end and tested."""
# expect:
# [[run]]
# steps = 28
# epochs = 7
# params = {optimizer = "Adam", "optimizer.lr" = 0.1}
# models = ["best", "model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, patience, path):
        self.patience, self.path = patience, path
        self.counter, self.best, self.early_stop = 0, None, False

    def __call__(self, val_loss, model):
        if self.best is None or val_loss < self.best:
            print(f"Validation loss decreased ({self.best} --> {val_loss}).  Saving model ...")
            torch.save(model.state_dict(), self.path)
            self.best, self.counter = val_loss, 0
        else:
            self.counter += 1
            self.early_stop = self.counter >= self.patience


torch.manual_seed(20)
X = torch.randn(220, 5)
y = (X[:, 0] + 0.5 * torch.randn(220) > 0).float().unsqueeze(1)
train_loader = DataLoader(TensorDataset(X[:120], y[:120]), batch_size=30, shuffle=True)
valid_loader = DataLoader(TensorDataset(X[120:170], y[120:170]), batch_size=25)
test_loader = DataLoader(TensorDataset(X[170:], y[170:]), batch_size=50)
model = nn.Sequential(nn.Linear(5, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
early_stopping = EarlyStopping(patience=3, path="checkpoint.pt")

for epoch in range(50):
    #! epoch: epoch
    model.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    model.eval()
    valid_losses = []
    with torch.no_grad():
        for data, target in valid_loader:
            valid_losses.append(criterion(model(data), target).item())
    valid_loss = sum(valid_losses) / len(valid_losses)
    #! val_loss: valid_loss
    if early_stopping.best is None or valid_loss < early_stopping.best:
        print("best so far:", epoch)
        #! model best: model(X[:5])
    early_stopping(valid_loss, model)
    if early_stopping.early_stop:
        print("Early stopping")
        break

model.load_state_dict(torch.load("checkpoint.pt"))
model.eval()
with torch.no_grad():
    for data, target in test_loader:
        output = model(data)
        test_loss = criterion(output, target).item()
        accuracy = ((output > 0).float() == target).float().mean().item()
#! test_loss: test_loss
#! test_accuracy: accuracy
#! model: model(X[:5])
print("test", test_loss, accuracy)
