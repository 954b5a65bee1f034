"""The model compiled (by the eager backend), the loss outside of it."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", model = "Regressor", "model.width" = 12}
# models = ["model"]

import torch
from torch import nn


class Regressor(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.hidden = nn.Linear(3, width)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


torch.manual_seed(19)
X = torch.randn(128, 3)
Y = X.sin().sum(dim=1, keepdim=True)
model = Regressor(width=12)
fast = torch.compile(model, backend="eager")
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
mse = nn.MSELoss()
for epoch in range(2):
    #! epoch: epoch
    for i in range(4):
        out = fast(X[32 * i : 32 * i + 32])
        loss = mse(out, Y[32 * i : 32 * i + 32])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    print(f"epoch {epoch}: {loss.item()}")
#! model: model(X[:4])
