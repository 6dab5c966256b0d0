"""Sequence to sequence: reversing digits, a GRU encoder over packed input, a decoder with additive attention, teacher
forcing.
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill
from torch import optim

SOS, EOS, PAD = 10, 11, 12


class EncoderRNN(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        output, hidden = self.gru(packed)
        output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
        return output, hidden


class BahdanauAttention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, query, keys, mask):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2).unsqueeze(1)
        weights = F.softmax(scores.masked_fill(mask.unsqueeze(1), -1e9), dim=-1)
        return torch.bmm(weights, keys), weights


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden, vocab):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.attention = BahdanauAttention(hidden)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, memory, hidden, mask, target=None, steps=7):
        x = torch.full((memory.size(0), 1), SOS, dtype=torch.long)
        outputs, attentions = [], []
        for i in range(steps):
            context, weights = self.attention(hidden.permute(1, 0, 2), memory, mask)
            output, hidden = self.gru(torch.cat((self.embedding(x), context), dim=2), hidden)
            output = self.out(output)
            outputs.append(output)
            attentions.append(weights)
            x = target[:, i : i + 1] if target is not None else output.topk(1)[1].squeeze(-1).detach()
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1), torch.cat(attentions, dim=1)


rng = np.random.default_rng(5)


def batch(size=16):
    lengths = rng.integers(2, 7, size)
    source, target = np.full((size, 6), PAD), np.full((size, 7), PAD)
    for i, n in enumerate(lengths):
        digits = rng.integers(0, 10, n)
        source[i, :n], target[i, :n], target[i, n] = digits, digits[::-1], EOS
    return torch.from_numpy(source), torch.from_numpy(target), torch.from_numpy(lengths)


encoder, decoder = fill(EncoderRNN(13, 16)), fill(AttnDecoderRNN(16, 13), seed=1)
opts = [optim.Adam(m.parameters(), lr=0.01) for m in (encoder, decoder)]
criterion = nn.NLLLoss(ignore_index=PAD)
for step in range(16):
    source, target, lengths = batch()
    memory, hidden = encoder(source, lengths)
    mask = torch.arange(memory.size(1))[None, :] >= lengths[:, None]
    decoded, attention = decoder(memory, hidden, mask, target)
    loss = criterion(decoded.view(-1, 13), target.view(-1))
    for o in opts:
        o.zero_grad()
    loss.backward()
    for o in opts:
        o.step()
    if step % 5 == 0:
        print(f"{step} {loss.item():.4f}")
print(attention.shape, attention.sum(-1).mean().item(), attention[0, 0])
with torch.no_grad():
    memory, hidden = encoder(source[:2], lengths[:2])
    decoded, _ = decoder(memory, hidden, mask[:2, : memory.size(1)])
print(decoded.shape, decoded.exp().sum().item())
