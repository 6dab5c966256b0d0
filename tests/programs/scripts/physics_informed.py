"""A physics-informed network: a damped oscillator's equation enters the loss through first and second derivatives."""

import torch
import torch.nn as nn
from first_values import fill

torch.set_default_dtype(torch.float64)
d, w0 = 1.0, 4.0
mu, k = 2 * d, w0**2


def exact(t):
    w = (w0**2 - d**2) ** 0.5
    phi = torch.atan(torch.tensor(-d / w))
    A = 1 / (2 * torch.cos(phi))
    return torch.exp(-d * t) * 2 * A * torch.cos(phi + w * t)


class FCN(nn.Module):
    def __init__(self, n_hidden=12, layers=2):
        super().__init__()
        self.fcs = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.fch = nn.Sequential(*[nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.Tanh()) for _ in range(layers - 1)])
        self.fce = nn.Linear(n_hidden, 1)

    def forward(self, t):
        return self.fce(self.fch(self.fcs(t)))


pinn = fill(FCN())
boundary = torch.zeros(1, 1, requires_grad=True)
physics = torch.linspace(0, 1, 20).view(-1, 1).requires_grad_(True)
test = torch.linspace(0, 1, 50).view(-1, 1)
optimiser = torch.optim.Adam(pinn.parameters(), lr=5e-3)
for i in range(61):
    optimiser.zero_grad()
    u = pinn(boundary)
    loss1 = (torch.squeeze(u) - 1) ** 2
    dudt = torch.autograd.grad(u, boundary, torch.ones_like(u), create_graph=True)[0]
    loss2 = (torch.squeeze(dudt) - 0) ** 2
    u = pinn(physics)
    dudt = torch.autograd.grad(u, physics, torch.ones_like(u), create_graph=True)[0]
    d2udt2 = torch.autograd.grad(dudt, physics, torch.ones_like(dudt), create_graph=True)[0]
    loss3 = torch.mean((d2udt2 + mu * dudt + k * u) ** 2)
    loss = loss1 + 1e-1 * loss2 + 1e-3 * loss3
    loss.backward()
    optimiser.step()
    if i % 20 == 0:
        print(f"{i} {loss1.item():.6f} {loss2.item():.6f} {loss3.item():.4f}")
with torch.no_grad():
    print("distance to the exact curve:", (pinn(test) - exact(test)).pow(2).mean().item(), exact(test[:3]).T)
print(pinn.fcs[0].weight.grad.norm(), u.dtype, torch.get_default_dtype())

x = torch.linspace(0, 1, 5, requires_grad=True)
y = torch.sin(3 * x) * x
order = y
for n in range(1, 4):
    (order,) = torch.autograd.grad(order.sum(), x, create_graph=True)
    print(n, order.detach())
xy = torch.tensor([[0.3, 0.4], [0.1, -0.2]], requires_grad=True)
u = torch.exp(-xy[:, 0]) * torch.sin(xy[:, 1])
du = torch.autograd.grad(u.sum(), xy, create_graph=True)[0]
laplacian = sum(torch.autograd.grad(du[:, i].sum(), xy, retain_graph=True)[0][:, i] for i in range(2))
print("a harmonic function:", laplacian.abs().max().item() < 1e-12)
torch.set_default_dtype(torch.float32)
