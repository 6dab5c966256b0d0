"""A normalising flow: affine couplings and an invertible linear layer whose log-determinant comes from slogdet."""

import math

import numpy as np
import torch
from first_values import fill, normal
from torch import nn


class Coupling(nn.Module):
    def __init__(self, dim, hidden, flip):
        super().__init__()
        self.flip, self.half = flip, dim // 2
        self.s = nn.Sequential(nn.Linear(self.half, hidden), nn.LeakyReLU(), nn.Linear(hidden, self.half), nn.Tanh())
        self.t = nn.Sequential(nn.Linear(self.half, hidden), nn.LeakyReLU(), nn.Linear(hidden, self.half))

    def forward(self, x):
        x1, x2 = x.chunk(2, dim=1)
        if self.flip:
            x1, x2 = x2, x1
        s = self.s(x1)
        y2 = x2 * s.exp() + self.t(x1)
        parts = [y2, x1] if self.flip else [x1, y2]
        return torch.cat(parts, 1), s.sum(1)

    def inverse(self, y):
        y1, y2 = y.chunk(2, dim=1)
        if self.flip:
            y1, y2 = y2, y1
        x2 = (y2 - self.t(y1)) * (-self.s(y1)).exp()
        return torch.cat([x2, y1] if self.flip else [y1, x2], 1)


class InvertibleLinear(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.W = nn.Parameter(torch.eye(dim))

    def forward(self, x):
        return x @ self.W.T, torch.linalg.slogdet(self.W).logabsdet.expand(len(x))

    def inverse(self, y):
        return torch.linalg.solve(self.W, y.T).T


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Coupling(2, 8, False), InvertibleLinear(2), Coupling(2, 8, True)])

    def forward(self, x):
        log_det = torch.zeros(x.shape[0])
        for layer in self.layers:
            x, ld = layer(x)
            log_det += ld
        return x, log_det

    def inverse(self, z):
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


rng = np.random.default_rng(1)
angle = rng.uniform(0, np.pi, 150)
moons = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.1, (150, 2))
data = torch.tensor(moons, dtype=torch.float32)
flow = fill(Flow())
with torch.no_grad():
    flow.layers[1].W.copy_(torch.tensor([[1.0, 0.3], [-0.2, 0.9]]))
optimizer = torch.optim.Adam(flow.parameters(), lr=0.01)
for step in range(61):
    z, log_det = flow(data)
    log_prob = -0.5 * (z**2 + math.log(2 * math.pi)).sum(1) + log_det
    loss = -log_prob.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, f"nll {loss.item():.4f}")
with torch.no_grad():
    print("inverse undoes forward:", (flow.inverse(flow(data)[0]) - data).abs().max().item() < 1e-4)
    print(flow.inverse(normal(3, 2)))
J = torch.autograd.functional.jacobian(lambda x: flow(x.unsqueeze(0))[0].squeeze(0), data[0])
print(torch.logdet(J.abs().diag().diag() * 0 + J @ J.T).item() / 2, flow(data[:1])[1].item())
print(flow.layers[1].W.grad, len(flow.layers))
