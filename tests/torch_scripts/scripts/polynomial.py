"""A polynomial fitted to a sine: the full batch in every step, no loader, a summed loss."""
# expect:
# [[run]]
# steps = 60
# params = {optimizer = "RMSprop", "optimizer.lr" = 0.001, criterion = "MSELoss", "criterion.reduction" = "sum", model = "Sequential", n_parameters = 4}
# models = ["model"]

import math

import torch

x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")

learning_rate = 1e-3
optimizer = torch.optim.RMSprop(model.parameters(), lr=learning_rate)
for t in range(60):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 20 == 19:
        print(t, loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    #! train_loss: loss.item() / 200

#! model: model(xx[:7])
linear_layer = model[0]
print(f"Result: y = {linear_layer.bias.item()} + {linear_layer.weight[:, 0].item()} x")
