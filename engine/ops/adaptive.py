"""Pools whose windows are worked out, drawn at random or undone: adaptive, fractional, power-mean, unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.array import INT, Abstract, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Op, words
from engine.ops.resample import mean_plan, window_places
from engine.ops.space import batched, ranked, sizes
from engine.rng import default_generator


class WindowArgmax(Op):
    """Where the largest number of every window stands in the flattened space; no gradient.

    places: for each axis the places of its windows, (windows, width) or (batch, channel, windows, width).
    """

    latex, promotion = r"\operatorname{{argmaxpool}}({0})", "none"

    @staticmethod
    def forward(xp: Any, x: Any, *, places: tuple[Any, ...]) -> Any:
        space = x.shape[-len(places) :]
        numbers = xp.arange(math.prod(space)).reshape((1,) * (x.ndim - len(space)) + space)
        best = _windows(xp, x, places).argmax(axis=-1)[..., None]
        seen = _windows(xp, numbers, places)
        return xp.take_along_axis(xp.broadcast_to(seen, (*best.shape[:-1], seen.shape[-1])), best, -1)[..., 0]

    @staticmethod
    def infer(x: Any, *, places: tuple[Any, ...]) -> Abstract:
        return Abstract((*x.shape[: -len(places)], *(p.shape[-2] for p in places)), INT)


def _windows(xp: Any, x: Any, places: tuple[Any, ...]) -> Any:
    """What every window sees: (*lead, *windows, everything in it)."""
    n = len(places)
    lead = x.ndim - n
    for axis, p in enumerate(places):
        front = (1,) * lead if p.ndim == 2 else p.shape[:-2]
        index = xp.asarray(p).reshape((*front, *(1,) * axis, math.prod(p.shape[-2:]), *(1,) * (n - 1 - axis)))
        x = xp.take_along_axis(x, index, lead + axis)
    split = x.reshape((*x.shape[:lead], *(k for p in places for k in p.shape[-2:])))
    order = (*range(lead), *range(lead, lead + 2 * n, 2), *range(lead + 1, lead + 2 * n, 2))
    seen = split.transpose(order)
    return seen.reshape((*seen.shape[: lead + n], math.prod(seen.shape[lead + n :])))


def _pooled_at(input: Any, places: tuple[Any, ...], indices_too: bool) -> Any:
    """The largest number of every window, with its position if wanted."""
    n = len(places)
    indices = input.detach().window_argmax(places=places)
    y = input.flatten(-n).gather(-1, indices.flatten(-n)).reshape(indices.shape)
    return (y, indices) if indices_too else y


def _targets(where: str, input: Any, n: int, output_size: Any) -> Shape:
    given = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * n
    if n > 1 and input.ndim <= n:
        raise ArgumentError(where, f"an input of at least {n + 1} dims", words(input.shape))
    if input.ndim not in (n + 1, n + 2) or not all(input.shape[-n - 1 :]):
        raise ShapeError(where, f"an input with {n + 1} or {n + 2} dims, none empty but the batch", words(input.shape))
    if len(given) != n:
        raise ShapeError(where, f"one output size, or {n} of them", given)
    out = tuple(int(input.shape[k - n] if size is None else size) for k, size in enumerate(given))
    if min(out) < 0:
        raise ShapeError(where, "output sizes of at least 0", words(out))
    return out


@ranked(
    "F.adaptive_avg_pool1d(engine.tensor([[[1.0, 3.0, 5.0]]]), 2)\n    tensor([[[2., 4.]]])",
    "F.adaptive_avg_pool2d(engine.ones(1, 3, 7, 9), (None, 2)).shape\n    engine.Size([1, 3, 7, 2])",
    "F.adaptive_avg_pool3d(engine.ones(1, 3, 4, 5, 6), 2).shape\n    engine.Size([1, 3, 2, 2, 2])",
)
def adaptive_avg_pool_nd(n: int, input: Any, output_size: Any) -> Any:
    """Means over windows that are worked out so that the output has the wanted size; None keeps an axis as it is."""
    out = _targets(f"adaptive_avg_pool{n}d", input, n, output_size)
    space = tuple(input.shape[-n:])
    if set(out) == {1} and input.is_floating_point():
        return input.mean(tuple(range(-n, 0)), True)
    if min(out) and not any(k % o for k, o in zip(space, out, strict=True)):
        return getattr(input, f"avg_pool{n}d")(tuple(k // o for k, o in zip(space, out, strict=True)))
    y = input
    for k in range(n):
        y = y.resample(dim=k - n, plan=mean_plan(int(space[k]), out[k]))
    return y


@ranked(
    "F.adaptive_max_pool1d(engine.tensor([[[1.0, 3.0, 5.0]]]), 2)\n    tensor([[[3., 5.]]])",
    "F.adaptive_max_pool2d(engine.eye(3)[None], 1, return_indices=True)[1]\n    tensor([[[0]]])",
    "F.adaptive_max_pool3d(engine.ones(1, 3, 4, 5, 6), 2).shape\n    engine.Size([1, 3, 2, 2, 2])",
)
def adaptive_max_pool_nd(n: int, input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest numbers of windows that are worked out so that the output has the wanted size."""
    out = _targets(f"adaptive_max_pool{n}d", input, n, output_size)
    return _pooled_at(input, tuple(window_places(input.shape[k - n], out[k]) for k in range(n)), return_indices)


