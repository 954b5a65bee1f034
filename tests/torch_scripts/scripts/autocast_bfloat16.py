"""Mixed precision on the CPU: the forward pass under torch.autocast with bfloat16."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "AdamW", criterion = "CrossEntropyLoss"}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(16)
x = torch.randn(170, 10)
y = (x[:, 0] > x[:, 1]).long()
train_dl = DataLoader(TensorDataset(x[:120], y[:120]), 30, shuffle=True)
valid_dl = DataLoader(TensorDataset(x[120:], y[120:]), 25)
model = nn.Sequential(nn.Linear(10, 24), nn.LayerNorm(24), nn.ReLU(), nn.Linear(24, 2))
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(3):
    #! epoch: epoch
    model.train()
    for xb, yb in train_dl:
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            pred = model(xb)
            loss = criterion(pred, yb)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        #! train_loss: loss.item()
    model.eval()
    val_loss, val_correct = 0.0, 0
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for xb, yb in valid_dl:
            pred = model(xb)
            val_loss += criterion(pred, yb).item()
            val_correct += (pred.argmax(1) == yb).sum().item()
    #! val_loss: val_loss / 2
    #! val_accuracy: val_correct / 50
    print(epoch, loss.item(), val_loss / 2, val_correct / 50)
#! model: model(x[:4])
