"""Logistic regression on two clouds: the sigmoid by hand, then nn with BCE on logits, with an L2 penalty."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

rng = np.random.default_rng(3)
points = np.concatenate([rng.normal((-1, -1), 0.8, (50, 2)), rng.normal((1, 1), 0.8, (50, 2))]).astype(np.float32)
labels = np.repeat([0.0, 1.0], 50).astype(np.float32)
X, y = torch.tensor(points), torch.tensor(labels).view(-1, 1)

w = torch.zeros(2, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for _ in range(30):
    p = 1 / (1 + torch.exp(-(X @ w + b)))
    loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
    loss.backward()
    with torch.no_grad():
        w -= w.grad
        b -= b.grad
    w.grad, b.grad = None, None
print(loss, w.view(-1), b)


class LogisticRegression(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, 1)

    def forward(self, x):
        return torch.sigmoid(self.linear(x))


model = LogisticRegression(2)
nn.init.zeros_(model.linear.weight)
nn.init.constant_(model.linear.bias, 0.0)
data = TensorDataset(X, y)
loader = DataLoader(data, batch_size=20, shuffle=False, drop_last=False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, weight_decay=0.01)
for _ in range(5):
    for xs, ys in loader:
        out = model(xs)
        loss = F.binary_cross_entropy(out, ys)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    logits = model.linear(X)
    print(
        F.binary_cross_entropy_with_logits(logits, y), nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))(logits, y)
    )
    accuracy = ((model(X) > 0.5).float() == y).float().mean()
print(f"accuracy {accuracy.item():.2f}", len(data), len(loader))
train, valid = random_split(data, [80, 20], generator=torch.Generator().manual_seed(0))
print(len(train), len(valid), sorted(train.indices + valid.indices) == list(range(100)))
for name, p in model.named_parameters():
    print(name, tuple(p.shape), p.requires_grad, p.data)
