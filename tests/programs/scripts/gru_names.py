"""Which language is a name from? A GRU over packed sequences of different lengths, and a dictionary of batches by
collate.
"""

import torch
from first_values import fill
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

NAMES = {"it": "rossi russo ferrari esposito bianchi romano", "jp": "sato suzuki takahashi tanaka watanabe ito"}
NAMES["de"] = "mueller schmidt schneider fischer weber meyer"


class NameDataset(Dataset):
    def __init__(self):
        self.rows = [(name, i) for i, names in enumerate(NAMES.values()) for name in names.split()]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        name, label = self.rows[i]
        return torch.tensor([ord(c) - 96 for c in name]), label


def collate(batch):
    batch.sort(key=lambda pair: len(pair[0]), reverse=True)
    names, labels = zip(*batch)
    lengths = torch.tensor([len(n) for n in names])
    return pad_sequence(names, batch_first=True), lengths, torch.tensor(labels)


class Classifier(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.embedding = nn.Embedding(27, 6, padding_idx=0)
        self.gru = nn.GRU(6, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, len(NAMES))

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True)
        output, hidden = self.gru(packed)
        return self.fc(torch.cat([hidden[-2], hidden[-1]], dim=1)), output


dataset = NameDataset()
loader = DataLoader(dataset, batch_size=6, shuffle=False, collate_fn=collate)
model = fill(Classifier(), seed=2)
with torch.no_grad():
    model.embedding.weight[0].fill_(0)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(8):
    total = 0.0
    for x, lengths, labels in loader:
        logits, _ = model(x, lengths)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 2 == 1:
        print(epoch, f"{total / len(loader):.4f}")
x, lengths, labels = next(iter(loader))
logits, packed = model(x, lengths)
padded, sizes = pad_packed_sequence(packed, batch_first=True)
print(padded.shape, sizes, packed.batch_sizes, (padded[-1, sizes[-1] :] == 0).all().item())
print((model.embedding.weight.grad[0] == 0).all(), logits.argmax(1).tolist(), labels.tolist())
unsorted = pack_padded_sequence(model.embedding(x.flip(0)), lengths.flip(0), batch_first=True, enforce_sorted=False)
_, h = model.gru(unsorted)
print(torch.allclose(model.fc(torch.cat([h[-2], h[-1]], 1)).flip(0), logits, atol=1e-5))
cell = fill(nn.GRUCell(3, 4))
print(cell(torch.ones(2, 3)), cell)
