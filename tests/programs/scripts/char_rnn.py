"""A character RNN in plain NumPy's manner, then the same with nn.RNN: the same weights give the same loss."""

import torch
from first_values import fill, normal
from torch import nn

text = "hello world, hello torch"
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
V, H = len(chars), 10

rnn = fill(nn.RNN(V, H, batch_first=True, nonlinearity="tanh"))
head = fill(nn.Linear(H, V), seed=1)
Wxh, Whh, bh = rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0 + rnn.bias_hh_l0


def by_hand(inputs, targets):
    h, loss = torch.zeros(H), 0
    for x, t in zip(inputs, targets):
        one_hot = torch.zeros(V)
        one_hot[x] = 1
        h = torch.tanh(Wxh @ one_hot + Whh @ h + bh)
        p = torch.softmax(head(h), dim=0)
        loss = loss - torch.log(p[t])
    return loss / len(inputs), h


loss, h = by_hand(ids[:-1].tolist(), ids[1:])
output, hn = rnn(nn.functional.one_hot(ids[:-1], V).float().unsqueeze(0))
other = nn.functional.cross_entropy(head(output).view(-1, V), ids[1:])
print(loss.item(), other.item(), torch.allclose(h, hn[0, 0], atol=1e-5), output.shape, hn.shape)

params = list(rnn.parameters()) + list(head.parameters())
optimizer = torch.optim.Adagrad(params, lr=0.1)
hidden = None
for step in range(40):
    output, hidden = rnn(nn.functional.one_hot(ids[:-1], V).float()[None], hidden)
    hidden = hidden.detach()
    loss = nn.functional.cross_entropy(head(output)[0], ids[1:])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(params, 5.0)
    optimizer.step()
    if step % 10 == 9:
        print(step, f"{loss.item():.4f}")

with torch.no_grad():
    x, h, said = torch.tensor([stoi["h"]]), None, "h"
    for _ in range(11):
        out, h = rnn(nn.functional.one_hot(x, V).float()[None], h)
        x = head(out[0, -1]).argmax().view(1)
        said += chars[x.item()]
print(said)
deep = fill(nn.RNN(3, 4, num_layers=2, bidirectional=True, nonlinearity="relu"))
y, hn = deep(normal(5, 2, 3))
print(y.shape, hn.shape, y[0, 0], deep)
