"""The script itself raises, from its check for a loss that is too high, and has a checkpoint by then."""
# expect:
# exit = 1
# [[run]]
# status = "failed"
# error = "training diverged at step 2"
# steps = 3
# params = {optimizer = "SGD", LIMIT = 1000.0}
# models = ["model"]

import torch
from torch import nn

LIMIT = 1e3


class Diverged(RuntimeError):
    pass


torch.manual_seed(52)
x = torch.randn(64, 5)
y = x[:, 0] - x[:, 1]
model = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(model.parameters(), lr=1.2)
for step in range(50):
    loss = (model(x) - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    #! train_loss: loss.item()
    #! model: model(x[:3])
    print(step, loss.item())
    if step == 1:
        torch.save(model.state_dict(), "step1.pt")
    if loss.item() > LIMIT:
        raise Diverged(f"training diverged at step {step}")
