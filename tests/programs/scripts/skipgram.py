"""Word vectors: skip-gram with negative sampling, a CBOW with mean pooling, an EmbeddingBag classifier, nearest
words.
"""

from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill

text = "king rules land queen rules land man walks road woman walks road king man queen woman land road".split() * 3
vocab = [w for w, _ in Counter(text).most_common()]
word_to_ix = {w: i for i, w in enumerate(vocab)}
ids = [word_to_ix[w] for w in text]
pairs = [(ids[i], ids[j]) for i in range(len(ids)) for j in range(max(0, i - 2), min(len(ids), i + 3)) if i != j]
rng = np.random.default_rng(0)


class SkipGram(nn.Module):
    def __init__(self, vocab_size, dim):
        super().__init__()
        self.target = nn.Embedding(vocab_size, dim)
        self.context = nn.Embedding(vocab_size, dim)

    def forward(self, target, context, negatives):
        v = self.target(target)
        positive = (v * self.context(context)).sum(dim=1)
        negative = torch.bmm(self.context(negatives), v.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(1)).mean()


model = fill(SkipGram(len(vocab), 6), scale=0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
counts = torch.tensor([text.count(w) for w in vocab], dtype=torch.float) ** 0.75
noise = (counts / counts.sum()).numpy().astype("float64")
target, context = (torch.tensor(c) for c in zip(*pairs))
for step in range(25):
    negatives = torch.from_numpy(rng.choice(len(vocab), (len(pairs), 3), p=noise / noise.sum()))
    loss = model(target, context, negatives)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 8 == 0:
        print(step, f"{loss.item():.4f}")
vectors = F.normalize(model.target.weight.detach(), dim=1)
similar = vectors @ vectors.T
similar.fill_diagonal_(-1)
print([vocab[i] for i in similar.argmax(1)][:3], similar.max().item())


class CBOW(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.Embedding(len(vocab), 5, max_norm=2.0)
        self.linear = nn.Linear(5, len(vocab))

    def forward(self, inputs):
        return F.log_softmax(self.linear(self.embeddings(inputs).mean(dim=1)), dim=1)


cbow = fill(CBOW())
windows = torch.tensor([ids[i - 2 : i] + ids[i + 1 : i + 3] for i in range(2, len(ids) - 2)])
centre = torch.tensor(ids[2:-2])
optimizer = torch.optim.SGD(cbow.parameters(), lr=0.5)
for _ in range(20):
    cbow.zero_grad()
    loss = nn.NLLLoss()(cbow(windows), centre)
    loss.backward()
    optimizer.step()
print(f"cbow {loss.item():.4f}")

bag = fill(nn.EmbeddingBag(len(vocab), 4, mode="mean"))
offsets = torch.tensor([0, 3, 5])
print(bag(torch.tensor(ids[:9]), offsets), bag.weight[ids[:3]].mean(0))
pretrained = nn.Embedding.from_pretrained(vectors, freeze=True)
print(
    pretrained(torch.tensor([0])).norm().item(),
    pretrained.weight.requires_grad,
    nn.CosineSimilarity(dim=-1)(vectors[0], vectors[1]),
)
