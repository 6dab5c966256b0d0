"""Hooks: collect activations and gradients by layer, change a gradient, count calls, stop listening; weight
statistics.
"""

from collections import defaultdict

import torch
from first_values import fill, normal
from torch import nn

model = fill(
    nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 10), nn.Sigmoid(), nn.Linear(10, 2))
)
activations, gradients = {}, defaultdict(list)


def get_activation(name):
    def hook(module, inputs, output):
        activations[name] = output.detach()

    return hook


def get_gradient(name):
    def hook(module, grad_input, grad_output):
        gradients[name].append(grad_output[0].norm().item())

    return hook


handles = []
for name, layer in model.named_children():
    handles.append(layer.register_forward_hook(get_activation(f"{name}:{type(layer).__name__}")))
    handles.append(layer.register_full_backward_hook(get_gradient(name)))
x = normal(5, 1, 6, 6)
model(x).pow(2).mean().backward()
for name, a in activations.items():
    print(f"{name:12s} {tuple(a.shape)} mean {a.mean().item():.4f} dead {(a <= 0).float().mean().item():.3f}")
print({k: [round(v, 4) for v in vs] for k, vs in gradients.items()})
for handle in handles:
    handle.remove()
activations.clear()
model(x)
print("after removal:", len(activations))

calls = []
pre = model[3].register_forward_pre_hook(lambda m, args: (args[0] * 2,))
before = model(x)
pre.remove()
print((model(x) - before).abs().max().item() > 1e-4)
model[0].weight.register_hook(lambda g: calls.append(g.norm().item()))
z = normal(3).requires_grad_()
z.register_hook(lambda g: g.clamp(-0.1, 0.1))
(z * torch.tensor([1.0, 0.05, -3.0])).sum().backward()
print(z.grad)
model.zero_grad()
model(x).sum().backward()
print(len(calls), calls[0])

accumulated = []
w = nn.Parameter(torch.ones(2))
w.register_post_accumulate_grad_hook(lambda p: accumulated.append(p.grad.clone()))
(w * 3).sum().backward()
print(accumulated)

y = (z * 2).exp().sum()
node, depth = y.grad_fn, 0
while node.next_functions:
    node, depth = node.next_functions[0][0], depth + 1
print("depth of the graph:", depth, node.variable is z)
for name, p in model.named_parameters():
    print(f"{name}: std {p.std().item():.4f} grad/data {(p.grad.std() / p.std()).item():.4f}")
print([m for m in model.modules() if isinstance(m, nn.Linear)], sum(1 for _ in model.modules()))
