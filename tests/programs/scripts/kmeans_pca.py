"""Without gradients: k-means by cdist and scatter, principal components by SVD and by eigh, whitening, k nearest
neighbours.
"""

import numpy as np
import torch

rng = np.random.default_rng(4)
centres = np.array([[0, 0, 0], [4, 4, 0], [0, 5, 5]])
points = torch.from_numpy((centres[rng.integers(0, 3, 90)] + rng.normal(0, 0.7, (90, 3))).astype("float32"))

means = points[[0, 1, 2]].clone()
for step in range(10):
    distances = torch.cdist(points, means)
    nearest = distances.argmin(dim=1)
    sums = torch.zeros_like(means).index_add_(0, nearest, points)
    counts = torch.bincount(nearest, minlength=3).clamp(min=1)
    new = sums / counts.unsqueeze(1)
    shift = (new - means).norm()
    means = new
    if shift < 1e-6:
        break
print(means[means[:, 0].argsort()], counts.sort().values, distances.min(1).values.pow(2).sum())
same = torch.zeros(3, 3).scatter_add(0, nearest[:, None].expand(-1, 3), points) / counts[:, None]
print(torch.allclose(same, means, atol=1e-5))

centred = points - points.mean(0, keepdim=True)
U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
cov = centred.T @ centred / (len(points) - 1)
values, vectors = torch.linalg.eigh(cov)
print(S**2 / (len(points) - 1), values.flip(0), torch.allclose(cov, torch.cov(points.T), atol=1e-4))
explained = values.flip(0) / values.sum()
print(explained, explained.cumsum(0), (vectors.T @ vectors - torch.eye(3)).abs().max() < 1e-5)
projected = centred @ Vh[:2].T
rebuilt = projected @ Vh[:2]
print((rebuilt - centred).pow(2).mean(), projected.shape, torch.linalg.matrix_rank(rebuilt, tol=1e-3))
white = centred @ vectors @ torch.diag(values.rsqrt())
print(torch.cov(white.T).round(decimals=3).abs())

query = torch.tensor([[4.0, 4.0, 0.2]])
d, index = torch.cdist(query, points).topk(5, largest=False)
print(d, nearest[index[0]].mode().values == nearest[index[0, 0]], torch.corrcoef(points.T)[0, 1])

L = torch.linalg.cholesky(cov)
b = torch.tensor([1.0, 2.0, 3.0])
x = torch.cholesky_solve(b.unsqueeze(1), L)
print(x.T, torch.linalg.solve_triangular(L, b.unsqueeze(1), upper=False).T, torch.linalg.inv(cov) @ b)
print(torch.linalg.det(cov), torch.logdet(cov), torch.linalg.slogdet(cov), torch.trace(cov), torch.linalg.norm(cov))
Q, R = torch.linalg.qr(centred)
print(
    Q.shape,
    (Q @ R - centred).abs().max() < 1e-4,
    torch.linalg.pinv(centred).shape,
    torch.linalg.matrix_power(cov, 2)[0],
)
print(
    torch.quantile(points[:, 0], torch.tensor([0.25, 0.5, 0.75])),
    points.median(0).values,
    points.kthvalue(3, dim=0).values,
)
