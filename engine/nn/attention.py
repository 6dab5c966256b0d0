"""Attention with several heads."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Any

from engine.errors import ArgumentError
from engine.nn import functional, init
from engine.nn.dropout import Share
from engine.nn.linear import Linear, Width
from engine.nn.module import Module
from engine.nn.parameter import empty_parameter
from engine.nn.settings import checked


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear layer by the name under which PyTorch prints the last one of an attention."""


@checked
class MultiheadAttention(Module):
    """Every query gets a mixture of the values, weighed by how well its key fits, in several heads at once.

    Shapes: query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim), or (N, L, ...) if `batch_first`, or without
    N. Masks: true (or -inf) where nobody may look (Vaswani et al., 2017).

    >>> output, weights = nn.MultiheadAttention(4, num_heads=2)(*[engine.ones(3, 1, 4)] * 3)
    >>> output.shape, weights.shape
    (engine.Size([3, 1, 4]), engine.Size([1, 3, 3]))
    """

    def __init__(
        self,
        embed_dim: Width,
        num_heads: Width,
        dropout: Share = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: Width | None = None,
        vdim: Width | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise BadHeads("MultiheadAttention", f"a number of heads that divides {embed_dim}", num_heads)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        apart = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, size in apart.items():
            weight = None if self._qkv_same_embed_dim else empty_parameter((embed_dim, size), **place)
            self.register_parameter(name, weight)
        joint = empty_parameter((3 * embed_dim, embed_dim), **place) if self._qkv_same_embed_dim else None
        self.register_parameter("in_proj_weight", joint)
        self.register_parameter("in_proj_bias", empty_parameter((3 * embed_dim,), **place) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **place)
        for name in ("bias_k", "bias_v"):
            setattr(self, name, empty_parameter((1, 1, embed_dim), **place) if add_bias_kv else None)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The mixtures, and the weights (or None), averaged over the heads or one for each."""
        turned = self.batch_first and query.ndim == 3
        q, k, v = (t.transpose(0, 1) for t in (query, key, value)) if turned else (query, key, value)
        apart = not self._qkv_same_embed_dim
        output, weights = functional.multi_head_attention_forward(
            q,
            k,
            v,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=apart,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (output.transpose(0, 1) if turned else output), weights


class BadHeads(ArgumentError, AssertionError):
    """A number of heads that does not divide the features."""
