"""Attention: every query looks at the values by how well it fits their keys. A. Vaswani et al., 2017."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.errors import ArgumentError, ShapeError
from engine.ops.op import function, words


@function
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(scale * query key^T + mask) value, over the last two axes (*, length, width).

    attn_mask: true where a key may be seen, or numbers that are added; a query that may see nothing gives zeros.
    is_causal: query i sees the keys 0..i. scale: 1 / sqrt(width) when left out. enable_gqa: fewer heads of keys than
    of queries, each used by several.

    >>> q = engine.eye(2)
    >>> F.scaled_dot_product_attention(q, q, q, is_causal=True)
    tensor([[1.0000, 0.0000],
            [0.3302, 0.6698]])
    """
    where = "scaled_dot_product_attention"
    if min(query.ndim, key.ndim, value.ndim) < 2 or query.shape[-1] != key.shape[-1]:
        facts = f"{words(query.shape)}, {words(key.shape)} and {words(value.shape)}"
        raise ShapeError(where, "queries and keys (*, length, width) of one width", facts)
    if not query.dtype == key.dtype == value.dtype:
        raise ShapeError(where, "query, key and value of one dtype", f"{query.dtype}, {key.dtype} and {value.dtype}")
    if is_causal and attn_mask is not None:
        raise ShapeError(where, "no attn_mask when is_causal=True", words(attn_mask.shape))
    if enable_gqa:
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    given = query.dtype
    if given.name == "float16":
        query, key, value = query.float(), key.float(), value.float()
    factor = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale
    scores = (query * factor) @ key.mT
    mask = _causal(scores) if is_causal else attn_mask
    seen = _seen(scores, mask)  # a causal query sees at least the first key
    weights = seen.softmax(-1) if attn_mask is None else _safe_softmax(seen)
    if dropout_p > 0:
        weights = weights.dropout(dropout_p)
    return (weights @ value).to(given)


def _causal(scores: Any) -> Any:
    rows, columns = (int(n) for n in scores.shape[-2:])
    return scores.new_tensor(np.tri(rows, columns)) > 0


def _seen(scores: Any, mask: Any) -> Any:
    """The scores with what may not be seen at minus infinity."""
    if mask is None:
        return scores
    if mask.dtype.name == "bool":
        return mask.choose(scores, -math.inf)
    return scores + mask.to(scores.dtype)


def _safe_softmax(scores: Any) -> Any:
    """Softmax whose rows of nothing but minus infinity are 0, their slopes too."""
    dead = (scores == -math.inf).all(-1, True)
    return dead.choose(0.0, dead.choose(0.0, scores).softmax(-1))


# -------------------------------------------------------------------------------------------- of several heads
@function
def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """Attention of several heads, each on its own projection; (output, weights or None).

    query (length, batch, width), key and value (other length, batch, width); the batch may be left out. Masks: true
    where a key may NOT be seen, or numbers that are added. The weights are the mean over the heads.

    >>> x, w = engine.ones(2, 1, 2), engine.eye(2)
    >>> F.multi_head_attention_forward(x, x, x, 2, 1, w.repeat(3, 1), None, None, None, False, 0.0, w, None)[1]
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    where, alone = "multi_head_attention_forward", query.ndim == 2
    _check_heads(where, query, key, value, embed_dim_to_check, num_heads)
    if is_causal and attn_mask is None:
        raise ShapeError(where, "an attn_mask if is_causal is set", None, "is_causal only says what the mask is.")
    if alone:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, width = query.shape
    weights_in = [q_proj_weight, k_proj_weight, v_proj_weight] if use_separate_proj_weight else in_proj_weight.chunk(3)
    biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
    q, k, v = (t.linear(w, b) for t, w, b in zip((query, key, value), weights_in, biases, strict=True))
    if bias_k is not None:
        k, v = (_joined(t, b.expand((1, batch, width)), 0) for t, b in ((k, bias_k), (v, bias_v)))
    q, k, v = (_heads(t, batch, num_heads) for t in (q, k, v))
    k, v = k if static_k is None else _of_heads(static_k, q), v if static_v is None else _of_heads(static_v, q)
    if add_zero_attn:
        k, v = (_joined(t, t.new_zeros((*t.shape[:2], 1, t.shape[3])), 2) for t in (k, v))
    mask = _both(q, k, attn_mask, key_padding_mask, batch, num_heads)
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.mT
    chances = (scores if mask is None else scores + mask).softmax(-1)
    if not need_weights and mask is not None:
        chances = _safe_softmax(scores + mask)
    chances = chances.dropout(dropout_p) if training and dropout_p > 0 else chances
    y = (chances @ v).permute((2, 0, 1, 3)).reshape((length, batch, width)).linear(out_proj_weight, out_proj_bias)
    seen = (chances.mean(1) if average_attn_weights else chances) if need_weights else None
    if alone:
        return y.squeeze(1), None if seen is None else seen.squeeze(0)
    return y, seen


def _check_heads(where: str, query: Any, key: Any, value: Any, width: int, heads: int) -> None:
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        facts = f"{words(query.shape)}, {words(key.shape)} and {words(value.shape)}"
        raise ShapeError(where, "query, key and value with 2 or 3 dims each", facts)
    if query.shape[-1] != width or width % heads:
        raise ShapeError(where, f"queries of width {width}, which {heads} heads divide", query.shape[-1])
    if key.shape[:-1] != value.shape[:-1]:
        raise ShapeError(where, f"as many values as keys, {words(key.shape)}", words(value.shape))


def _joined(a: Any, b: Any, dim: int) -> Any:
    return a.cat_with(b, dim=dim)


def _heads(t: Any, batch: int, heads: int) -> Any:
    """(length, batch, width) as (batch, head, length, width / heads)."""
    return t.reshape((t.shape[0], batch, heads, t.shape[2] // heads)).permute((1, 2, 0, 3))


def _of_heads(t: Any, q: Any) -> Any:
    return t.reshape((*q.shape[:2], *t.shape[1:]))


def _both(q: Any, k: Any, attn_mask: Any, padding: Any, batch: int, heads: int) -> Any:
    """Both masks as numbers to be added to the scores (batch, head, query, key); keys that were added are seen."""
    total: Any = None
    if attn_mask is not None:
        total = _numbers(attn_mask, q)
        if total.ndim not in (2, 3):
            raise ArgumentError("attn_mask", "2 or 3 dims", words(attn_mask.shape))
        total = _extended(total, k)
        total = total.reshape((batch, heads, *total.shape[1:])) if total.ndim == 3 else total
    if padding is not None:
        hidden = _extended(_numbers(padding, q), k).reshape((batch, 1, 1, -1))
        total = hidden if total is None else total + hidden
    return total


def _numbers(mask: Any, like: Any) -> Any:
    if mask.dtype.name != "bool":
        return mask.to(like.dtype)
    return mask.choose(like.new_full((), -math.inf), like.new_zeros(()))


def _extended(mask: Any, k: Any) -> Any:
    more = int(k.shape[2]) - int(mask.shape[-1])
    return mask.pad((0, more)) if more > 0 else mask
