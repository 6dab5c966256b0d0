"""A character LSTM with embedding, truncated back-propagation through time, sampling with a temperature; LSTMCell
agrees.
"""

import torch
import torch.nn as nn
from first_values import fill, normal

text = "the quick brown fox jumps over the lazy dog. " * 6
vocab = sorted(set(text))
encode = {c: i for i, c in enumerate(vocab)}
data = torch.tensor([encode[c] for c in text], dtype=torch.long)


class CharLSTM(nn.Module):
    def __init__(self, n_chars, hidden_size=16, n_layers=2):
        super().__init__()
        self.hidden_size, self.n_layers = hidden_size, n_layers
        self.embed = nn.Embedding(n_chars, 8)
        self.lstm = nn.LSTM(8, hidden_size, n_layers, batch_first=True)
        self.decoder = nn.Linear(hidden_size, n_chars)

    def forward(self, x, state):
        out, state = self.lstm(self.embed(x), state)
        return self.decoder(out.contiguous().view(-1, self.hidden_size)), state

    def init_hidden(self, batch_size):
        weight = next(self.parameters())
        shape = (self.n_layers, batch_size, self.hidden_size)
        return weight.new_zeros(shape), weight.new_zeros(shape)


def batchify(ids, bsz):
    nbatch = ids.size(0) // bsz
    return ids.narrow(0, 0, nbatch * bsz).view(bsz, -1)


model = fill(CharLSTM(len(vocab)))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, betas=(0.9, 0.99))
criterion = nn.CrossEntropyLoss()
source = batchify(data, 4)
for epoch in range(3):
    state = model.init_hidden(4)
    for i in range(0, source.size(1) - 1, 16):
        seq = min(16, source.size(1) - 1 - i)
        x, y = source[:, i : i + seq], source[:, i + 1 : i + 1 + seq]
        state = tuple(s.detach() for s in state)
        optimizer.zero_grad()
        logits, state = model(x, state)
        loss = criterion(logits, y.reshape(-1))
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f} perplexity {loss.exp().item():.3f}")

with torch.no_grad():
    state, ids = model.init_hidden(1), [encode["t"]]
    for _ in range(20):
        logits, state = model(torch.tensor([[ids[-1]]]), state)
        p = logits.div(0.8).softmax(-1).squeeze()
        ids.append(torch.multinomial(p, 1).item())
print(len("".join(vocab[i] for i in ids)), p.sum().item())

layer, cell = fill(nn.LSTM(5, 6)), nn.LSTMCell(5, 6)
with torch.no_grad():
    for a, b in zip(cell.parameters(), layer.parameters()):
        a.copy_(b)
x, (h, c) = normal(7, 2, 5), (torch.zeros(2, 6), torch.zeros(2, 6))
for t in range(7):
    h, c = cell(x[t], (h, c))
y, (hn, cn) = layer(x)
print(torch.allclose(y[-1], h, atol=1e-5), torch.allclose(cn[0], c, atol=1e-5), h[0])
print([name for name, _ in model.named_parameters()])
