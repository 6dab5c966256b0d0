"""Automatic differentiation: the worked numbers of the lecture decks, and what may go wrong."""

import torch

x1, x2 = torch.tensor(2.0, requires_grad=True), torch.tensor(5.0, requires_grad=True)
y = torch.log(x1) + x1 * x2 - torch.sin(x2)
y.backward()
print(f"{y.item():.4f} {x1.grad.item():.4f} {x2.grad.item():.4f}")

t_a, t_b = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([4.0, 4.0], requires_grad=True)
t_c = ((t_a - t_b) ** 2).sum()
print(t_c, t_c.grad_fn is not None, t_a.is_leaf, t_c.is_leaf)
t_c.backward()
print(t_a.grad, t_b.grad)

w, x, b = (torch.tensor(v, requires_grad=True) for v in (2.0, 3.0, 1.0))
u = w * x
v = u + b
a = torch.relu(v)
for t in (u, v):
    t.retain_grad()
a.backward()
print(w.grad, b.grad, x.grad, u.grad, v.grad)

for _ in range(2):
    (w * 3).backward()
print("accumulated", w.grad)
w.grad.zero_()
w.grad = None
with torch.no_grad():
    print((w * 2).requires_grad, w.detach().requires_grad, torch.is_grad_enabled())
    w -= 0.5
print(w)


@torch.no_grad()
def evaluate(z):
    return (z * w).requires_grad


print(evaluate(x), torch.enable_grad is not None)


def power(base, n):
    """Recursion and branches: the graph is defined by the run."""
    if n == 0:
        return torch.ones_like(base)
    half = power(base, n // 2)
    return half * half * base if n % 2 else half * half


z = torch.tensor(1.5, requires_grad=True)
(g,) = torch.autograd.grad(power(z, 7), z, create_graph=True)
(h,) = torch.autograd.grad(g, z)
print(g, h)

m = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
(m @ m).backward(torch.eye(2))
print(m.grad)

p = torch.ones(3, requires_grad=True)
q = (p * 2).exp()
q.mul_(2)
try:
    q.sum().backward()
except RuntimeError:
    print("a value needed for the gradient was overwritten")
try:
    p.add_(1)
except RuntimeError:
    print("a leaf that requires grad cannot be written to")
s = (p * p).sum()
s.backward()
try:
    s.backward()
except RuntimeError:
    print("the graph was freed")
(g1, g2) = torch.autograd.grad((p * 2).sum(), [p, m], allow_unused=True)
print(g1, g2)
handle = p.register_hook(lambda g: g * 10)
p.grad = None
(p * p).sum().backward()
print(p.grad)
handle.remove()
print(torch.tensor([1.0], requires_grad=True) * 2 > 1)
print(p, s.detach())
