"""Every optimiser walks down Rosenbrock's valley and a noisy bowl; the paths' ends are printed."""

import torch
from torch import optim

MAKERS = {
    "SGD": lambda p: optim.SGD(p, lr=1e-3),
    "momentum": lambda p: optim.SGD(p, lr=5e-4, momentum=0.9, dampening=0.1),
    "Nesterov": lambda p: optim.SGD(p, lr=5e-4, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.05),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.05, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05, weight_decay=0.1),
    "NAdam": lambda p: optim.NAdam(p, lr=0.05),
    "RAdam": lambda p: optim.RAdam(p, lr=0.05),
    "Adamax": lambda p: optim.Adamax(p, lr=0.05),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.2),
    "Adadelta": lambda p: optim.Adadelta(p, lr=5.0),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Rprop": lambda p: optim.Rprop(p, lr=0.01),
    "ASGD": lambda p: optim.ASGD(p, lr=1e-3),
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.5, max_iter=2),
}


def rosenbrock(xy):
    x, y = xy
    return (1 - x) ** 2 + 10 * (y - x**2) ** 2


for name, make in MAKERS.items():
    point = torch.tensor([-1.0, 1.5], requires_grad=True)
    optimizer = make([point])
    start = rosenbrock(point).item()

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(point)
        loss.backward()
        return loss

    for _ in range(40):
        optimizer.step(closure)
    print(f"{name:10s} {start:.3f} -> {rosenbrock(point).item():.5f} at", point.detach().numpy().round(3).tolist())

x = torch.tensor(4.0, requires_grad=True)
path = []
for _ in range(6):
    y = x**2 - 3 * x
    y.backward()
    path.append((round(x.item(), 3), round(y.item(), 3)))
    with torch.no_grad():
        x -= 0.2 * x.grad
    x.grad = None
print(path)
optimizer = optim.Adam([{"params": [x]}], lr=0.1, maximize=True)
(-(x**2)).backward()
optimizer.step()
print(x, optimizer.state_dict()["param_groups"][0]["lr"], sorted(optimizer.state_dict()["state"][0]))
