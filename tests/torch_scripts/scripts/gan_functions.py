"""A least-squares GAN: a function for each player's step, called in turn by main()."""
# expect:
# [[run]]
# history = {d_loss = 12, g_loss = 12}
# models = ["discriminator", "generator"]

import torch
from torch import nn
from torch.nn import functional as F


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 12), nn.LeakyReLU(0.1), nn.Linear(12, n_out))


def discriminator_step(generator, discriminator, optimizer, real):
    noise = torch.randn(len(real), 3)
    optimizer.zero_grad()
    d_real, d_fake = discriminator(real), discriminator(generator(noise).detach())
    d_loss = 0.5 * (F.mse_loss(d_real, torch.ones_like(d_real)) + F.mse_loss(d_fake, torch.zeros_like(d_fake)))
    d_loss.backward()
    optimizer.step()
    #! d_loss: d_loss.item()
    return d_loss.item()


def generator_step(generator, discriminator, optimizer, n):
    optimizer.zero_grad()
    score = discriminator(generator(torch.randn(n, 3)))
    g_loss = F.mse_loss(score, torch.ones_like(score))
    g_loss.backward()
    optimizer.step()
    #! g_loss: g_loss.item()
    return g_loss.item()


def main():
    torch.manual_seed(0)
    samples = torch.randn(160, 2) * 0.2 + torch.tensor([1.0, -1.0])
    generator, discriminator = mlp(3, 2), mlp(2, 1)
    opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3)
    opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3)
    for epoch in range(3):
        for real in samples.split(40):
            d = discriminator_step(generator, discriminator, opt_d, real)
            g = generator_step(generator, discriminator, opt_g, len(real))
        print(f"epoch {epoch} d {d} g {g}")
    #! model generator: generator(torch.ones(4, 3))
    #! model discriminator: discriminator(samples[:4])


main()
