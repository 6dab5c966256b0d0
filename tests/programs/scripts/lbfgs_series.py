"""A time series of sines: two LSTM cells trained with LBFGS and a closure, in float64, then they predict on."""

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from first_values import fill


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 8)
        self.lstm2 = nn.LSTMCell(8, 8)
        self.linear = nn.Linear(8, 1)

    def forward(self, input, future=0):
        outputs = []
        h_t = torch.zeros(input.size(0), 8, dtype=torch.double)
        c_t = torch.zeros(input.size(0), 8, dtype=torch.double)
        h_t2, c_t2 = torch.zeros_like(h_t), torch.zeros_like(c_t)
        for input_t in input.split(1, dim=1):
            h_t, c_t = self.lstm1(input_t, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        for _ in range(future):
            h_t, c_t = self.lstm1(output, (h_t, c_t))
            h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
            output = self.linear(h_t2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


start = np.array([[0.0], [3.0], [5.0]])
data = np.sin((np.arange(24) + start) / 3.0).astype("float64")
input, target = torch.from_numpy(data[:, :-1]), torch.from_numpy(data[:, 1:])
seq = fill(Sequence())
seq.double()
criterion = nn.MSELoss()
optimizer = optim.LBFGS(seq.parameters(), lr=0.8, max_iter=4)
for i in range(3):
    calls = 0

    def closure():
        global calls
        calls += 1
        optimizer.zero_grad()
        out = seq(input)
        loss = criterion(out, target)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    print("STEP", i, "loss", loss.item(), "calls", calls)
    with torch.no_grad():
        pred = seq(input, future=4)
        print("test loss:", criterion(pred[:, :-4], target).item(), pred.dtype, pred[0, -4:])

x = torch.tensor([-1.2, 1.0], requires_grad=True)
optimizer = optim.LBFGS([x], line_search_fn="strong_wolfe", max_iter=40, tolerance_grad=1e-9)


def rosenbrock():
    optimizer.zero_grad()
    f = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    f.backward()
    return f


optimizer.step(rosenbrock)
print(x)
