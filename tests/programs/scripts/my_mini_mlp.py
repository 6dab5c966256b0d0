"""MyMiniMLP, 8-16-1: modules by inheritance, a two-layer Sequential by a hand-written loop, the neuron's worked
numbers.
"""

import torch
import torch.nn as nn
from first_values import fill, normal


class MyMiniMLP(nn.Module):
    def __init__(self, inputs=8, hidden=16):
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))


class WithDropout(MyMiniMLP):
    def __init__(self):
        super().__init__()
        self.add_module("drop", nn.Dropout(p=0.5))

    def forward(self, x):
        return self.drop(super().forward(x))


X, y = normal(32, 8), normal(32, 1, seed=1)
model = fill(MyMiniMLP())
print(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
for step in range(40):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(X), y)
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, loss.item())
other = WithDropout()
print(other.load_state_dict(model.state_dict(), strict=True))
other.eval()
print(torch.equal(other(X), model(X)), [name for name, _ in other.named_children()], other.training)

seq = fill(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), seed=4)
xs, ys = normal(10, 2, seed=2), normal(10, 2, seed=3)
for _ in range(200):
    loss = ((seq(xs) - ys) ** 2).mean()
    seq.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in seq.parameters():
            param -= 0.05 * param.grad
print(f"{loss:.4f}", seq[1].bias)

inputs = torch.tensor([0.2, 0.9, -1.1])
W = torch.tensor([[0.6, 0.5, 0.1], [-0.2, 0.9, 0.3]])
z = torch.tensor([0.4675, 0.5175], requires_grad=True)
w_out, b_out, target = torch.tensor([0.6, 0.7], requires_grad=True), torch.tensor(0.0), 1.0
out = (w_out * z).sum() + b_out
((out - target) ** 2).backward()
print(out.item(), w_out.grad, 2 * (out.item() - target) * 0.4675, W @ inputs)