@ranked(
    "F.adaptive_max_pool1d_with_indices(engine.tensor([[[1.0, 3.0, 5.0]]]), 1)\n"
    "    (tensor([[[5.]]]), tensor([[[2]]]))",
    "F.adaptive_max_pool2d_with_indices(engine.eye(3)[None], 1)[1]\n    tensor([[[0]]])",
    "F.adaptive_max_pool3d_with_indices(engine.ones(1, 2, 2, 2), 1)[1]\n    tensor([[[[0]]]])",
)
def adaptive_max_pool_nd_with_indices(n: int, input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest numbers of windows that are worked out, and where they stand in the flattened space."""
    return adaptive_max_pool_nd(n, input, output_size, True)


@ranked(
    "F.lp_pool1d(engine.tensor([[[3.0, 4.0]]]), 2, 2)\n    tensor([[[5.]]])",
    "F.lp_pool2d(engine.ones(1, 1, 2, 2), 2, 2)\n    tensor([[[[2.]]]])",
    "F.lp_pool3d(engine.ones(1, 1, 4, 4, 4), 1, 2).shape\n    engine.Size([1, 1, 2, 2, 2])",
)
def lp_pool_nd(
    n: int, input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Any:
    """The power sum of every window: the p-th root of the sum of p-th powers (its sign lost for even p)."""
    taps = math.prod(sizes(f"lp_pool{n}d: kernel_size", kernel_size, n))
    means = getattr(input.pow(norm_type), f"avg_pool{n}d")(kernel_size, stride, 0, ceil_mode)
    return (means.sign() * means.abs().relu() * taps).pow(1.0 / norm_type)


# ------------------------------------------------------------------------------------------------- fractional
def _drawn_places(n: int, out: int, kernel: int, sample: Any) -> Any:
    """Windows that begin at places spread unevenly by one random number per channel (B. Graham, 2014)."""
    if out == 1:
        start = np.full((*sample.shape, 1), n - kernel)
    else:
        alpha, each = sample.dtype.type(n - kernel) / sample.dtype.type(out - 1), np.arange(out, dtype=sample.dtype)
        start = np.trunc((each + sample[..., None]) * alpha) - np.trunc(sample[..., None] * alpha)
        start[..., -1] = n - kernel
    return (start[..., None] + np.arange(kernel)).astype(np.int64)


@ranked(
    "F.fractional_max_pool2d(engine.ones(1, 1, 5, 5), 2, output_size=3).shape\n    engine.Size([1, 1, 3, 3])",
    "F.fractional_max_pool3d(engine.ones(1, 1, 5, 5, 5), 2, output_ratio=0.5).shape\n    engine.Size([1, 1, 2, 2, 2])",
    first=2,
)
def fractional_max_pool_nd(
    n: int,
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The largest numbers of windows at places drawn at random: sizes shrink by a fraction. B. Graham, 2014."""
    where = f"fractional_max_pool{n}d"
    x, added = batched(where, input, n)
    if (output_size is None) == (output_ratio is None):
        raise ArgumentError(where, "either output_size or output_ratio", f"{output_size} and {output_ratio}")
    kernel = sizes(f"{where}: kernel_size", kernel_size, n)
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, tuple | list) else (output_ratio,) * n
        output_size = tuple(int(k * r) for k, r in zip(x.shape[2:], ratios, strict=True))
    out = sizes(f"{where}: output_size", output_size, n)
    if any(o + k - 1 > space or o < 1 for o, k, space in zip(out, kernel, x.shape[2:], strict=True)):
        raise ShapeError(where, f"an input with room for {words(out)} windows of {words(kernel)}", words(x.shape))
    if _random_samples is None:
        samples = default_generator.uniform((*x.shape[:2], n))
    else:
        samples = _random_samples.numpy()[: x.shape[0]].reshape((*x.shape[:2], n))
    # The samples stand in the order (last axis, ..., first): the width's number comes first in two dims.
    order = range(n) if n == 3 else (1, 0)
    places = tuple(
        _drawn_places(int(x.shape[2 + k]), out[k], kernel[k], samples[..., i])
        for k, i in zip(range(n), order, strict=True)
    )
    y, indices = _pooled_at(x, places, True)
    y, indices = (y.squeeze(0), indices.squeeze(0)) if added else (y, indices)
    return (y, indices) if return_indices else y


