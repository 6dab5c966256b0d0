"""Second derivatives: Newton's method, jacobian and hessian of autograd.functional, Hessian-vector products, a
gradient penalty.
"""

import torch
from first_values import normal
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp


def f(x):
    return (x[0] - 1) ** 4 + (x[0] - 2 * x[1]) ** 2 + torch.exp(0.1 * x[1])


x = torch.tensor([3.0, -1.0], dtype=torch.float64)
for i in range(8):
    x = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(f(x), x)
    H = hessian(f, x)
    step = torch.linalg.solve(H, g)
    x = x - step
    if i % 2 == 0:
        print(f"{i} f={f(x).item():.6f} |g|={g.norm().item():.6f} decrement={(g @ step).item():.6f}")
print(H, torch.linalg.eigvalsh(H), torch.linalg.cond(H))

x = normal(3)
A = normal(2, 3, seed=1)
g = lambda t: torch.tanh(A @ t)
print(jacobian(g, x))
print(vjp(g, x, torch.ones(2)), jvp(g, x, torch.ones(3)))
h = lambda t: (t.sin() * t.roll(1)).sum()
v = torch.tensor([1.0, 0.0, 2.0])
print(hvp(h, x, v)[1], vhp(h, x, v)[1], hessian(h, x) @ v)
print(jacobian(lambda a, b: a * b.sum(), (x, torch.ones(2))))

by_hand = x.clone().requires_grad_()
(g1,) = torch.autograd.grad(h(by_hand), by_hand, create_graph=True)
(Hv,) = torch.autograd.grad(g1 @ v, by_hand, retain_graph=True)
rows = [torch.autograd.grad(g1[i], by_hand, retain_graph=True)[0] for i in range(3)]
print(Hv, torch.stack(rows))

net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
with torch.no_grad():
    for i, p in enumerate(net.parameters()):
        p.copy_(normal(*p.shape, seed=i))
inputs = normal(4, 3, seed=9).requires_grad_()
scores = net(inputs)
weights = torch.ones_like(scores)
gradients = torch.autograd.grad(scores, inputs, weights, create_graph=True, retain_graph=True, only_inputs=True)[0]
penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
print(penalty, net[0].weight.grad.norm(), net[2].bias.grad)
