"""Convolution over one, two or three axes, and its transpose. Inputs are (batch, channel, *space), as in PyTorch.

The three ops are one family: each is the product of two tensors whose partial derivatives are the other two.
"""

from __future__ import annotations

from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ShapeError
from engine.ops.op import Case, Op, Rule, function, words
from engine.ops.sliding import correlate, match, scatter
from engine.ops.space import batched, out_size, ranked, sizes

PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
STRIDED = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 1}
GROUPED = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 2}
LINE = {"stride": (2,), "padding": (1,), "dilation": (2,), "groups": 1}
SOLID = {"stride": (1, 2, 1), "padding": (1, 0, 1), "dilation": (2, 1, 1), "groups": 2}


class Convolution(Op):
    """Every filter slides over the input; each position gives the sum of products, plus the bias."""

    latex, promotion = r"{0} \star {1} + {2}", "same"
    cases = (
        Case(((2, 3, 6, 5), (4, 3, 3, 2), (4,)), PLAIN),
        Case(((2, 2, 6, 7), (3, 2, 3, 3)), STRIDED),
        Case(((1, 4, 4, 4), (6, 2, 3, 3), (6,)), GROUPED),
        Case(((2, 3, 9), (4, 3, 3), (4,)), LINE),
        Case(((2, 2, 4, 5, 3), (4, 1, 2, 2, 3), (4,)), SOLID),
    )

    @staticmethod
    def forward(xp: Any, x: Any, weight: Any, bias: Any = None, **attrs: Any) -> Any:
        Convolution.infer(x, weight, bias, **attrs)
        y = correlate(xp, x, weight, **attrs)
        if bias is not None:
            y += bias.reshape((-1,) + (1,) * (y.ndim - 2))
        return y

    @staticmethod
    def infer(
        x: Any, weight: Any, bias: Any = None, *, stride: Shape, padding: Shape, dilation: Shape, groups: int
    ) -> Abstract:
        n = len(stride)
        where = f"conv{n}d"
        if len(x.shape) != n + 2 or len(weight.shape) != n + 2:
            hint = "Inputs need the axes (batch, channel, *space), filters (out, in / groups, *taps)."
            raise ShapeError(where, f"an input and filters with {n + 2} dims", words(x.shape), hint)
        if x.shape[1] != weight.shape[1] * groups:
            hint = f"Set in_channels to {x.shape[1]}."
            raise ShapeError(where, f"an input with {weight.shape[1] * groups} channels", words(x.shape), hint)
        _check_filters(where, weight.shape[0], bias, groups)
        size = _places(where, x.shape[2:], weight.shape[2:], stride, padding, dilation)
        return Abstract((x.shape[0], weight.shape[0], *size), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, weight: Any, __: Any = None, **attrs: Any) -> Rule:
        return (
            lambda: g.convolution_input(weight, size=tuple(x.shape[2:]), **attrs),
            lambda: g.convolution_weight(x, size=tuple(weight.shape[2:]), **attrs),
            lambda: g.sum((0, *range(2, g.ndim))),
        )


def _check_filters(where: str, filters: int, bias: Any, groups: int) -> None:
    if groups < 1 or filters % groups or not filters:
        raise ShapeError(where, f"a number of filters that {groups} groups divide", filters)
    if bias is not None and bias.shape != (filters,):
        raise ShapeError(where, f"a bias of shape {words((filters,))}", words(bias.shape))


