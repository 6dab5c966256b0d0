"""Deep Q-learning in a corridor: replay memory, a target network, gather of the taken actions, smooth L1 loss."""

import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from first_values import fill

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
N, GAMMA, TAU = 6, 0.9, 0.1


class Corridor:
    """Six cells; the reward lies at the right end."""

    def reset(self):
        self.at = 0
        return self.state()

    def state(self):
        return torch.eye(N)[self.at].unsqueeze(0)

    def step(self, action):
        self.at = max(0, self.at + (1 if action == 1 else -1))
        done = self.at == N - 1
        return None if done else self.state(), 1.0 if done else 0.0, done


class DQN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(N, 12), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, x):
        return self.layers(x)


random.seed(0)
env, memory = Corridor(), deque(maxlen=300)
policy_net, target_net = fill(DQN()), DQN()
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
coins = np.random.default_rng(0)


def optimize_model(batch_size=16):
    if len(memory) < batch_size:
        return None
    batch = Transition(*zip(*random.sample(list(memory), batch_size)))
    non_final = torch.tensor(tuple(s is not None for s in batch.next_state), dtype=torch.bool)
    non_final_next = torch.cat([s for s in batch.next_state if s is not None])
    state, action, reward = torch.cat(batch.state), torch.cat(batch.action), torch.cat(batch.reward)
    q = policy_net(state).gather(1, action)
    next_values = torch.zeros(batch_size)
    with torch.no_grad():
        next_values[non_final] = target_net(non_final_next).max(1).values
    loss = nn.SmoothL1Loss()(q, (next_values * GAMMA + reward).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    return loss.item()


for episode in range(8):
    state, losses = env.reset(), []
    for t in range(20):
        if coins.random() < 0.5:
            with torch.no_grad():
                action = policy_net(state).max(1).indices.view(1, 1)
        else:
            action = torch.tensor([[int(coins.integers(2))]], dtype=torch.long)
        observed, reward, done = env.step(action.item())
        memory.append(Transition(state, action, observed, torch.tensor([reward])))
        state = observed
        loss = optimize_model()
        if loss is not None:
            losses.append(loss)
        target, policy = target_net.state_dict(), policy_net.state_dict()
        for key in policy:
            target[key] = policy[key] * TAU + target[key] * (1 - TAU)
        target_net.load_state_dict(target)
        if done:
            break
    print(episode, t + 1, f"{sum(losses) / max(len(losses), 1):.4f}")
with torch.no_grad():
    print(policy_net(torch.eye(N)).round(decimals=1))
