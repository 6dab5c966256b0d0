"""A WaveNet-like character model: consecutive embeddings are flattened two by two, batch norm over two axes, own
modules.
"""

import numpy as np
import torch
import torch.nn.functional as F
from first_values import fill
from torch import nn

rng = np.random.default_rng(7)
V, block = 12, 8
ids = torch.from_numpy(np.cumsum(rng.integers(0, 3, 200)) % V)
X = ids.unfold(0, block, 1)[:-1]
Y = ids[block:]
print(X.shape, Y.shape, X[0], Y[0])


class FlattenConsecutive(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        B, T, C = x.shape
        x = x.view(B, T // self.n, C * self.n)
        return x.squeeze(1) if x.shape[1] == 1 else x


class BatchNorm(nn.Module):
    def __init__(self, dim, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.gamma, self.beta = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def forward(self, x):
        if self.training:
            dim = 0 if x.ndim == 2 else (0, 1)
            mean, var = x.mean(dim, keepdim=True), x.var(dim, keepdim=True)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * var
        else:
            mean, var = self.running_mean, self.running_var
        return self.gamma * (x - mean) / torch.sqrt(var + self.eps) + self.beta


def level(n, inputs, outputs):
    return [FlattenConsecutive(n), nn.Linear(inputs * n, outputs, bias=False), BatchNorm(outputs), nn.Tanh()]


model = nn.Sequential(nn.Embedding(V, 4), *level(2, 4, 12), *level(2, 12, 12), *level(2, 12, 12), nn.Linear(12, V))
fill(model)
with torch.no_grad():
    model[-1].weight *= 0.1
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(60):
    ix = torch.from_numpy(rng.integers(0, len(X), 32))
    loss = F.cross_entropy(model(X[ix]), Y[ix])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"{step:5d}: {loss.item():.4f}")
x = X[:4]
for layer in model:
    x = layer(x)
    print(layer.__class__.__name__, ":", tuple(x.shape))
model.eval()
with torch.no_grad():
    print(F.cross_entropy(model(X), Y).item(), model[3].running_mean.shape)
causal = fill(nn.Conv1d(4, 3, kernel_size=2, dilation=2))
print(causal(model[0](X[:1]).transpose(1, 2)).shape, causal)