@ranked(
    "F.fractional_max_pool2d_with_indices(engine.ones(1, 2, 2), 2, output_size=1)[1]\n    tensor([[[0]]])",
    "F.fractional_max_pool3d_with_indices(engine.ones(1, 2, 2, 2), 2, output_size=1)[1]\n    tensor([[[[0]]]])",
    first=2,
)
def fractional_max_pool_nd_with_indices(
    n: int,
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """Fractional max-pooling, and where the largest numbers stand in the flattened space."""
    return fractional_max_pool_nd(n, input, kernel_size, output_size, output_ratio, True, _random_samples)


# -------------------------------------------------------------------------------------------------- unpooling
@ranked(
    "F.max_unpool1d(engine.tensor([[3.0, 5.0]]), engine.tensor([[1, 2]]), 2)\n    tensor([[0., 3., 5., 0.]])",
    "F.max_unpool2d(engine.tensor([[[3.0]]]), engine.tensor([[[2]]]), 2)\n    tensor([[[0., 0.],\n"
    "             [3., 0.]]])",
    "F.max_unpool3d(engine.ones(1, 1, 1, 1), engine.zeros(1, 1, 1, 1).long(), 2).shape\n    engine.Size([1, 2, 2, 2])",
)
def max_unpool_nd(
    n: int,
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """Every number put back where max-pooling found it, zeros elsewhere; `indices` as max-pooling returned them."""
    where = f"max_unpool{n}d"
    if input.shape != indices.shape or input.ndim not in (n + 1, n + 2):
        raise ShapeError(where, f"indices of the input's shape, {n + 1} or {n + 2} dims", words(indices.shape))
    kernel = sizes(f"{where}: kernel_size", kernel_size, n)
    steps = kernel if stride is None or stride == [] else sizes(f"{where}: stride", stride, n)
    frame = sizes(f"{where}: padding", padding, n)
    usual = tuple((k - 1) * s - 2 * p + w for k, s, p, w in zip(input.shape[-n:], steps, frame, kernel, strict=True))
    out = usual if output_size is None else tuple(output_size)[-n:]
    if len(out) != n or any(not u - s < o < u + s for o, u, s in zip(out, usual, steps, strict=True)):
        raise ArgumentError(where, f"an output_size less than a stride away from {words(usual)}", output_size)
    lead = tuple(input.shape[:-n])
    _check_places(where, indices, math.prod(out))
    full = input.new_zeros((*lead, math.prod(out)))
    return full.scatter(-1, indices.flatten(-n), input.flatten(-n)).reshape((*lead, *out))


def _check_places(where: str, indices: Any, room: int) -> None:
    if str(indices.dtype) != "engine.int64":
        raise ShapeError(where, "indices of int64", indices.dtype)
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < room:
        got = f"{int(indices.min())} to {int(indices.max())}"
        raise ShapeError(where, f"positions from 0 to {room - 1}", got, "Give the output_size that was pooled.")
