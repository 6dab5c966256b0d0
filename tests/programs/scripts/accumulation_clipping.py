"""Gradient accumulation over micro-batches, clipping by norm and by value, parameter groups, warm-up with cosine
decay.
"""

import math

import torch
from first_values import fill, normal
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters
from torch.optim.lr_scheduler import LambdaLR

X, y = normal(24, 5), normal(24, 1, seed=1)
make = lambda: fill(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1)))
loss_fn = nn.MSELoss()

whole, pieces = make(), make()
loss_fn(whole(X), y).backward()
accumulation_steps = 4
for xs, ys in zip(X.chunk(accumulation_steps), y.chunk(accumulation_steps)):
    loss = loss_fn(pieces(xs), ys) / accumulation_steps
    loss.backward()
same = [torch.allclose(a.grad, b.grad, atol=1e-6) for a, b in zip(whole.parameters(), pieces.parameters())]
print("accumulated gradient equals the full one:", all(same))

total = clip_grad_norm_(pieces.parameters(), max_norm=0.1)
left = torch.sqrt(sum((p.grad**2).sum() for p in pieces.parameters()))
print(f"norm {total.item():.4f} clipped to {left.item():.4f}")
clip_grad_value_(pieces.parameters(), 0.02)
print(max(p.grad.abs().max().item() for p in pieces.parameters()))
vector = parameters_to_vector(pieces.parameters())
vector_to_parameters(vector * 0.5, pieces.parameters())
print(vector.shape, torch.allclose(parameters_to_vector(pieces.parameters()), vector * 0.5))

model = make()
decay = [p for n, p in model.named_parameters() if n.endswith("weight")]
plain = [p for n, p in model.named_parameters() if n.endswith("bias")]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": plain, "lr": 1e-3}], lr=1e-2, weight_decay=0
)
warm, steps = 4, 20
schedule = LambdaLR(
    optimizer, lambda i: (i + 1) / warm if i < warm else 0.5 * (1 + math.cos(math.pi * (i - warm) / (steps - warm)))
)
rates = []
for step in range(steps):
    optimizer.zero_grad()
    for xs, ys in zip(X.split(12), y.split(12)):
        (loss_fn(model(xs), ys) / 2).backward()
    clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    rates.append(optimizer.param_groups[0]["lr"])
    schedule.step()
print([round(r, 5) for r in rates], schedule.get_last_lr())
print(loss_fn(model(X), y).item(), [g["weight_decay"] for g in optimizer.param_groups], len(optimizer.state))
frozen = make()
for p in frozen[0].parameters():
    p.requires_grad = False
optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, frozen.parameters()), lr=0.1)
loss_fn(frozen(X), y).backward()
optimizer.step()
print(frozen[0].weight.grad, frozen[2].bias, loss_fn(frozen(X), y).item())
