"""A neural ODE by hand: Runge-Kutta steps, and a Function whose backward solves the adjoint equation backwards in
time.
"""

import torch
import torch.nn as nn
from first_values import fill


def rk4(f, y, t0, t1, steps):
    h, t = (t1 - t0) / steps, t0
    for _ in range(steps):
        k1 = f(t, y)
        k2 = f(t + h / 2, y + h / 2 * k1)
        k3 = f(t + h / 2, y + h / 2 * k2)
        k4 = f(t + h, y + h * k3)
        y, t = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), t + h
    return y


class ODEFunc(nn.Module):
    def __init__(self, dim=2, hidden=8):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, hidden), nn.Tanh(), nn.Linear(hidden, dim))

    def forward(self, t, y):
        return self.net(y)


class Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y0, func, steps, *params):
        ctx.func, ctx.steps = func, steps
        with torch.no_grad():
            y1 = rk4(func, y0, 0.0, 1.0, steps)
        ctx.save_for_backward(y1, *params)
        return y1

    @staticmethod
    def backward(ctx, g):
        y1, *params = ctx.saved_tensors
        sizes = [p.numel() for p in params]
        n = y1.numel()

        def augmented(t, state):
            y, a = state[:n].view_as(y1), state[n : 2 * n].view_as(y1)
            with torch.enable_grad():
                y = y.detach().requires_grad_(True)
                dy = ctx.func(t, y)
                grads = torch.autograd.grad(dy, (y, *params), -a, allow_unused=True)
            return torch.cat([dy.detach().reshape(-1), *(v.reshape(-1) for v in grads)])

        start = torch.cat([y1.reshape(-1), g.reshape(-1), torch.zeros(sum(sizes))])
        end = rk4(augmented, start, 1.0, 0.0, ctx.steps)
        parts = end[2 * n :].split(sizes)
        return (end[n : 2 * n].view_as(y1), None, None, *(v.view_as(p) for v, p in zip(parts, params)))


func = fill(ODEFunc())
y0 = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
target = rk4(lambda t, y: y @ true_A, y0, 0.0, 1.0, 20)
print(target, torch.allclose(target, y0 @ torch.linalg.matrix_exp(true_A), atol=1e-4))
loss = ((rk4(func, y0, 0.0, 1.0, 8) - target) ** 2).mean()
direct = torch.autograd.grad(loss, list(func.parameters()))
loss = ((Adjoint.apply(y0, func, 8, *func.parameters()) - target) ** 2).mean()
adjoint = torch.autograd.grad(loss, list(func.parameters()))
print("adjoint agrees:", all(torch.allclose(a, b, atol=1e-3) for a, b in zip(direct, adjoint)))
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-2)
for itr in range(25):
    optimizer.zero_grad()
    loss = (Adjoint.apply(y0, func, 5, *func.parameters()) - target).abs().mean()
    loss.backward()
    optimizer.step()
    if itr % 8 == 0:
        print(f"Iter {itr:04d} | Total Loss {loss.item():.4f}")
