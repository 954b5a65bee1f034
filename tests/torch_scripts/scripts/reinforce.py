"""REINFORCE as in the official example: an episode, then one step on its policy loss; a made-up corridor to walk."""
# expect:
# [[run]]
# steps = 8
# params = {optimizer = "Adam", "optimizer.lr" = 0.01, model = "Policy", gamma = 0.9, seed = 543}
# models = ["model"]

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

parser = argparse.ArgumentParser()
parser.add_argument("--gamma", type=float, default=0.9)
parser.add_argument("--seed", type=int, default=543)
args = parser.parse_args()


class Corridor:
    """Walk right to leave."""

    def reset(self):
        self.place, self.time = 2, 0
        return self.state()

    def state(self):
        return torch.tensor([self.place / 5, self.time / 20])

    def step(self, action):
        self.place = max(0, self.place + (1 if action == 1 else -1))
        self.time += 1
        done = self.place >= 5 or self.time >= 20
        return self.state(), 1.0 if self.place >= 5 else -0.1, done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(2, 16)
        self.affine2 = nn.Linear(16, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=-1)


torch.manual_seed(args.seed)
env = Corridor()
policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=1e-2)


def select_action(state):
    m = Categorical(policy(state))
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode():
    R, policy_loss, returns = 0, [], []
    for r in policy.rewards[::-1]:
        R = r + args.gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-8)
    for log_prob, R in zip(policy.saved_log_probs, returns, strict=True):
        policy_loss.append(-log_prob * R)
    optimizer.zero_grad()
    policy_loss = torch.stack(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    #! train_loss: policy_loss.item()
    del policy.rewards[:]
    del policy.saved_log_probs[:]


running_reward = 0
for i_episode in range(8):
    state, ep_reward = env.reset(), 0
    for t in range(1, 100):
        action = select_action(state)
        state, reward, done = env.step(action)
        policy.rewards.append(reward)
        ep_reward += reward
        if done:
            break
    running_reward = 0.05 * ep_reward + 0.95 * running_reward
    finish_episode()
    print(f"Episode {i_episode}\tLast reward: {ep_reward}\tAverage reward: {running_reward}\tsteps {t}")
#! model: policy(torch.tensor([[0.1, 0.2], [0.8, 0.0]]))
