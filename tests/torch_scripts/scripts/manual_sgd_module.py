"""A module, and the update written by hand: no optimizer lives."""
# expect:
# [[run]]
# steps = 30
# params = {criterion = "MSELoss", "criterion.reduction" = "sum"}
# models = ["model"]

import torch

torch.manual_seed(0)
x = torch.linspace(-3, 3, 100)
y = torch.sin(x)
xx = torch.stack([x, x**2, x**3], dim=1)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
learning_rate = 1e-5
for t in range(30):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 10 == 9:
        print(t, loss.item())
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= learning_rate * param.grad
    #! train_loss: loss.item() / 100
#! model: model(xx[:4])
