"""A character MLP with a hand-written batch norm; every gradient of the manual backward pass is compared with
autograd's.
"""

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(42)
n, block, V, n_embd, n_hidden = 32, 3, 27, 5, 16
draw = lambda *shape: torch.from_numpy(rng.normal(size=shape).astype(np.float32))
Xb = torch.from_numpy(rng.integers(0, V, (n, block)))
Yb = torch.from_numpy(rng.integers(0, V, (n,)))
C = draw(V, n_embd)
W1, b1 = draw(n_embd * block, n_hidden) * (5 / 3) / (n_embd * block) ** 0.5, draw(n_hidden) * 0.1
W2, b2 = draw(n_hidden, V) * 0.1, draw(V) * 0.1
bngain, bnbias = draw(1, n_hidden) * 0.1 + 1.0, draw(1, n_hidden) * 0.1
parameters = [C, W1, b1, W2, b2, bngain, bnbias]
print(sum(p.nelement() for p in parameters))
for p in parameters:
    p.requires_grad = True


def cmp(s, dt, t):
    ex = torch.all(dt == t.grad).item()
    app = torch.allclose(dt, t.grad, atol=1e-6)
    print(f"{s:15s} | approximate: {app or ex!s:5s} | mean: {t.grad.abs().mean().item():.6f}")


emb = C[Xb]
embcat = emb.view(emb.shape[0], -1)
hprebn = embcat @ W1 + b1
bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
bndiff = hprebn - bnmeani
bndiff2 = bndiff**2
bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)
bnvar_inv = (bnvar + 1e-5) ** -0.5
bnraw = bndiff * bnvar_inv
hpreact = bngain * bnraw + bnbias
h = torch.tanh(hpreact)
logits = h @ W2 + b2
logit_maxes = logits.max(1, keepdim=True).values
norm_logits = logits - logit_maxes
counts = norm_logits.exp()
counts_sum = counts.sum(1, keepdims=True)
probs = counts * counts_sum**-1
logprobs = probs.log()
loss = -logprobs[range(n), Yb].mean()
for t in [logprobs, probs, counts, norm_logits, logits, h, hpreact, bnraw, bnvar_inv, bnvar, hprebn, embcat, emb]:
    t.retain_grad()
loss.backward()
print(loss, F.cross_entropy(logits, Yb))

dlogprobs = torch.zeros_like(logprobs)
dlogprobs[range(n), Yb] = -1.0 / n
cmp("logprobs", dlogprobs, logprobs)
cmp("probs", (1.0 / probs) * dlogprobs, probs)
dlogits = F.softmax(logits, 1)
dlogits[range(n), Yb] -= 1
dlogits /= n
cmp("logits", dlogits, logits)
dh = dlogits @ W2.T
cmp("h", dh, h)
cmp("W2", h.T @ dlogits, W2)
cmp("b2", dlogits.sum(0), b2)
dhpreact = (1.0 - h**2) * dh
cmp("hpreact", dhpreact, hpreact)
cmp("bngain", (bnraw * dhpreact).sum(0, keepdim=True), bngain)
dhprebn = bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))
cmp("hprebn", dhprebn, hprebn)
cmp("W1", embcat.T @ dhprebn, W1)
demb = (dhprebn @ W1.T).view(emb.shape)
dC = torch.zeros_like(C)
for k in range(Xb.shape[0]):
    for j in range(Xb.shape[1]):
        dC[Xb[k, j]] += demb[k, j]
cmp("C", dC, C)
print(
    "saturated:", (h.abs() > 0.99).float().mean().item(), "histogram:", torch.histc(h.detach(), bins=4, min=-1, max=1)
)
