"""Gradients on the input: the fast gradient sign attack, a dream by gradient ascent, a saliency map, a smallest
perturbation.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill, normal

x = torch.sigmoid(normal(40, 1, 6, 6))
y = (x[:, 0, :3].sum((1, 2)) > x[:, 0, 3:].sum((1, 2))).long()
net = fill(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2)))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
for _ in range(30):
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
net.eval()
for p in net.parameters():
    p.requires_grad_(False)


def fgsm_attack(image, epsilon, data_grad):
    return torch.clamp(image + epsilon * data_grad.sign(), 0, 1)


for epsilon in (0.0, 0.1, 0.3):
    data = x.clone().requires_grad_()
    loss = F.cross_entropy(net(data), y)
    net.zero_grad()
    loss.backward()
    attacked = fgsm_attack(data, epsilon, data.grad.data)
    with torch.no_grad():
        print(f"Epsilon: {epsilon}\tloss {F.cross_entropy(net(attacked), y).item():.4f}")

saliency, _ = data.grad.abs().max(dim=1)
print(saliency.shape, saliency[0].argmax().item())

dream = torch.full((1, 1, 6, 6), 0.5).requires_grad_(True)
for i in range(20):
    score = net(dream)[0, 1] - 0.05 * (dream**2).sum()
    score.backward()
    with torch.no_grad():
        dream.data += 0.1 * dream.grad / dream.grad.norm()
        dream.data.clamp_(0, 1)
    dream.grad.zero_()
    if i % 5 == 0:
        print(f"score {score.item():.4f}")
print(dream.detach().squeeze())

delta = torch.zeros_like(x[:1], requires_grad=True)
opt = torch.optim.Adam([delta], lr=0.05)
for _ in range(20):
    loss = -F.cross_entropy(net(x[:1] + delta), y[:1]) + 0.5 * delta.norm(p=2)
    opt.zero_grad()
    loss.backward(inputs=[delta])
    opt.step()
print(delta.norm().item(), F.softmax(net(x[:1] + delta), dim=1).detach())
