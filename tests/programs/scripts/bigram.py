"""A bigram model of names: by counting, then as one linear layer with one-hot inputs; both have the same loss."""

import torch
import torch.nn.functional as F

words = "emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily ella".split()
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}
V = len(stoi)

N = torch.zeros((V, V), dtype=torch.int32)
xs, ys = [], []
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        N[stoi[ch1], stoi[ch2]] += 1
        xs.append(stoi[ch1])
        ys.append(stoi[ch2])
print(N.sum(), N[0], N.dtype)

P = (N + 1).float()
P /= P.sum(1, keepdim=True)
print(P[0].sum(), P.shape)
log_likelihood = 0.0
for x, y in zip(xs, ys):
    log_likelihood += torch.log(P[x, y])
print(f"{-log_likelihood / len(xs):.4f}")

g = torch.Generator().manual_seed(2147483647)
for _ in range(3):
    out, ix = [], 0
    while len(out) < 50:
        ix = torch.multinomial(P[ix], num_samples=1, replacement=True, generator=g).item()
        out.append(itos[ix])
        if ix == 0:
            break
    assert all(c in stoi for c in out)

xs, ys = torch.tensor(xs), torch.tensor(ys)
W = torch.zeros((V, V), requires_grad=True)
for k in range(100):
    xenc = F.one_hot(xs, num_classes=V).float()
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(len(ys)), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    W.data += -20 * W.grad
    if k % 25 == 0:
        print(k, loss.item())
print(loss.item(), F.cross_entropy(W[xs], ys).item())
g1, g2 = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
print(
    torch.equal(torch.rand(3, generator=g1), torch.rand(3, generator=g2)), torch.randint(0, 5, (2,), generator=g1).shape
)
torch.manual_seed(3)
a = torch.randn(4)
torch.manual_seed(3)
print(torch.equal(a, torch.randn(4)), torch.randperm(6).sort().values)
