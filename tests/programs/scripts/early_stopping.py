"""Early stopping: checkpoints by torch.save and torch.load, the best model is restored, training resumes to the same
numbers.
"""

import os
import tempfile

import torch
from first_values import fill, normal
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

X = normal(60, 6)
y = X[:, :1] - 2 * X[:, 1:2] + normal(60, 1, seed=2)
train = DataLoader(TensorDataset(X[:20], y[:20]), batch_size=5)
val_X, val_y = X[20:], y[20:]
loss_fn = nn.MSELoss()


def make():
    model = fill(nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1)), seed=3)
    return model, torch.optim.Adam(model.parameters(), lr=0.02)


def run_epoch(model, optimizer):
    model.train()
    for xs, ys in train:
        optimizer.zero_grad()
        loss_fn(model(xs), ys).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return loss_fn(model(val_X), val_y).item()


class EarlyStopping:
    def __init__(self, path, patience=3):
        self.path, self.patience, self.counter, self.best = path, patience, 0, float("inf")

    def __call__(self, val_loss, model):
        if val_loss < self.best:
            self.best, self.counter = val_loss, 0
            torch.save(model.state_dict(), self.path)
        else:
            self.counter += 1
        return self.counter >= self.patience


with tempfile.TemporaryDirectory() as folder:
    model, optimizer = make()
    stopper = EarlyStopping(os.path.join(folder, "best.pt"))
    for epoch in range(60):
        val_loss = run_epoch(model, optimizer)
        if stopper(val_loss, model):
            print("stopped after epoch", epoch)
            break
    model.load_state_dict(torch.load(os.path.join(folder, "best.pt")))
    print(f"best {stopper.best:.4f}", abs(loss_fn(model(val_X), val_y).item() - stopper.best) < 1e-6)

    model, optimizer = make()
    losses = [run_epoch(model, optimizer) for _ in range(3)]
    path = os.path.join(folder, "checkpoint.tar")
    torch.save({"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "losses": losses}, path)
    straight = [run_epoch(model, optimizer) for _ in range(2)]
    model, optimizer = make()
    checkpoint = torch.load(path, weights_only=True)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    resumed = [run_epoch(model, optimizer) for _ in range(2)]
    print(checkpoint["epoch"], checkpoint["losses"], straight, straight == resumed)
    print(optimizer)
    tensor_path = os.path.join(folder, "tensors.pt")
    torch.save([torch.arange(3), {"w": torch.ones(2, 2)}], tensor_path)
    print(torch.load(tensor_path, map_location="cpu"))
try:
    nn.Linear(6, 31).load_state_dict(model[0].state_dict())
except RuntimeError:
    print("size mismatch is refused")
print(model.load_state_dict({"0.weight": model[0].weight}, strict=False))
