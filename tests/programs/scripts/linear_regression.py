"""A line through points: by hand on plain tensors, by autograd, and by nn and optim."""

import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(1)
X = torch.from_numpy(rng.uniform(-1, 1, (64, 2)).astype("float32"))
true_w, true_b = torch.tensor([2.0, -3.4]), 4.2
y = X @ true_w + true_b + torch.from_numpy(rng.normal(0, 0.01, 64)).float()

w, b, rate = torch.zeros(2), 0.0, 0.3
for _ in range(50):
    error = X @ w + b - y
    w = w - rate * 2 * (X.t() @ error) / len(X)
    b = b - rate * 2 * error.mean().item()
print("by hand", w, round(b, 3))

w = torch.zeros(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(50):
    loss = ((X @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in (w, b):
            p -= rate * p.grad
            p.grad.zero_()
    if epoch % 10 == 0:
        print(f"epoch {epoch}, loss {float(loss):f}")
print("by autograd", w.data, b.data)

net = nn.Linear(2, 1)
net.weight.data.fill_(0.0)
net.bias.data.fill_(0)
criterion = nn.MSELoss()
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
for _ in range(50):
    optimizer.zero_grad()
    loss = criterion(net(X).squeeze(1), y)
    loss.backward()
    optimizer.step()
print(net)
print("by nn", net.weight, net.bias.item(), loss.item())

A = torch.cat([X, torch.ones(len(X), 1)], dim=1)
print("normal equation", torch.linalg.solve(A.T @ A, A.T @ y), torch.linalg.lstsq(A, y.unsqueeze(1)).solution.T)
