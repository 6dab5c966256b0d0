"""Transformers: stacks of attention and feed-forward layers (Vaswani et al., 2017)."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Annotated, Any, Literal

from engine import functions
from engine.create import full
from engine.errors import ArgumentError
from engine.nn import functional, init
from engine.nn.attention import MultiheadAttention
from engine.nn.container import ModuleList
from engine.nn.dropout import Dropout, Share
from engine.nn.linear import Linear, Width
from engine.nn.module import Between, Module
from engine.nn.normalisation import Epsilon, LayerNorm
from engine.nn.settings import checked

Bend = Literal["relu", "gelu"] | Callable[[Any], Any]
Depth = Annotated[int, Between(0, 10**6, common=(1, 12))]


def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
    """A mask (sz, sz) that lets every place look at itself and what came before: 0 there, -inf elsewhere.

    >>> nn.Transformer.generate_square_subsequent_mask(2)
    tensor([[0., -inf],
            [0., 0.]])
    """
    return functions.triu(full((sz, sz), float("-inf"), device=device, dtype=dtype), 1)


class Block(Module):
    """Base of the layers of a transformer: attention to oneself, a feed-forward part, a norm around each."""

    attends = 1

    def __init__(
        self,
        d_model: Width,
        nhead: Width,
        dim_feedforward: Width = 2048,
        dropout: Share = 0.1,
        activation: Any = "relu",
        layer_norm_eps: Epsilon = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        attend: Any = lambda: MultiheadAttention(d_model, nhead, dropout, bias=bias, batch_first=batch_first, **place)
        self.self_attn = attend()
        if self.attends > 1:
            self.multihead_attn = attend()
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **place)
        self.norm_first = norm_first
        numbers = range(1, self.attends + 2)
        for number in numbers:
            setattr(self, f"norm{number}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place))
        for number in numbers:
            setattr(self, f"dropout{number}", Dropout(dropout))
        self.activation = _bend(activation) if isinstance(activation, str) else activation

    def _through(self, x: Any, parts: list[Callable[[Any], Any]]) -> Any:
        """Each part adds to what is there; its norm stands before it or after the sum."""
        for number, part in enumerate(parts, 1):
            norm, drop = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
            x = x + drop(part(norm(x))) if self.norm_first else norm(x + drop(part(x)))
        return x

    def _look(self, attend: Any, x: Any, memory: Any, mask: Any, padding: Any, is_causal: bool) -> Any:
        rest = {"attn_mask": mask, "key_padding_mask": padding, "is_causal": is_causal, "need_weights": False}
        return attend(x, memory, memory, **rest)[0]

    def _feed(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


@checked
class TransformerEncoderLayer(Block):
    """One layer of an encoder: attention to oneself, then a feed-forward part.

    >>> nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(engine.ones(5, 1, 8)).shape
    engine.Size([5, 1, 8])
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """(S, N, d_model), or (N, S, d_model) if `batch_first`."""
        look = lambda x: self._look(self.self_attn, x, x, src_mask, src_key_padding_mask, is_causal)
        return self._through(src, [look, self._feed])


@checked
class TransformerDecoderLayer(Block):
    """One layer of a decoder: attention to oneself, attention to the encoder's output, then a feed-forward part.

    >>> nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)(engine.ones(5, 1, 8), engine.ones(3, 1, 8)).shape
    engine.Size([5, 1, 8])
    """

    attends = 2

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """tgt (T, N, d_model), memory (S, N, d_model), or with N first if `batch_first`."""
        look = lambda x: self._look(self.self_attn, x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        listen = lambda x: self._look(
            self.multihead_attn, x, memory, memory_mask, memory_key_padding_mask, memory_is_causal
        )
        return self._through(tgt, [look, listen, self._feed])


class Stack(Module):
    """Base of the encoder and decoder: copies of one layer, one after the other."""

    def _prepare(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def _finished(self, x: Any) -> Any:
        return x if self.norm is None else self.norm(x)


@checked
class TransformerEncoder(Stack):
    """A stack of encoder layers.

    >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> nn.TransformerEncoder(layer, num_layers=2)(engine.ones(1, 5, 8)).shape
    engine.Size([1, 5, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: Depth,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        self._prepare(encoder_layer, num_layers, norm)
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Any:
        """(S, N, d_model), or (N, S, d_model) if the layers say `batch_first`."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, bool(is_causal))
        return self._finished(src)


@checked
class TransformerDecoder(Stack):
    """A stack of decoder layers.

    >>> layer = nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> nn.TransformerDecoder(layer, num_layers=2)(engine.ones(1, 5, 8), engine.ones(1, 3, 8)).shape
    engine.Size([1, 5, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: Depth, norm: Module | None = None) -> None:
        self._prepare(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """tgt (T, N, d_model), memory (S, N, d_model), or with N first if the layers say `batch_first`."""
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        return self._finished(tgt)


@checked
class Transformer(Module):
    """An encoder and a decoder, as for translation.

    >>> model = nn.Transformer(8, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> model(engine.ones(5, 1, 8), engine.ones(3, 1, 8)).shape
    engine.Size([3, 1, 8])
    """

    def __init__(
        self,
        d_model: Width = 512,
        nhead: Width = 8,
        num_encoder_layers: Depth = 6,
        num_decoder_layers: Depth = 6,
        dim_feedforward: Width = 2048,
        dropout: Share = 0.1,
        activation: Any = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: Epsilon = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        flags = dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        end: Any = lambda: LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(d_model, nhead, *flags), num_encoder_layers, end()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(d_model, nhead, *flags), num_decoder_layers, end()
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """src (S, N, d_model) and tgt (T, N, d_model) to (T, N, d_model), or with N first if `batch_first`."""
        rows = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[rows] != tgt.shape[rows]:
            raise Misfit("Transformer", "as many examples in src as in tgt", f"{src.shape[rows]} and {tgt.shape[rows]}")
        if not src.shape[-1] == tgt.shape[-1] == self.d_model:
            raise Misfit(
                "Transformer", f"{self.d_model} features of src and tgt", f"{src.shape[-1]} and {tgt.shape[-1]}"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        return self.decoder(tgt, memory, *masks, tgt_is_causal, memory_is_causal)

    generate_square_subsequent_mask = staticmethod(generate_square_subsequent_mask)


class Misfit(ArgumentError, RuntimeError):
    """Two inputs that do not belong together."""


def _bend(name: str) -> Any:
    if name not in ("relu", "gelu"):
        raise Misfit("Transformer(activation)", "relu, gelu or a function", name, field="activation")
    return getattr(functional, name)
