"""CleanRL's PPO shape: iterations of rollouts, and in each a few `epoch`s of minibatches: the iteration is the epoch."""
# expect:
# [[run]]
# epochs = 3
# steps = 24
# params = {optimizer = "Adam", "optimizer.eps" = 1e-5, model = "Agent", num_iterations = 3, update_epochs = 2, clip_coef = 0.2, minibatch_size = 16}
# models = ["model"]

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions.categorical import Categorical


@dataclass
class Args:
    seed: int = 1
    num_iterations: int = 3
    num_steps: int = 64
    minibatch_size: int = 16
    update_epochs: int = 2
    learning_rate: float = 2.5e-3
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.critic = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
        self.actor = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, x):
        return self.actor(x), self.critic(x)

    def get_action_and_value(self, x, action=None):
        probs = Categorical(logits=self.actor(x))
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action), probs.entropy(), self.critic(x)


if __name__ == "__main__":
    args = Args()
    torch.manual_seed(args.seed)
    agent = Agent()
    optimizer = optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    for iteration in range(1, args.num_iterations + 1):
        #! epoch: iteration - 1
        frac = 1.0 - (iteration - 1.0) / args.num_iterations
        optimizer.param_groups[0]["lr"] = frac * args.learning_rate

        b_obs = torch.randn(args.num_steps, 3)
        with torch.no_grad():
            b_actions, b_logprobs, _, b_values = agent.get_action_and_value(b_obs)
            b_values = b_values.view(-1)
            b_returns = (b_actions == (b_obs[:, 0] > 0).long()).float()
            b_advantages = b_returns - b_values

        clipfracs = []
        for epoch in range(args.update_epochs):
            b_inds = torch.randperm(args.num_steps)
            for start in range(0, args.num_steps, args.minibatch_size):
                mb_inds = b_inds[start : start + args.minibatch_size]
                _, newlogprob, entropy, newvalue = agent.get_action_and_value(b_obs[mb_inds], b_actions[mb_inds])
                logratio = newlogprob - b_logprobs[mb_inds]
                ratio = logratio.exp()
                with torch.no_grad():
                    approx_kl = ((ratio - 1) - logratio).mean()
                    clipfracs += [((ratio - 1.0).abs() > args.clip_coef).float().mean().item()]
                mb_advantages = b_advantages[mb_inds]
                mb_advantages = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
                pg_loss1 = -mb_advantages * ratio
                pg_loss2 = -mb_advantages * torch.clamp(ratio, 1 - args.clip_coef, 1 + args.clip_coef)
                pg_loss = torch.max(pg_loss1, pg_loss2).mean()
                v_loss = 0.5 * ((newvalue.view(-1) - b_returns[mb_inds]) ** 2).mean()
                entropy_loss = entropy.mean()
                loss = pg_loss - args.ent_coef * entropy_loss + v_loss * args.vf_coef

                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
                #! train_loss: loss.item()
                #! lr: frac * 2.5e-3
        print(iteration, "value_loss", v_loss.item(), "policy_loss", pg_loss.item(), "approx_kl", approx_kl.item())
        print("mean return", b_returns.mean().item(), "clipfrac", sum(clipfracs) / len(clipfracs))
    #! model: agent(torch.ones(2, 3))
