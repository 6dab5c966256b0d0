"""Every schedule on the same little training: the learning rates step by step, and what they lead to."""

import warnings

from first_values import fill, normal
from torch import nn, optim
from torch.optim import lr_scheduler as S

warnings.filterwarnings("ignore")
X, y = normal(16, 3), normal(16, 1, seed=1)

SCHEDULES = {
    "StepLR": lambda o: S.StepLR(o, step_size=3, gamma=0.5),
    "MultiStepLR": lambda o: S.MultiStepLR(o, milestones=[2, 6], gamma=0.1),
    "ExponentialLR": lambda o: S.ExponentialLR(o, gamma=0.9),
    "CosineAnnealingLR": lambda o: S.CosineAnnealingLR(o, T_max=8, eta_min=0.001),
    "LinearLR": lambda o: S.LinearLR(o, start_factor=0.25, total_iters=5),
    "ConstantLR": lambda o: S.ConstantLR(o, factor=0.5, total_iters=4),
    "PolynomialLR": lambda o: S.PolynomialLR(o, total_iters=6, power=2.0),
    "OneCycleLR": lambda o: S.OneCycleLR(o, max_lr=0.2, total_steps=10),
    "CyclicLR": lambda o: S.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=3),
    "CosineAnnealingWarmRestarts": lambda o: S.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
    "LambdaLR": lambda o: S.LambdaLR(o, lr_lambda=lambda e: 0.95**e),
    "MultiplicativeLR": lambda o: S.MultiplicativeLR(o, lr_lambda=lambda e: 0.95),
    "SequentialLR": lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.8)], milestones=[3]),
    "ChainedScheduler": lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)]),
}
for name, make in SCHEDULES.items():
    model = fill(nn.Linear(3, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for _ in range(9):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X), y)
        loss.backward()
        optimizer.step()
        rates.append(round(optimizer.param_groups[0]["lr"], 5))
        scheduler.step()
    print(name, rates, f"{loss.item():.4f}")

optimizer = optim.SGD(model.parameters(), lr=0.1)
plateau = S.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1)
for metric in [1.0, 0.9, 0.9, 0.95, 0.9, 0.8, 0.85, 0.9]:
    plateau.step(metric)
    print(optimizer.param_groups[0]["lr"], end=" ")
print()

optimizer = optim.Adam(model.parameters(), lr=0.1)
scheduler = S.StepLR(optimizer, 2)
for _ in range(3):
    optimizer.step()
    scheduler.step()
saved = scheduler.state_dict()
other = S.StepLR(optim.Adam(model.parameters(), lr=0.1), 2)
other.load_state_dict(saved)
print(other.last_epoch, other.get_last_lr())
