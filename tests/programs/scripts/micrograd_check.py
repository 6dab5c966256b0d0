"""A scalar automatic differentiator of one's own in forty lines, held against torch as its oracle."""

import math

import torch


class Value:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0.0, parents

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, n):
        return Value(self.data**n, ((self, n * self.data ** (n - 1)),))

    def relu(self):
        return Value(max(self.data, 0.0), ((self, float(self.data > 0)),))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t * t),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for parent, _ in v.parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for parent, local in v.parents:
                parent.grad += local * v.grad


def expression(a, b):
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0 if isinstance(f, torch.Tensor) else f * 0.5
    return g + 10.0 * (f + 1.0) ** -1 + (a * 0.1).tanh()


a, b = Value(-4.0), Value(2.0)
g = expression(a, b)
g.backward()
ta, tb = torch.Tensor([-4.0]).double(), torch.Tensor([2.0]).double()
ta.requires_grad = tb.requires_grad = True
tg = expression(ta, tb)
tg.backward()
tol = 1e-6
print(abs(g.data - tg.data.item()) < tol, abs(a.grad - ta.grad.item()) < tol, abs(b.grad - tb.grad.item()) < tol)
print(tg.data.item(), ta.grad.item(), tb.grad.item(), tg)

neuron_x, neuron_w = [Value(v) for v in (2.0, 0.0)], [Value(v) for v in (-3.0, 1.0)]
o = (sum(x * w for x, w in zip(neuron_x, neuron_w)) + 6.8813735870195432).tanh()
o.backward()
x1 = torch.Tensor([2.0]).double()
x1.requires_grad = True
x2 = torch.Tensor([0.0]).double().requires_grad_()
n = x1 * -3.0 + x2 * 1.0 + torch.tensor([6.8813735870195432]).double()
to = torch.tanh(n)
to.backward()
print(o.data, to.item(), neuron_x[0].grad, x1.grad.item(), x2.grad.item())
