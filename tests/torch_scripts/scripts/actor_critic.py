"""An actor and a critic, each with its own optimizer, both stepped after each episode."""
# expect:
# [[run]]
# history = {actor_loss = 6, critic_loss = 6}
# models = ["actor", "critic"]

import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
actor = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))
critic = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 1))
actor_optimizer = torch.optim.Adam(actor.parameters(), lr=0.01)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=0.02)

for episode in range(6):
    position = random.uniform(-1, 1)
    log_probs, values, rewards = [], [], []
    for step in range(10):
        state = torch.tensor([position, step / 10])
        dist = torch.distributions.Categorical(logits=actor(state))
        action = dist.sample()
        position += 0.2 if action.item() == 1 else -0.2
        log_probs.append(dist.log_prob(action))
        values.append(critic(state))
        rewards.append(-abs(position))

    returns, R = [], 0.0
    for reward in reversed(rewards):
        R = reward + 0.95 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    values = torch.cat(values)
    advantage = returns - values
    actor_loss = -(torch.stack(log_probs) * advantage.detach()).mean()
    critic_loss = advantage.pow(2).mean()

    actor_optimizer.zero_grad()
    critic_optimizer.zero_grad()
    actor_loss.backward()
    critic_loss.backward()
    actor_optimizer.step()
    critic_optimizer.step()
    #! actor_loss: actor_loss.item()
    #! critic_loss: critic_loss.item()
    print(f"episode {episode} reward {sum(rewards)} actor {actor_loss.item()} critic {critic_loss.item()}")
#! model actor: actor(torch.eye(2))
#! model critic: critic(torch.eye(2))
