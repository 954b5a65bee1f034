"""An exponential moving average of the weights, and it is the average that is validated."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adam"}
# models = ["best", "model"]

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(46)
X = torch.randn(200, 4)
y = (X[:, 0] > 0).float()[:, None]
model = nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 1))
ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(3):
    #! epoch: epoch
    for rows in torch.randperm(140).split(35):
        optimizer.zero_grad()
        loss = criterion(model(X[rows]), y[rows])
        loss.backward()
        optimizer.step()
        ema_model.update_parameters(model)
        #! train_loss: loss.item()
    ema_model.eval()
    with torch.no_grad():
        out = ema_model(X[140:])
        val_loss = criterion(out, y[140:]).item()
    #! val_loss: val_loss
    #! val_accuracy: ((out > 0) == (y[140:] > 0)).float().mean().item()
    print(epoch, loss.item(), val_loss)
#! model: model(X[:4])
