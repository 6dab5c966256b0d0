"""Averages of weights: an exponential moving average by hand, swa_utils with SWALR, and batch norm statistics made
anew.
"""

import copy

import torch
from first_values import fill, normal
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset

X = normal(40, 4)
y = (X.sum(1, keepdim=True) > 0).float()
loader = DataLoader(TensorDataset(X, y), batch_size=10)
model = fill(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)))
loss_fn = nn.BCEWithLogitsLoss()


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = copy.deepcopy(model).eval()

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.mul_(self.decay).add_(p, alpha=1 - self.decay)
        for s, b in zip(self.shadow.buffers(), model.buffers()):
            s.copy_(b)


optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
swa_scheduler = SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
swa_model = AveragedModel(model)
ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
ema = EMA(model, 0.9)
for epoch in range(8):
    for xs, ys in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xs), ys)
        loss.backward()
        optimizer.step()
        ema.update(model)
        ema_model.update_parameters(model)
    if epoch >= 4:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    else:
        scheduler.step()
    print(epoch, f"{loss.item():.4f} lr {optimizer.param_groups[0]['lr']:.4f}")
update_bn(loader, swa_model)
swa_model.eval()
model.eval()
ema_model.eval()
with torch.no_grad():
    for name, m in (("last", model), ("swa", swa_model), ("ema", ema.shadow), ("ema2", ema_model.module)):
        print(name, loss_fn(m(X), y).item())
print(swa_model.n_averaged, swa_model.module[1].running_mean)
