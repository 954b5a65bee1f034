"""A warm-up and a cosine, put together by SequentialLR; two parameter groups with their own rates."""
# expect:
# [[run]]
# epochs = 5
# steps = 15
# params = {optimizer = "SGD", scheduler = "SequentialLR"}
# models = ["model"]

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

torch.manual_seed(44)
inputs = torch.randn(90, 4)
outputs = inputs.cumsum(1)
net = nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 4))
groups = [{"params": net[0].parameters(), "lr": 0.02}, {"params": net[2].parameters(), "lr": 0.1}]
optimizer = torch.optim.SGD(groups, momentum=0.5)
warmup = LinearLR(optimizer, start_factor=0.1, total_iters=2)
scheduler = SequentialLR(optimizer, [warmup, CosineAnnealingLR(optimizer, T_max=3)], milestones=[2])
for epoch in range(5):
    #! epoch: epoch
    for i in range(3):
        loss = nn.functional.mse_loss(net(inputs[30 * i : 30 * i + 30]), outputs[30 * i : 30 * i + 30])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        #! lr: optimizer.param_groups[0]["lr"]
        #! lr_1: optimizer.param_groups[1]["lr"]
    scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
#! model: net(inputs[:2])
