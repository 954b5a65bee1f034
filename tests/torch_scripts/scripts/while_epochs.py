"""A while loop counts the epochs, and an inner one the batches."""
# expect:
# [[run]]
# epochs = 3
# steps = 15
# params = {optimizer = "AdamW", "optimizer.lr" = 0.01, "optimizer.weight_decay" = 0.02}
# models = ["model"]

import torch
from torch import nn

torch.manual_seed(11)
inputs = torch.randn(150, 5)
targets = (inputs.sum(dim=1) > 0).long() + (inputs[:, 0] > 1).long()
model = nn.Sequential(nn.Linear(5, 12), nn.GELU(), nn.Linear(12, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.02)
criterion = nn.CrossEntropyLoss()

epoch = 0
while epoch < 3:
    #! epoch: epoch
    start = 0
    epoch_loss = 0.0
    while start < len(inputs):
        batch = slice(start, start + 30)
        optimizer.zero_grad()
        loss = criterion(model(inputs[batch]), targets[batch])
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        epoch_loss += loss.item()
        start += 30
    print("epoch", epoch, "loss", epoch_loss / 5)
    epoch += 1
#! model: model(inputs[:5])
