"""Weight tying: one Parameter under two names; control flow that uses a layer a different number of times."""

import copy

import torch
import torch.nn as nn
from first_values import fill, normal


class TiedLM(nn.Module):
    def __init__(self, vocab=11, dim=6):
        super().__init__()
        self.encoder = nn.Embedding(vocab, dim)
        self.body = nn.Linear(dim, dim)
        self.decoder = nn.Linear(dim, vocab, bias=False)
        self.decoder.weight = self.encoder.weight

    def forward(self, ids):
        return self.decoder(torch.tanh(self.body(self.encoder(ids))))


model = fill(TiedLM())
print(len(list(model.parameters())), len(model.state_dict()), model.decoder.weight is model.encoder.weight)
ids = torch.tensor([[1, 2, 3], [4, 5, 1]])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(10):
    loss = nn.functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), model.encoder.weight.grad[1], torch.equal(model.encoder.weight, model.decoder.weight))
twin = copy.deepcopy(model)
print(twin.decoder.weight is twin.encoder.weight, twin.encoder.weight is model.encoder.weight)
twin.load_state_dict({k: torch.zeros_like(v) for k, v in model.state_dict().items()})
print(twin.encoder.weight.abs().sum().item(), model.encoder.weight.abs().sum().item() > 0)


class DynamicNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d, self.e = (nn.Parameter(torch.tensor(v)) for v in (0.1, 0.2, -0.3, 0.4, 0.05))

    def forward(self, x, repeats):
        y = self.a + self.b * x + self.c * x**2 + self.d * x**3
        for exp in range(4, 4 + repeats):
            y = y + self.e * x**exp
        return y

    def string(self):
        return (
            f"y = {self.a.item():.3f} + {self.b.item():.3f} x + {self.e.item():.4f} x^4 ? + {self.e.item():.4f} x^5 ?"
        )


x = torch.linspace(-1, 1, 50)
y = torch.sin(3 * x)
net = DynamicNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for t in range(60):
    loss = nn.MSELoss(reduction="mean")(net(x, t % 3), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if t % 20 == 19:
        print(t, loss.item())
print(net.string())
print([n for n, _ in net.named_parameters()], net)

shared = nn.Linear(4, 4)
stack = fill(nn.Sequential(shared, nn.ReLU(), shared))
stack(normal(2, 4)).sum().backward()
print(len(list(stack.parameters())), shared.weight.grad.shape, [n for n, _ in stack.named_modules()])
