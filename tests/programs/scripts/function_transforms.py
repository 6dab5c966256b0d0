"""torch.func: grad of grad, value and gradient, jacobians both ways, vmap, per-sample gradients by functional_call."""

import torch
from first_values import fill, normal
from torch import nn
from torch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp, vmap

x = torch.tensor(0.7)
print(grad(torch.sin)(x), grad(grad(torch.sin))(x), grad_and_value(lambda t: t**3)(x))

v = normal(3)
W = normal(3, 3, seed=1)
f = lambda t: (W @ t).sigmoid()
print(jacrev(f)(v))
print(torch.allclose(jacfwd(f)(v), jacrev(f)(v), atol=1e-6), hessian(lambda t: f(t).sum())(v).shape)
out, tangent = jvp(f, (v,), (torch.ones(3),))
out2, pull = vjp(f, v)
print(tangent, pull(torch.ones(3))[0])
print(grad(lambda a, b: (a * b).sum(), argnums=1)(v, v * 2))

batch = normal(5, 3, seed=2)
print(vmap(torch.dot)(batch, batch))
print(vmap(lambda a, b: a @ b, in_dims=(0, None))(batch, W).shape)
print(vmap(grad(lambda t: f(t).sum()))(batch))
print(vmap(lambda t: t.sum(), in_dims=1)(batch), vmap(jacrev(f))(batch).shape)

model = fill(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))
params = {k: p.detach() for k, p in model.named_parameters()}
targets = torch.tensor([0, 1, 1, 0, 1])


def compute_loss(params, sample, target):
    prediction = functional_call(model, params, (sample.unsqueeze(0),))
    return nn.functional.cross_entropy(prediction, target.unsqueeze(0))


per_sample = vmap(grad(compute_loss), in_dims=(None, 0, 0))(params, batch, targets)
print({k: tuple(g.shape) for k, g in per_sample.items()})
loss = nn.functional.cross_entropy(model(batch), targets)
loss.backward()
print(all(torch.allclose(per_sample[k].mean(0), p.grad, atol=1e-5) for k, p in model.named_parameters()))
norms = torch.stack([g.flatten(1).norm(dim=1) for g in per_sample.values()]).norm(dim=0)
print("norms of each example's gradient:", norms)

params = {k: p.clone() for k, p in params.items()}
for _ in range(10):
    grads, value = grad_and_value(lambda p: nn.functional.cross_entropy(functional_call(model, p, batch), targets))(
        params
    )
    params = {k: p - 0.5 * grads[k] for k, p in params.items()}
print(f"{value.item():.4f}")
