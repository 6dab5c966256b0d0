"""Normalisation by hand against nn: batch, layer, group, instance, RMS; dropout by hand; weight and spectral norm;
initialisations.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill, normal

x = normal(6, 4, 3, 3)
close = lambda a, b: torch.allclose(a, b, atol=1e-5)


def standard(x, dims, eps=1e-5):
    mean = x.mean(dims, keepdim=True)
    var = x.var(dims, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(var + eps)


bn = nn.BatchNorm2d(4)
print("batch", close(bn(x), standard(x, (0, 2, 3))), bn.running_mean, bn.running_var, bn.num_batches_tracked)
bn.eval()
print(bn(x)[0, 0, 0], bn)
print("layer", close(nn.LayerNorm([4, 3, 3])(x), standard(x, (1, 2, 3))), nn.LayerNorm(3))
print("group", close(nn.GroupNorm(2, 4)(x), standard(x.view(6, 2, -1), -1).view_as(x)))
print("instance", close(nn.InstanceNorm2d(4)(x), standard(x, (2, 3))))
print("rms", close(nn.RMSNorm(3)(x), x * (x.pow(2).mean(-1, keepdim=True) + torch.finfo(x.dtype).eps).rsqrt()))
print("l2", close(F.normalize(x, dim=1), x / x.norm(dim=1, keepdim=True)), F.local_response_norm(x, 2)[0, 0, 0])

ln = fill(nn.LayerNorm(9))
flat = x.flatten(2).clone().requires_grad_()
ln(flat).pow(3).sum().backward()
hand = x.flatten(2).clone().requires_grad_()
(standard(hand, -1) * ln.weight + ln.bias).pow(3).sum().backward()
print(close(flat.grad, hand.grad), ln.weight.grad[:3])


class MyDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        keep = torch.bernoulli(torch.full_like(x, 1 - self.p))
        return x * keep / (1 - self.p)


for drop in (MyDropout(0.4), nn.Dropout(0.4)):
    out = drop(torch.ones(200, 200))
    print(abs(out.mean().item() - 1) < 0.02, out.unique(), drop.eval()(x) is x or close(drop(x), x))
channels = nn.Dropout2d(0.5)(torch.ones(50, 20, 2, 2)).flatten(2)
print((channels.amax(-1) == channels.amin(-1)).all())

wn = nn.utils.parametrizations.weight_norm(fill(nn.Linear(4, 3)))
print(wn(x[:, :, 0, 0])[0], [n for n, _ in wn.named_parameters()])
sn = nn.utils.parametrizations.spectral_norm(fill(nn.Linear(4, 3)), n_power_iterations=30)
for _ in range(5):
    sn(x[:, :, 0, 0])
print(abs(torch.linalg.matrix_norm(sn.weight, 2).item() - 1) < 1e-2)

w = torch.empty(200, 300)
for name, bound in (("xavier_uniform_", (6 / 500) ** 0.5), ("kaiming_uniform_", (6 / 300) ** 0.5)):
    getattr(nn.init, name)(w)
    print(name, w.abs().max().item() <= bound, abs(w.std().item() - bound / 3**0.5) < 1e-3)
nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")
print(abs(w.std().item() - (2 / 200) ** 0.5) < 1e-3, nn.init.calculate_gain("tanh"))
nn.init.orthogonal_(w)
print(close(w @ w.T, torch.eye(200)), nn.init.trunc_normal_(w, std=0.02).abs().max().item() < 2.1)
print(
    nn.init.eye_(torch.empty(2, 3)),
    nn.init.dirac_(torch.empty(2, 2, 3))[1, 1],
    nn.init.sparse_(torch.empty(4, 4), 0.5).eq(0).sum(),
)
