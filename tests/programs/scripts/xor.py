"""XOR: no line separates it; a hidden layer does. The loss falls, and the truth table comes out."""

import torch
from first_values import fill
from torch import nn, optim

X = torch.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = torch.Tensor([0, 1, 1, 0]).view(-1, 1)


class XOR(nn.Module):
    def __init__(self, input_dim=2, output_dim=1):
        super().__init__()
        self.lin1 = nn.Linear(input_dim, 4)
        self.lin2 = nn.Linear(4, output_dim)

    def forward(self, x):
        x = torch.tanh(self.lin1(x))
        return torch.sigmoid(self.lin2(x))


model = fill(XOR(), seed=3, scale=1.0)
loss_func = nn.BCELoss()
optimizer = optim.RMSprop(model.parameters(), lr=0.02, alpha=0.9)
for epoch in range(201):
    y_hat = model(X)
    loss = loss_func(y_hat, Y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 50 == 0:
        print(f"Epoch: {epoch}, Loss: {loss.data.numpy():.4f}")
print(model(X).round().int().flatten().tolist())
for m in model.modules():
    if isinstance(m, nn.Linear):
        print(m, m.weight.data.norm())

table = torch.tensor([[0, 1], [1, 0]], dtype=torch.bool)
print(table ^ table.T, table & ~table, torch.logical_xor(table[0], table[1]))
linear = fill(nn.Linear(2, 1))
optimizer = optim.Adagrad(linear.parameters(), lr=0.5)
for _ in range(100):
    loss = nn.functional.mse_loss(linear(X), Y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"a line stays at {loss.item():.3f}")
