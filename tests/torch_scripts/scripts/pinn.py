"""A physics-informed network: the loss holds derivatives of the output by autograd.grad (a damped oscillator)."""
# expect:
# [[run]]
# steps = 25
# params = {optimizer = "Adam", model = "FCN", "model.n_hidden" = 12, "model.n_layers" = 2}
# models = ["model"]

import torch
import torch.nn as nn


class FCN(nn.Module):
    def __init__(self, n_input, n_output, n_hidden, n_layers):
        super().__init__()
        self.fcs = nn.Sequential(nn.Linear(n_input, n_hidden), nn.Tanh())
        self.fch = nn.Sequential(
            *[nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.Tanh()) for _ in range(n_layers - 1)]
        )
        self.fce = nn.Linear(n_hidden, n_output)

    def forward(self, x):
        return self.fce(self.fch(self.fcs(x)))


torch.manual_seed(123)
pinn = FCN(1, 1, n_hidden=12, n_layers=2)
t_boundary = torch.tensor(0.0).view(-1, 1).requires_grad_(True)
t_physics = torch.linspace(0, 1, 20).view(-1, 1).requires_grad_(True)
mu, k = 4.0, 40.0
optimiser = torch.optim.Adam(pinn.parameters(), lr=1e-3)
for i in range(25):
    optimiser.zero_grad()
    lambda1, lambda2 = 1e-1, 1e-4
    u = pinn(t_boundary)
    loss1 = (torch.squeeze(u) - 1) ** 2
    dudt = torch.autograd.grad(u, t_boundary, torch.ones_like(u), create_graph=True)[0]
    loss2 = (torch.squeeze(dudt) - 0) ** 2
    u = pinn(t_physics)
    dudt = torch.autograd.grad(u, t_physics, torch.ones_like(u), create_graph=True)[0]
    d2udt2 = torch.autograd.grad(dudt, t_physics, torch.ones_like(dudt), create_graph=True)[0]
    loss3 = torch.mean((d2udt2 + mu * dudt + k * u) ** 2)
    loss = loss1 + lambda1 * loss2 + lambda2 * loss3
    loss.backward()
    optimiser.step()
    #! train_loss: loss.item()
    if i % 10 == 0:
        print(i, loss.item(), loss3.item())
#! model: pinn(torch.linspace(0, 1, 5).view(-1, 1))
