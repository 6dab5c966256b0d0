"""Tensors: creation, indexing, views over one storage, strides, broadcasting, joining, printing."""

import numpy as np
import torch

x = torch.arange(12, dtype=torch.float32).reshape(3, 4)
print(x, x.shape, x.size(0), x.dim(), x.numel(), x.dtype)
print(x.stride(), x.t().stride(), x.t().is_contiguous(), x.t().contiguous().stride())
print(x[1:, ::2], x[1:, ::2].storage_offset(), x[1:, ::2].stride())
print(x[..., -1], x[[0, 2]], x[x > 6], x[:, None].shape)

b = torch.zeros(5, 3)
print(b.reshape(3, 5).shape, b.view(5, -1).shape, b.view(15).shape)
v = b.view(-1)
v[3] = 7.0
print(b[1, 0].item(), b.data_ptr() == v.data_ptr(), b.untyped_storage().nbytes())
print(torch.as_strided(x, (3, 3), (4, 1), 1))

a = torch.ones(3, 1, 5) * torch.arange(15.0).view(3, 5)
print(a.shape, a.sum(dim=(0, 2)), a.mean().item())
print(torch.cat([x, x], dim=0).shape, torch.stack([x, x], dim=1).shape, [p.shape for p in x.chunk(2, dim=1)])
print([tuple(p.shape) for p in torch.split(x, [1, 3], dim=1)], x.unbind(0)[2])
print(x.permute(1, 0).shape, x.unsqueeze(0).squeeze().shape, x.flatten().shape, x.expand(2, 3, 4).stride())

n = np.arange(6, dtype=np.float32).reshape(2, 3)
t = torch.from_numpy(n)
n[0, 0] = 100
t[1, 1] = -1
print(t, n.sum(), torch.tensor([1, 2.5]).dtype, torch.tensor([1, 2]).dtype, torch.tensor(True).dtype)
print((torch.tensor([1, 2]) / 2), torch.tensor([1, 2]) + 0.5, torch.tensor([7, -7]) // 2, torch.tensor([7, -7]) % 3)
print(torch.Tensor(np.arange(3)), torch.Tensor(n.astype("float64")).dtype, torch.as_tensor(np.arange(3)).dtype)
print(torch.float64, torch.ones(2, dtype=torch.int32) + torch.ones(2, dtype=torch.float64))

values, indices = x.max(dim=1)
print(values, indices, x.argmax().item(), x.min(), torch.topk(x.flatten(), 3).values)
print(x.sort(descending=True).indices[0], x.cumsum(1)[2], x.std().item(), x.var(dim=0, unbiased=False))
print(torch.where(x > 5, x, torch.zeros_like(x)), x.clamp(2, 9).sum(), torch.eye(3)[1], torch.linspace(0, 1, 5))
print(x.gather(1, torch.tensor([[0], [1], [2]])), torch.zeros(2, 3).scatter_(1, torch.tensor([[2], [0]]), 1.0))
print(torch.arange(3).repeat(2), torch.arange(3).repeat_interleave(2), torch.tensor([3, 1, 3]).unique())
print(x @ x.T, torch.einsum("ij,kj->ik", x, x).trace(), x[0].dot(x[1]), torch.outer(x[0], x[1]).shape)
print(torch.tensor([0.1, 1000.0, 1e-6]), torch.tensor([1e10, 1.0]), torch.tensor(3.5), torch.tensor([True, False]))
print(torch.randn(200, 300).shape, torch.full((2, 2), 7), torch.empty(0), torch.zeros(2, 0, 3).shape)
print(torch.arange(2000.0))
torch.set_printoptions(precision=2, sci_mode=False)
print(torch.tensor([[1.23456, 1e-5], [100.0, -3.0]]))
torch.set_printoptions(profile="default")
try:
    x + torch.ones(3)
except RuntimeError:
    print("3 and 4 do not broadcast")
try:
    x.t().view(12)
except RuntimeError:
    print("a transposed tensor cannot be viewed as a vector", x.t().reshape(12)[:3])
