"""A mixture density network for a curve with several answers: log-sum-exp of Gaussians; a categorical by Gumbel's
trick.
"""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill

rng = np.random.default_rng(0)
t = rng.uniform(-1, 1, 120)
y_data = torch.from_numpy(t).float().unsqueeze(1)
x_data = torch.from_numpy(t + 0.3 * np.sin(2 * np.pi * t) + rng.normal(0, 0.05, 120)).float().unsqueeze(1)


class MDN(nn.Module):
    def __init__(self, n_hidden=12, n_gaussians=3):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.z_pi, self.z_mu, self.z_sigma = (nn.Linear(n_hidden, n_gaussians) for _ in range(3))

    def forward(self, x):
        z = self.z_h(x)
        return F.log_softmax(self.z_pi(z), -1), self.z_mu(z), F.softplus(self.z_sigma(z)) + 1e-3


def mdn_loss(log_pi, mu, sigma, y):
    log_normal = -0.5 * ((y.expand_as(mu) - mu) / sigma) ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_pi + log_normal, dim=1).mean()


model = fill(MDN())
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(81):
    loss = mdn_loss(*model(x_data), y_data)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(epoch, f"{loss.item():.4f}")
with torch.no_grad():
    log_pi, mu, sigma = model(torch.tensor([[-0.9], [0.0], [0.9]]))
    mean = (log_pi.exp() * mu).sum(-1)
    variance = (log_pi.exp() * (sigma**2 + mu**2)).sum(-1) - mean**2
    print(mean, variance.sqrt(), log_pi.exp().sum(-1))
    gumbel = -torch.log(-torch.log(torch.from_numpy(rng.uniform(size=(4000, 3))).float()))
    picks = torch.argmax(log_pi[1] + gumbel, dim=1)
    frequency = torch.bincount(picks, minlength=3).float() / 4000
    print((frequency - log_pi[1].exp()).abs().max() < 0.05)
    drawn = torch.normal(mu[1, picks], sigma[1, picks])
    print(drawn.shape, torch.isfinite(drawn).all())
soft = F.gumbel_softmax(torch.zeros(4, 3), tau=0.5, hard=True)
print(
    soft.sum(1),
    F.gaussian_nll_loss(mean, torch.zeros(3), variance),
    F.kl_div(log_pi, torch.full_like(log_pi, 1 / 3), reduction="batchmean"),
)
print(
    torch.erf(torch.tensor([0.5, 1.0])), torch.special.log_ndtr(torch.tensor([-1.0])), torch.lgamma(torch.tensor([4.5]))
)
