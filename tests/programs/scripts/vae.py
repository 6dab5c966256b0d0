"""A variational autoencoder: reparameterisation with given noise, the analytic Kullback-Leibler term,
torch.distributions-free.
"""

import torch
import torch.utils.data
from first_values import fill, normal
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 12)
        self.fc21 = nn.Linear(12, 3)
        self.fc22 = nn.Linear(12, 3)
        self.fc3 = nn.Linear(3, 12)
        self.fc4 = nn.Linear(12, 20)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar, eps):
        std = torch.exp(0.5 * logvar)
        return eps.mul(std).add_(mu)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x, eps):
        mu, logvar = self.encode(x.view(-1, 20))
        return self.decode(self.reparameterize(mu, logvar, eps)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 20), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


data = (torch.sigmoid(3 * normal(60, 3) @ normal(3, 20, seed=1)) > 0.5).float().view(60, 1, 4, 5)
loader = torch.utils.data.DataLoader(data, batch_size=20)
model = fill(VAE())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    train_loss = 0
    for i, batch in enumerate(loader):
        optimizer.zero_grad()
        recon, mu, logvar = model(batch, normal(len(batch), 3, seed=10 * epoch + i))
        loss = loss_function(recon, batch, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    print(f"====> Epoch: {epoch} Average loss: {train_loss / len(loader.dataset):.4f}")
with torch.no_grad():
    sample = model.decode(normal(2, 3, seed=99)).cpu()
print(sample.view(2, 1, 4, 5).shape, sample.mean().item())
noise = torch.randn_like(mu)
print(noise.shape == mu.shape, noise.requires_grad, float(noise.mean().abs()) < 3)
