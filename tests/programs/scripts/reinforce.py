"""REINFORCE with a baseline on a three-armed bandit with contexts, then an actor-critic's joint loss."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill

rng = np.random.default_rng(0)
best = torch.tensor([2, 0, 1])


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(3, 16)
        self.action_head = nn.Linear(16, 3)
        self.value_head = nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.affine(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def choose(probs):
    """Draw by the inverse distribution function, with NumPy's coins."""
    coins = torch.from_numpy(rng.random((len(probs), 1))).float()
    return torch.searchsorted(probs.detach().cumsum(-1), coins).clamp_(max=2).squeeze(-1)


policy = fill(Policy())
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-2)
eps = np.finfo(np.float32).eps.item()
running = 0.0
for episode in range(40):
    context = torch.from_numpy(rng.integers(0, 3, 24))
    probs, values = policy(F.one_hot(context, 3).float())
    action = choose(probs)
    reward = (action == best[context]).float()
    advantage = reward - values.squeeze(-1).detach()
    advantage = (advantage - advantage.mean()) / (advantage.std() + eps)
    log_prob = probs.log().gather(1, action.unsqueeze(1)).squeeze(1)
    policy_loss = (-log_prob * advantage).mean()
    value_loss = F.smooth_l1_loss(values.squeeze(-1), reward)
    entropy = -(probs * probs.log()).sum(-1).mean()
    optimizer.zero_grad()
    loss = policy_loss + value_loss - 0.01 * entropy
    loss.backward()
    optimizer.step()
    running = 0.9 * running + 0.1 * reward.mean().item()
    if episode % 10 == 9:
        print(f"Episode {episode + 1}\tReward: {reward.mean():.2f}\tAverage: {running:.2f}")
with torch.no_grad():
    print(policy(torch.eye(3))[0].argmax(-1), policy(torch.eye(3))[1].view(-1))


def discounted(rewards, gamma=0.9):
    R, returns = 0, []
    for r in rewards[::-1]:
        R = r + gamma * R
        returns.insert(0, R)
    return torch.tensor(returns)


print(discounted([0, 0, 1, 0, 1]), bool(running > 0.5))
