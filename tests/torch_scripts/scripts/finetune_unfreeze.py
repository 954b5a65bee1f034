"""Fine-tuning with one optimizer: the head first, then the body is thawed and added as a second group."""
# expect:
# [[run]]
# epochs = 4
# steps = 16
# params = {optimizer = "SGD", "optimizer.lr" = 0.1, n_parameters = 187, n_trainable = 27}
# metrics = {lr = 0.1, lr_1 = 0.01}
# models = ["model"]

import torch
from torch import nn


class Transfer(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(11, 8), nn.ReLU(), nn.Linear(8, 8, bias=False))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


torch.manual_seed(17)
X = torch.randn(128, 11)
y = X[:, :3].argmax(dim=1)
net = Transfer()
for parameter in net.body.parameters():
    parameter.requires_grad = False
optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(4):
    #! epoch: epoch
    if epoch == 2:
        for parameter in net.body.parameters():
            parameter.requires_grad = True
        optimizer.add_param_group({"params": net.body.parameters(), "lr": 0.01})
        print("unfrozen", sum(p.numel() for p in net.parameters() if p.requires_grad))
    for xb, yb in zip(X.split(32), y.split(32), strict=True):
        loss = loss_fn(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        #! lr: optimizer.param_groups[0]["lr"]
    print(epoch, loss.item())
#! model: net(X[:4])
