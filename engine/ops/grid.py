"""Images looked at in places that a grid names: affine_grid and grid_sample. M. Jaderberg et al., 2015."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from engine.errors import ArgumentError, ShapeError, Unsupported
from engine.ops.op import function, words


@function
def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The places (x, y[, z]) in [-1, 1] that affine maps theta (batch, n, n + 1) send an image's pixels to.

    >>> F.affine_grid(engine.tensor([[[1.0, 0, 0], [0, 1.0, 0]]]), (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    n = len(size) - 2
    if not theta.is_floating_point():
        raise ArgumentError("affine_grid", "a theta of floating-point numbers", theta.dtype)
    if n not in (2, 3) or tuple(theta.shape) != (size[0], n, n + 1):
        expected = f"theta of shape [{size[0]}, {n}, {n + 1}] for images with 2 or 3 spatial axes"
        raise (Unsupported if n not in (2, 3) else ArgumentError)("affine_grid", expected, words(theta.shape))
    if min(size) < 1:
        raise ArgumentError("affine_grid", "sizes greater than 0", words(size))
    axes = [np.linspace(-1, 1, k) if k > 1 else np.zeros(1) for k in size[2:]]
    if not align_corners:
        axes = [a * ((k - 1) / k) for a, k in zip(axes, size[2:], strict=True)]
    places = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size[2:])], -1)
    base = theta.new_tensor(places.reshape(1, -1, n + 1))
    return base.matmul(theta.transpose(1, 2)).reshape((size[0], *size[2:], n))


@function
def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """The input (batch, channel, *space) read at the places (x, y[, z]) in [-1, 1] of a grid (batch, *out, n).

    mode: bilinear, nearest, or bicubic (two axes); padding_mode: zeros, border, or reflection, for places outside.

    >>> F.grid_sample(engine.tensor([[[[0.0, 2.0]]]]), engine.zeros(1, 1, 1, 2), align_corners=True)
    tensor([[[[1.]]]])
    """
    n = input.ndim - 2
    _check(input, grid, n, mode, padding_mode)
    if input.dtype.name == "float16" and mode == "bicubic":
        return input.float().grid_sample(grid.float(), mode, padding_mode, align_corners).half()
    sizes = [int(k) for k in input.shape[2:]]
    # The grid's last axis counts from the innermost axis: x is the width.
    places = [_unnormalised(grid.select(-1, n - 1 - k), sizes[k], bool(align_corners)) for k in range(n)]
    if mode == "bicubic":
        return _cubic(input, places, sizes, padding_mode, bool(align_corners))
    places = [_inside(p, k, padding_mode, bool(align_corners)) for p, k in zip(places, sizes, strict=True)]
    if mode == "nearest":
        # The nearest place does not move with the grid: a slope of 0, but one.
        still = [(p - p.detach()) * 0 for p in places]
        return _read(input, [p.round() for p in places], sizes) + sum(still[1:], still[0]).unsqueeze(1)
    low = [p.detach().floor() for p in places]
    total: Any = None
    for corner in product((0, 1), repeat=n):
        share: Any = None
        for p, start, side in zip(places, low, corner, strict=True):
            part = p - start if side else 1 - (p - start)
            share = part if share is None else share * part
        at = [start + side for start, side in zip(low, corner, strict=True)]
        term = _read(input, at, sizes) * share.unsqueeze(1)
        total = term if total is None else total + term
    return total


@function
def grid_sampler(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """`grid_sample` with numbers for words: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection.

    >>> engine.grid_sampler(engine.tensor([[[[0.0, 2.0]]]]), engine.zeros(1, 1, 1, 2), 0, 0, True)
    tensor([[[[1.]]]])
    """
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    return input.grid_sample(grid, mode, ("zeros", "border", "reflection")[padding_mode], align_corners)


@function
def grid_sampler_2d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """`grid_sampler` for images with two spatial axes.

    >>> engine.grid_sampler_2d(engine.tensor([[[[0.0, 2.0]]]]), engine.zeros(1, 1, 1, 2), 0, 0, True)
    tensor([[[[1.]]]])
    """
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


@function
def grid_sampler_3d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """`grid_sampler` for images with three spatial axes.

    >>> engine.grid_sampler_3d(engine.ones(1, 1, 2, 2, 2), engine.zeros(1, 1, 1, 1, 3), 0, 0, True)
    tensor([[[[[1.]]]]])
    """
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _check(input: Any, grid: Any, n: int, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ArgumentError("grid_sample", "mode bilinear, nearest or bicubic", repr(mode))
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ArgumentError("grid_sample", "padding_mode zeros, border or reflection", repr(padding_mode))
    if n not in (2, 3) or grid.ndim != input.ndim or grid.shape[-1] != n or grid.shape[0] != input.shape[0]:
        expected = f"a grid [{input.shape[0]}, *out, {n}] for an input with 2 or 3 spatial axes"
        raise ShapeError("grid_sample", expected, f"{words(grid.shape)} for {words(input.shape)}")
    if mode == "bicubic" and n != 2:
        raise ShapeError("grid_sample", "two spatial axes with mode bicubic", n)
    if not all(input.shape[2:]):
        raise ShapeError("grid_sample", "an input whose space is not empty", words(input.shape))


def _unnormalised(x: Any, size: int, corners: bool) -> Any:
    """From [-1, 1] to places on an axis."""
    return (x + 1) * ((size - 1) / 2) if corners else ((x + 1) * size - 1) / 2


def _inside(p: Any, size: int, padding_mode: str, corners: bool) -> Any:
    """Places outside of the axis brought back, as the padding mode says; its slope is 0 where it is held."""
    if padding_mode == "zeros":
        return p
    if padding_mode == "reflection":
        p = _reflected(p, 0.0, size - 1.0) if corners else _reflected(p, -0.5, size - 0.5)
    # hardtanh's slope is 0 on the border too, as in PyTorch.
    return p.hardtanh(0.0, size - 1.0) if size > 1 else p * 0


def _reflected(p: Any, low: float, high: float) -> Any:
    span = high - low
    if span <= 0:
        return p * 0
    away = (p - low).abs()
    turns = (away.detach() / span).floor()
    rest = away - turns * span
    return (turns.remainder(2) == 0).choose(rest + low, span - rest + low)


def _read(input: Any, places: list[Any], sizes: list[int]) -> Any:
    """The input's numbers at whole places (batch, *out), 0 where there are none: (batch, channel, *out)."""
    inside: Any = None
    index: Any = 0
    for p, size in zip(places, sizes, strict=True):
        there = (p >= 0) & (p < size)
        inside = there if inside is None else inside & there
        index = index * size + there.choose(p.detach(), 0.0).to("int64")
    shape = (input.shape[0], input.shape[1], *places[0].shape[1:])
    flat = index.flatten(1).unsqueeze(1).expand((shape[0], shape[1], -1))
    return input.flatten(2).gather(2, flat).reshape(shape) * inside.unsqueeze(1).to(input.dtype)


def _cubic(input: Any, places: list[Any], sizes: list[int], padding_mode: str, corners: bool) -> Any:
    low = [p.detach().floor() for p in places]
    shares = [_cubic_shares(p - start) for p, start in zip(places, low, strict=True)]
    total: Any = None
    for i, j in product(range(4), repeat=2):
        at = [start + k - 1 for start, k in zip(low, (i, j), strict=True)]
        at = [_inside(p, size, padding_mode, corners).round() for p, size in zip(at, sizes, strict=True)]
        term = _read(input, at, sizes) * (shares[0][i] * shares[1][j]).unsqueeze(1)
        total = term if total is None else total + term
    return total


def _cubic_shares(t: Any) -> list[Any]:
    """Keys' cubic convolution (slope -0.75) for a place that lies t behind the second of four numbers."""
    a = -0.75

    def far(d: Any) -> Any:
        return (((d - 5) * d + 8) * d - 4) * a

    def near(d: Any) -> Any:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]
