"""One encoder, several heads: class, regression and reconstruction losses added with weights; part of the network is
frozen.
"""

import torch
from first_values import fill, normal
from torch import nn


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, 16), nn.ELU(), nn.Linear(16, 4), nn.Tanh())
        self.heads = nn.ModuleDict({"label": nn.Linear(4, 3), "value": nn.Linear(4, 1), "rebuilt": nn.Linear(4, 8)})
        self.log_vars = nn.ParameterDict({k: nn.Parameter(torch.zeros(())) for k in ("label", "value", "rebuilt")})

    def forward(self, x):
        code = self.encoder(x)
        return code, {name: head(code) for name, head in self.heads.items()}


x = normal(30, 8)
truth = {"label": (x[:, :3]).argmax(1), "value": x.sum(1, keepdim=True), "rebuilt": x}
losses = {"label": nn.CrossEntropyLoss(), "value": nn.HuberLoss(), "rebuilt": nn.L1Loss()}
model = fill(MultiTask())
with torch.no_grad():
    for p in model.log_vars.values():
        p.zero_()
groups = [
    {"params": model.encoder.parameters(), "lr": 5e-3},
    {"params": model.heads.parameters()},
    {"params": model.log_vars.parameters(), "lr": 1e-2},
]
optimizer = torch.optim.Adam(groups, lr=1e-2)
for step in range(31):
    code, out = model(x)
    parts = {k: losses[k](out[k], truth[k]) for k in losses}
    loss = sum(torch.exp(-model.log_vars[k]) * part + model.log_vars[k] for k, part in parts.items())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(step, {k: round(v.item(), 4) for k, v in parts.items()}, f"{loss.item():.4f}")
print({k: round(v.item(), 4) for k, v in model.log_vars.items()})
print([n for n, _ in model.named_parameters()][:3], [n for n, _ in model.named_children()], "value" in model.heads)

grads = []
for name in losses:
    g = torch.autograd.grad(losses[name](model(x)[1][name], truth[name]), model.encoder[0].weight)[0]
    grads.append(g.flatten())
print("agreement of the heads:", torch.nn.functional.cosine_similarity(grads[0], grads[1], dim=0).item())

model.encoder.requires_grad_(False)
before = model.encoder[0].weight.clone()
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
for _ in range(5):
    optimizer.zero_grad()
    losses["label"](model(x)[1]["label"], truth["label"]).backward()
    optimizer.step()
print(torch.equal(before, model.encoder[0].weight), model.heads["rebuilt"].weight.grad is None)
print(model)
new_head = fill(nn.Sequential(model.encoder, nn.Linear(4, 2)), seed=9)
print(new_head(x[:2]), sum(p.requires_grad for p in new_head.parameters()))
