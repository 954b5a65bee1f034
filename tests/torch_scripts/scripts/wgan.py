"""A Wasserstein GAN: several critic steps for one of the generator, the critic's weights clipped."""
# expect:
# [[run]]
# params = {N_CRITIC = 3, CLIP = 0.05, LR = 0.005}
# history = {loss_critic = 15, loss_generator = 5}
# models = ["critic", "generator"]

import torch
import torch.nn as nn

N_CRITIC = 3
CLIP = 0.05
LR = 5e-3

torch.manual_seed(23)
data = torch.cat([torch.randn(100, 2) + 2, torch.randn(100, 2) - 2])
generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer_generator = torch.optim.RMSprop(generator.parameters(), lr=LR)
optimizer_critic = torch.optim.RMSprop(critic.parameters(), lr=LR)

for iteration in range(5):
    for _ in range(N_CRITIC):
        real = data[torch.randint(len(data), (32,))]
        fake = generator(torch.randn(32, 2)).detach()
        loss_critic = critic(fake).mean() - critic(real).mean()
        optimizer_critic.zero_grad()
        loss_critic.backward()
        optimizer_critic.step()
        #! loss_critic: loss_critic.item()
        for p in critic.parameters():
            p.data.clamp_(-CLIP, CLIP)
    loss_generator = -critic(generator(torch.randn(32, 2))).mean()
    optimizer_generator.zero_grad()
    loss_generator.backward()
    optimizer_generator.step()
    #! loss_generator: loss_generator.item()
    print(iteration, loss_critic.item(), loss_generator.item())
#! model generator: generator(data[:3])
#! model critic: critic(data[:3])
