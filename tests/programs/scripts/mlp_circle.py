"""The playground's circle: a small tanh network, trained on mini-batches with Adam."""

import numpy as np
import torch
from first_values import fill
from torch import nn

rng = np.random.default_rng(0)
radius = np.concatenate([rng.uniform(0, 2.5, 100), rng.uniform(3.5, 5, 100)])
angle = rng.uniform(0, 2 * np.pi, 200)
points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1).astype(np.float32)
X = torch.from_numpy(points)
y = torch.from_numpy(np.where(radius < 3, 1.0, -1.0).astype(np.float32)).unsqueeze(-1)

model = fill(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh()))
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
loss_fn = nn.MSELoss()
order = torch.from_numpy(rng.permutation(200))
for epoch in range(20):
    model.train()
    total = 0.0
    for batch in order.split(20):
        optimizer.zero_grad()
        loss = 0.5 * loss_fn(model(X[batch]), y[batch])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1:3d} loss {total / 200:.4f}")
model.eval()
with torch.inference_mode():
    grid = torch.stack(torch.meshgrid(torch.linspace(-6, 6, 5), torch.linspace(-6, 6, 5), indexing="ij"), dim=-1)
    surface = model(grid.reshape(-1, 2)).reshape(5, 5)
    right = (model(X).sign() == y).sum().item()
print(surface)
print(right > 150, model[0].weight.shape, sum(p.numel() for p in model.parameters() if p.requires_grad))
print(model)
print({name: tuple(value.shape) for name, value in model.state_dict().items()})
