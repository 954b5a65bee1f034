"""Scalars sent to TensorBoard's SummaryWriter; what it writes is removed, as it bears the time."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam"}
# metrics = {weight_norm = true}
# history = {weight_norm = 2}
# models = ["model"]

import shutil

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(54)
writer = SummaryWriter("logs")
X = torch.randn(160, 3)
Y = X.prod(1, keepdim=True)
model = nn.Sequential(nn.Linear(3, 10), nn.Softplus(), nn.Linear(10, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
step = 0
for epoch in range(2):
    #! epoch: epoch
    for i in range(4):
        loss = nn.functional.mse_loss(model(X[40 * i : 40 * i + 40]), Y[40 * i : 40 * i + 40])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        writer.add_scalar("Loss/train", loss.item(), step)
        step += 1
    weight_norm = model[0].weight.detach().norm()
    writer.add_scalar("weight_norm", weight_norm, epoch)
    print(epoch, loss.item(), weight_norm.item())
writer.close()
shutil.rmtree("logs")
#! model: model(X[:3])
