"""Metric learning: shared towers with contrastive, triplet and cosine losses; a confusion matrix; many losses on one
table.
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill, normal
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, WeightedRandomSampler

rng = np.random.default_rng(0)
labels = torch.from_numpy(rng.integers(0, 3, 45))
X = F.one_hot(labels, 3).float() @ normal(3, 6, seed=1) + 0.3 * normal(45, 6, seed=2)


class Triplets(Dataset):
    def __getitem__(self, i):
        same = torch.nonzero(labels == labels[i]).flatten()
        other = (labels != labels[i]).nonzero(as_tuple=True)[0]
        return {
            "anchor": X[i],
            "positive": X[same[i % len(same)]],
            "negative": X[other[i % len(other)]],
            "label": labels[i],
        }

    def __len__(self):
        return len(X)


tower = fill(nn.Sequential(nn.Linear(6, 10), nn.PReLU(), nn.Linear(10, 2, bias=False)))
optimizer = torch.optim.Adam(tower.parameters(), lr=0.01)
triplet = nn.TripletMarginLoss(margin=1.0)
for epoch in range(4):
    for batch in DataLoader(Triplets(), batch_size=15):
        a, p, n = (tower(batch[k]) for k in ("anchor", "positive", "negative"))
        loss = triplet(a, p, n)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, f"{loss.item():.4f}", batch["label"].shape)

with torch.no_grad():
    z = tower(X)
    centres = torch.stack([z[labels == c].mean(0) for c in range(3)])
    predicted = torch.cdist(z, centres).argmin(1)
    confusion = torch.zeros(3, 3, dtype=torch.int64)
    for t, p in zip(labels.view(-1), predicted.view(-1)):
        confusion[t.long(), p.long()] += 1
    print(confusion, confusion.diag().sum() / confusion.sum())

x1, x2, same = z[:8], z[8:16], (labels[:8] == labels[8:16]).float()
d = F.pairwise_distance(x1, x2)
contrastive = (same * d**2 + (1 - same) * F.relu(2.0 - d) ** 2).mean()
print(
    contrastive, F.cosine_embedding_loss(x1, x2, same * 2 - 1), nn.MarginRankingLoss(0.5)(d[:4], d[4:], torch.ones(4))
)
logits, target = z[:6], torch.tensor([0, 1, 1, 0, 1, 0])
print(F.cross_entropy(logits, target, weight=torch.tensor([1.0, 3.0])), F.multi_margin_loss(logits, target))
print(
    F.cross_entropy(logits, F.one_hot(target, 2).float()), nn.NLLLoss(reduction="none")(logits.log_softmax(1), target)
)
print(F.smooth_l1_loss(x1, x2, beta=0.5), F.l1_loss(x1, x2), F.huber_loss(x1, x2), F.poisson_nll_loss(x1, x2.abs()))
print(
    F.hinge_embedding_loss(d, same * 2 - 1),
    F.soft_margin_loss(x1[:, 0], same * 2 - 1),
    F.multilabel_soft_margin_loss(logits, F.one_hot(target, 2).float()),
)
sampler = WeightedRandomSampler(torch.tensor([0.0, 1.0, 1.0]).repeat(15), num_samples=20, replacement=True)
drawn = [i for i in DataLoader(Subset(range(100), range(45)), sampler=sampler, batch_size=5)]
print(len(drawn), all(i % 3 != 0 for b in drawn for i in b.tolist()), len(ConcatDataset([Triplets(), Triplets()])))
