"""Attention by hand against nn.MultiheadAttention and scaled_dot_product_attention: masks, padding, weights, einsum
forms.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill, normal

torch.manual_seed(1)
x = normal(2, 5, 8)
mha = fill(nn.MultiheadAttention(embed_dim=8, num_heads=2, batch_first=True))
mha.eval()


def by_hand(x, mask=None):
    q, k, v = F.linear(x, mha.in_proj_weight, mha.in_proj_bias).chunk(3, dim=-1)
    q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in (q, k, v))
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / math.sqrt(4)
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    return mha.out_proj((weights @ v).transpose(1, 2).flatten(2)), weights


ours, weights = by_hand(x)
theirs, mean_weights = mha(x, x, x)
print(torch.allclose(ours, theirs, atol=1e-5), torch.allclose(weights.mean(1), mean_weights, atol=1e-5))
print(theirs[0, 0], mean_weights[0, 0])
causal = nn.Transformer.generate_square_subsequent_mask(5)
print(causal)
print(torch.allclose(by_hand(x, causal)[0], mha(x, x, x, attn_mask=causal, need_weights=False)[0], atol=1e-5))
padding = torch.tensor([[False] * 5, [False, False, True, True, True]])
out, w = mha(x, x, x, key_padding_mask=padding, average_attn_weights=False)
print(w.shape, w[1, 0, 0], out[1, 0])

q, k, v = (normal(2, 2, 5, 4, seed=s) for s in (1, 2, 3))
upper = torch.ones(5, 5, dtype=torch.bool).tril(diagonal=0)
a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
b = F.scaled_dot_product_attention(q, k, v, attn_mask=upper)
c = (q @ k.mT / 2).masked_fill(~upper, float("-inf")).softmax(-1) @ v
print(torch.allclose(a, b, atol=1e-6), torch.allclose(a, c, atol=1e-6), a[0, 0, 0])

layer = fill(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=True))
out = layer(x, src_mask=causal, is_causal=True)
out.square().mean().backward()
print(out[1, 4], layer.self_attn.in_proj_weight.grad.norm(), sorted(layer.state_dict())[:4])
decoder = fill(nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True), num_layers=2))
print(decoder(x, normal(2, 3, 8, seed=4), tgt_mask=causal)[0, 0])

positions = torch.arange(5)[:, None]
frequencies = torch.exp(-torch.arange(0, 8, 2) * math.log(10000.0) / 8)
rotation = torch.stack([(positions * frequencies).cos(), (positions * frequencies).sin()])
even, odd = x[..., ::2], x[..., 1::2]
rotary = torch.stack([even * rotation[0] - odd * rotation[1], even * rotation[1] + odd * rotation[0]], -1).flatten(-2)
print(rotary[0, 1], torch.allclose(rotary.norm(dim=-1), x.norm(dim=-1), atol=1e-5))
relative = (torch.arange(5)[None] - torch.arange(5)[:, None]).clamp(-2, 2) + 2
bias = fill(nn.Embedding(5, 2))(relative).permute(2, 0, 1)
print(bias.shape, (weights + bias)[0, 1, 0], torch.triu(torch.ones(3, 3), diagonal=1))
