"""A word language model with nn.TransformerEncoder: positional encoding in a buffer, a square subsequent mask,
perplexity.
"""

import math

import torch
from first_values import fill, normal
from torch import nn

corpus = "the cat sat on the mat . the dog sat on the log . the cat saw the dog . the dog saw the cat .".split() * 4
words = sorted(set(corpus))
data = torch.tensor([words.index(w) for w in corpus])


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, d_model)
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0).transpose(0, 1))

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(0), :])


class TransformerModel(nn.Module):
    def __init__(self, ntoken, d_model=16, nhead=2, d_hid=32, nlayers=2):
        super().__init__()
        self.pos_encoder = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, d_hid, dropout=0.0)
        self.transformer_encoder = nn.TransformerEncoder(layer, nlayers)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, ntoken)

    def forward(self, src):
        mask = nn.Transformer.generate_square_subsequent_mask(len(src))
        x = self.pos_encoder(self.embedding(src) * math.sqrt(self.d_model))
        return self.linear(self.transformer_encoder(x, mask))


def batchify(ids, bsz):
    seq_len = ids.size(0) // bsz
    return ids[: seq_len * bsz].view(bsz, seq_len).t().contiguous()


train = batchify(data, 4)
print(train.shape, len(words))
model = fill(TransformerModel(len(words)))
print(model.embedding, model.pos_encoder)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.95)
for epoch in range(6):
    model.train()
    total = 0.0
    for i in range(0, train.size(0) - 1, 8):
        n = min(8, len(train) - 1 - i)
        x, y = train[i : i + n], train[i + 1 : i + 1 + n].reshape(-1)
        loss = criterion(model(x).view(-1, len(words)), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        total += len(x) * loss.item()
    scheduler.step()
    print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.4f} ppl {math.exp(total / (len(train) - 1)):.3f}")
model.eval()
with torch.no_grad():
    said = torch.tensor([[words.index("the")]])
    for _ in range(5):
        said = torch.cat([said, model(said)[-1:].argmax(-1)])
print(" ".join(words[i] for i in said.flatten().tolist()))

full = fill(
    nn.Transformer(d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16, batch_first=True)
)
full.eval()
padding = torch.tensor([[False, False, False, True], [False] * 4])
out = full(normal(2, 4, 8), normal(2, 3, 8, seed=1), src_key_padding_mask=padding, memory_key_padding_mask=padding)
print(out.shape, out[0, 0])