def _places(where: str, space: Shape, taps: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    if min(stride) < 1 or min(dilation) < 1 or min(padding) < 0:
        facts = f"stride {words(stride)}, dilation {words(dilation)}, padding {words(padding)}"
        raise ShapeError(where, "strides and dilations of at least 1, padding of at least 0", facts)
    found = tuple(out_size(*each) for each in zip(space, taps, stride, padding, dilation, strict=True))
    if min(found) < 1:
        room = [n + 2 * p for n, p in zip(space, padding, strict=True)]
        hint = "Take a smaller filter, or add padding."
        raise ShapeError(where, f"an input at least as large as the filter {words(taps)}", room, hint)
    return found


class ConvolutionInput(Op):
    """The convolution's gradient by its input: what every place sent out, gathered; the transposed convolution."""

    latex, jvp, promotion = r"{0} \ast {1}", "multilinear", "same"
    cases = (
        Case(((2, 4, 4, 4), (4, 3, 3, 2)), {**PLAIN, "size": (6, 5)}),
        Case(((2, 3, 3, 7), (3, 2, 3, 3)), {**STRIDED, "size": (6, 7)}),
        Case(((2, 4, 4), (4, 3, 3)), {**LINE, "size": (9,)}),
        Case(((2, 4, 4, 2, 3), (4, 1, 2, 2, 3)), {**SOLID, "size": (4, 5, 3)}),
    )

    @staticmethod
    def forward(xp: Any, g: Any, weight: Any, **attrs: Any) -> Any:
        return scatter(xp, g, weight, **attrs)

    @staticmethod
    def infer(g: Any, weight: Any, *, size: Shape, groups: int, **attrs: Any) -> Abstract:
        return Abstract((g.shape[0], weight.shape[1] * groups, *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, weight: Any, *, size: Shape, **attrs: Any) -> Rule:
        taps = tuple(weight.shape[2:])
        return lambda: _cut(h.convolution(weight, **attrs), g), lambda: g.convolution_weight(h, size=taps, **attrs)


class ConvolutionWeight(Op):
    """The convolution's gradient by its filters."""

    latex, jvp, promotion = r"{0} \diamond {1}", "multilinear", "same"
    cases = (
        Case(((2, 4, 4, 4), (2, 3, 6, 5)), {**PLAIN, "size": (3, 2)}),
        Case(((2, 3, 3, 7), (2, 2, 6, 7)), {**STRIDED, "size": (3, 3)}),
        Case(((2, 4, 4), (2, 3, 9)), {**LINE, "size": (3,)}),
        Case(((2, 4, 4, 2, 3), (2, 2, 4, 5, 3)), {**SOLID, "size": (2, 2, 3)}),
    )

    @staticmethod
    def forward(xp: Any, g: Any, x: Any, **attrs: Any) -> Any:
        return match(xp, g, x, **attrs)

    @staticmethod
    def infer(g: Any, x: Any, *, size: Shape, groups: int, **attrs: Any) -> Abstract:
        return Abstract((g.shape[1], x.shape[1] // groups, *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, x: Any, *, size: Shape, **attrs: Any) -> Rule:
        space = tuple(x.shape[2:])
        return lambda: _cut(x.convolution(h, **attrs), g), lambda: g.convolution_input(h, size=space, **attrs)


def _cut(y: Any, like: Any) -> Any:
    """Without positions that lie in the output padding of a transposed convolution: there nothing was sent from."""
    return y if y.shape == like.shape else y[tuple(slice(0, n) for n in like.shape)]


# ------------------------------------------------------------------------------------------------ compositions
def _attrs(n: int, where: str, stride: Any, padding: Any, dilation: Any, groups: int) -> dict[str, Any]:
    return {
        "stride": sizes(f"{where}: stride", stride, n),
        "padding": sizes(f"{where}: padding", padding, n),
        "dilation": sizes(f"{where}: dilation", dilation, n),
        "groups": groups,
    }


@ranked(
    "F.conv1d(engine.ones(1, 1, 4), engine.ones(1, 1, 3))\n    tensor([[[3., 3.]]])",
    "F.conv2d(engine.ones(1, 1, 3, 3), engine.ones(1, 1, 2, 2), stride=2)\n    tensor([[[[4.]]]])",
    'F.conv3d(engine.ones(2, 3, 4, 5, 6), engine.ones(7, 3, 3, 3, 3), padding="same").shape\n'
    "    engine.Size([2, 7, 4, 5, 6])",
)
def conv_nd(
    n: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Filters slid over the input: each position gives the sum of products, plus the bias.

    input (batch, in, *space), the batch may be left out; weight (out, in / groups, *taps); padding: numbers, "valid"
    (none) or "same" (the output as large as the input). Gives (batch, out, *positions).
    """
    x, added = batched(f"conv{n}d", input, n)
    if weight.ndim != n + 2:
        raise ShapeError(f"conv{n}d", f"filters with {n + 2} dims (out, in / groups, *taps)", words(weight.shape))
    if isinstance(padding, str):
        x, padding = _padded_by_name(f"conv{n}d", x, weight, stride, padding, sizes("dilation", dilation, n))
    operands = (weight,) if bias is None else (weight, bias)
    y = x.convolution(*operands, **_attrs(n, f"conv{n}d", stride, padding, dilation, groups))
    return y.squeeze(0) if added else y


def _padded_by_name(where: str, x: Any, weight: Any, stride: Any, name: str, dilation: Shape) -> tuple[Any, Shape]:
    """The input and the padding for "same" or "valid"; where a filter is even, one more place behind than before."""
    n = len(dilation)
    if name not in ("same", "valid"):
        raise ShapeError(where, 'padding "same", "valid" or numbers', repr(name))
    if name == "valid":
        return x, (0,) * n
    if any(s != 1 for s in sizes(f"{where}: stride", stride, n)):
        raise ShapeError(where, 'stride 1 with padding="same"', stride)
    total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if any(t % 2 for t in total):
        x = x.pad([k for t in reversed(total) for k in (0, t % 2)])
    return x, tuple(t // 2 for t in total)


@ranked(
    "F.conv_transpose1d(engine.ones(1, 1, 2), engine.ones(1, 1, 3), stride=2)\n    tensor([[[1., 1., 2., 1., 1.]]])",
    "F.conv_transpose2d(engine.ones(1, 1, 1, 1), engine.ones(1, 1, 2, 2))\n    tensor([[[[1., 1.],\n"
    "              [1., 1.]]]])",
    "F.conv_transpose3d(engine.ones(1, 2, 3, 3, 3), engine.ones(2, 4, 2, 2, 2), stride=2).shape\n"
    "    engine.Size([1, 4, 6, 6, 6])",
)
def conv_transpose_nd(
    n: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Every place of the input stamps its filter onto a larger output: the convolution's gradient by its input.

    input (batch, in, *space), weight (in, out / groups, *taps). output_padding: places added behind, for strides.
    """
    where = f"conv_transpose{n}d"
    x, added = batched(where, input, n)
    attrs = _attrs(n, where, stride, padding, dilation, groups)
    extra = sizes(f"{where}: output_padding", output_padding, n)
    if x.shape[1] != weight.shape[0]:
        raise ShapeError(where, f"an input with {weight.shape[0]} channels", words(x.shape))
    _check_filters(where, weight.shape[1] * groups, bias, groups)
    if any(e >= max(s, d) or e < 0 for e, s, d in zip(extra, attrs["stride"], attrs["dilation"], strict=True)):
        raise ShapeError(where, "output_padding smaller than stride or dilation", words(extra))
    size = tuple(
        (places - 1) * s - 2 * p + d * (k - 1) + e + 1
        for places, k, s, p, d, e in zip(
            *(x.shape[2:], weight.shape[2:], attrs["stride"], attrs["padding"], attrs["dilation"], extra), strict=True
        )
    )
    if min(size) < 1:
        raise ShapeError(where, "an output with at least one place", words(size), "Take less padding.")
    y = x.convolution_input(weight, size=size, **attrs)
    y = y if bias is None else y + bias.reshape((-1,) + (1,) * n)
    return y.squeeze(0) if added else y


@function
def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """The convolution of sequences with axes (time, batch, channel); weight (taps, in, out).

    >>> F.conv_tbc(engine.ones(3, 1, 1), engine.ones(2, 1, 1), engine.zeros(1)).flatten()
    tensor([2., 2.])
    """
    return input.permute((1, 2, 0)).conv1d(weight.permute((2, 1, 0)), bias, padding=pad).permute((2, 0, 1))
