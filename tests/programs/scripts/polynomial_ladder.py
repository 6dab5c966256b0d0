"""One polynomial, fitted six ways: NumPy, tensors, autograd, nn, optim, and a module of one's own."""

import math

import numpy as np
import torch

first = np.random.default_rng(0).normal(size=4)
x, y = np.linspace(-math.pi, math.pi, 200), np.sin(np.linspace(-math.pi, math.pi, 200))
a, b, c, d = first
rate = 1e-5
for t in range(100):
    y_pred = a + b * x + c * x**2 + d * x**3
    grad = 2.0 * (y_pred - y)
    a, b, c, d = (v - rate * (grad * x**k).sum() for k, v in enumerate((a, b, c, d)))
print(f"numpy    y = {a:.4f} + {b:.4f} x + {c:.4f} x^2 + {d:.4f} x^3")

dtype, device = torch.float, torch.device("cpu")
x = torch.linspace(-math.pi, math.pi, 200, device=device, dtype=dtype)
y = torch.sin(x)
a, b, c, d = (torch.tensor(v, dtype=dtype) for v in first)
for t in range(100):
    grad = 2.0 * (a + b * x + c * x**2 + d * x**3 - y)
    a, b, c, d = (v - rate * (grad * x**k).sum() for k, v in enumerate((a, b, c, d)))
print(f"tensors  y = {a.item():.4f} + {b.item():.4f} x + {c.item():.4f} x^2 + {d.item():.4f} x^3")

a, b, c, d = (torch.tensor(v, dtype=dtype, requires_grad=True) for v in first)
for t in range(100):
    loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
    if t % 50 == 49:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        for v in (a, b, c, d):
            v -= rate * v.grad
            v.grad = None
print(f"autograd y = {a.item():.4f} + {b.item():.4f} x + {c.item():.4f} x^2 + {d.item():.4f} x^3")

p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)
print(xx.shape, xx[0])
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
with torch.no_grad():
    model[0].bias.fill_(first[0])
    model[0].weight.copy_(torch.tensor(first[1:]).view(1, 3))
loss_fn = torch.nn.MSELoss(reduction="sum")
for t in range(100):
    loss = loss_fn(model(xx), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= rate * param.grad
print("nn      ", model[0].bias.item(), model[0].weight[:, 0].item(), loss.item())

optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for t in range(200):
    loss = loss_fn(model(xx), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("optim   ", loss.item())


class Polynomial3(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (torch.nn.Parameter(torch.tensor(v, dtype=dtype)) for v in first)

    def forward(self, x):
        return self.a + self.b * x + self.c * x**2 + self.d * x**3

    def string(self):
        return f"y = {self.a.item():.4f} + {self.b.item():.4f} x + {self.c.item():.4f} x^2 + {self.d.item():.4f} x^3"


model = Polynomial3()
optimizer = torch.optim.SGD(model.parameters(), lr=rate)
for t in range(100):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("module  ", model.string())
