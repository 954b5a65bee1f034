"""A beta-VAE with mean losses; the two parts of the loss are read as well."""
# expect:
# [[run]]
# epochs = 3
# steps = 9
# params = {optimizer = "Adam"}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader


class BetaVAE(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, 16), nn.ReLU(), nn.Linear(16, 10))

    def forward(self, x):
        mu, log_var = self.encoder(x).chunk(2, dim=-1)
        z = torch.distributions.Normal(mu, (0.5 * log_var).exp()).rsample() if self.training else mu
        return self.decoder(z), mu, log_var


torch.manual_seed(8)
beta = 0.5
curves = torch.sin(torch.rand(150, 1) * 3 + torch.linspace(0, 3, 10))
loader = DataLoader(curves, batch_size=50, shuffle=True)
vae = BetaVAE(latent=2)
optim = torch.optim.Adam(vae.parameters(), lr=0.01)
mse = nn.MSELoss()
for epoch in range(3):
    #! epoch: epoch
    for x in loader:
        out, mu, log_var = vae(x)
        recon = mse(out, x)
        kl = -0.5 * (1 + log_var - mu**2 - log_var.exp()).mean()
        loss = recon + beta * kl
        optim.zero_grad()
        loss.backward()
        optim.step()
        #! train_loss: loss.item()
    print(f"{epoch=} loss={loss.item()} recon={recon.item()} kl={kl.item()}")
#! model: vae(curves[:4])
