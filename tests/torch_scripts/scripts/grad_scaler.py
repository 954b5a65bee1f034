"""The AMP recipe with a GradScaler: scaled backward, unscaled clipping, scaler.step."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "SGD", "optimizer.lr" = 0.05}
# models = ["model"]

import torch
from torch import nn


def make_model(in_size, out_size, num_layers):
    layers = []
    for _ in range(num_layers - 1):
        layers += [nn.Linear(in_size, in_size), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(in_size, out_size))


torch.manual_seed(18)
data = [torch.randn(16, 8) for _ in range(4)]
targets = [torch.randn(16, 2) for _ in range(4)]
loss_fn = nn.MSELoss()
epochs = 2
net = make_model(8, 2, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.05)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for epoch in range(epochs):
    #! epoch: epoch
    for input, target in zip(data, targets, strict=True):
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            output = net(input)
            loss = loss_fn(output.float(), target)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
        scaler.step(opt)
        scaler.update()
        opt.zero_grad()
        #! train_loss: loss.item()
    print(epoch, loss.item(), scaler.get_scale())
#! model: net(data[0])
