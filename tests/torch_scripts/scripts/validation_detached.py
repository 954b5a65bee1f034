"""Validation without no_grad and without eval(): the loss is detached, and no backward reaches it."""
# expect:
# [[run]]
# epochs = 12
# steps = 12
# params = {optimizer = "SGD", "optimizer.lr" = 0.5}
# models = ["model", "best"]

import torch
import torch.nn.functional as F


class LogisticRegression(torch.nn.Module):
    def __init__(self, input_dim, output_dim):
        super().__init__()
        self.linear = torch.nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return torch.sigmoid(self.linear(x))


torch.manual_seed(32)
x = torch.randn(200, 3)
y = (x[:, :1] - x[:, 1:2] > 0.2).float()
x_train, y_train, x_val, y_val = x[:140], y[:140], x[140:], y[140:]
model = LogisticRegression(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(12):
    #! epoch: epoch
    loss = F.binary_cross_entropy(model(x_train), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    #! train_loss: loss.item()
    predictions = model(x_val)
    val_loss = F.binary_cross_entropy(predictions, y_val).detach()
    #! val_loss: val_loss.item()
    #! val_accuracy: ((predictions > 0.5).float() == y_val).float().mean().item()
    if epoch % 4 == 3:
        print(epoch, loss.item(), val_loss.item())
#! model: model(x[:4])
