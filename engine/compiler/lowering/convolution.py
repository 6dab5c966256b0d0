"""Convolutions as contractions of windows: no copy of the patches, each tap one more letter of the sum.

Letters: n image, g group, c channel, f filter, p q r positions, i j k taps. An axis with one tap has no tap letter.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from engine.compiler.graph.ir import Shape
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.pooling import interleaved
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule


def windows(
    xp: Library, x: Array, taps: Shape, positions: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Any:
    """What the taps see of (image, channel, *space): (image, channel, *positions, *taps), without taps of size 1."""
    reach = [(m - 1) * s + d * (k - 1) + 1 for m, k, s, d in zip(positions, taps, stride, dilation, strict=True)]
    behind = [max(r - n - p, 0) for r, n, p in zip(reach, x.shape[2:], padding, strict=True)]
    x = xp.framed(x, (0, 0, *padding), (0, 0, *behind))
    for axis, (k, s, d, m) in enumerate(zip(taps, stride, dilation, positions, strict=True), 2):
        at = (slice(None),) * axis
        if k == 1:
            x = x[(*at, slice(0, (m - 1) * s + 1, s))]
        else:
            x = xp.window(x, axis, k, s, d)[(*at, slice(0, m))]
    return x


LONG_SUM = 256
"""From sums of so many products on, products with zeros cost more than laying classes of places between each other."""


class Letters:
    """The letters of one convolution."""

    def __init__(self, taps: Shape, groups: int) -> None:
        self.groups, n = groups, len(taps)
        if n > 3:
            raise NoRule("more than three axes")
        self.group = "g" if groups > 1 else ""
        self.positions = "pqr"[:n]
        self.taps = "".join(letter for letter, k in zip("ijk", taps, strict=False) if k > 1)
        self.image, self.filters = f"n{self.group}f{self.positions}", f"{self.group}fc{self.taps}"
        self.seen = f"n{self.group}c{self.positions}{self.taps}"

    def split(self, x: Array, axis: int) -> Any:
        """An axis of channels or filters as (group, one of the group)."""
        if self.groups == 1:
            return x
        return x.reshape((*x.shape[:axis], self.groups, x.shape[axis] // self.groups, *x.shape[axis + 1 :]))

    def weights(self, weight: Array) -> Any:
        """Filters by group, without taps of size 1."""
        kept = [k for k in weight.shape[2:] if k > 1]
        return self.split(weight.reshape((*weight.shape[:2], *kept)), 0)


@rule("convolution")
def convolution(
    xp: Library,
    x: Array,
    weight: Array,
    bias: Any = None,
    *,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    groups: int,
) -> Any:
    """Windows times filters, plus the bias."""
    taps = weight.shape[2:]
    letters = Letters(taps, groups)
    positions = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(x.shape[2:], padding, dilation, taps, stride, strict=True)
    )
    seen = letters.split(windows(xp, x, taps, positions, stride, padding, dilation), 1)
    y = xp.contract(seen, letters.weights(weight), f"{letters.seen},{letters.filters}->{letters.image}")
    y = y.reshape((x.shape[0], weight.shape[0], *positions))
    return y if bias is None else y + bias.reshape((-1,) + (1,) * len(taps))


@rule("convolution_weight")
def convolution_weight(
    xp: Library, g: Array, x: Array, *, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    """The gradient by the filters: windows times what came back, summed over images and positions."""
    letters = Letters(size, groups)
    seen = letters.split(windows(xp, x, size, g.shape[2:], stride, padding, dilation), 1)
    found = xp.contract(letters.split(g, 1), seen, f"{letters.image},{letters.seen}->{letters.filters}")
    return found.reshape((g.shape[1], x.shape[1] // groups, *size))


@rule("convolution_input")
def convolution_input(
    xp: Library, g: Array, weight: Array, *, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    """The gradient by the image. With strides the image's places fall into classes by their remainder, each of which
    sees only every stride-th tap: a product without zeros for each class, and all laid between each other."""
    taps = weight.shape[2:]
    long = weight.shape[0] // groups * math.prod(taps) >= LONG_SUM
    split = [long and s > 1 and k > 1 and d == 1 for s, k, d in zip(stride, taps, dilation, strict=True)]
    if not any(split):
        return _sent(xp, g, weight, size, stride, padding, dilation, groups)
    steps = tuple(s if apart else 1 for s, apart in zip(stride, split, strict=True))
    inner = tuple(1 if apart else s for s, apart in zip(stride, split, strict=True))
    wide = tuple(-(-n // s) for n, s in zip(size, steps, strict=True))
    classes = {}
    for rest in product(*map(range, steps)):
        # Place s v + r of the image is seen by taps (r + p) % s, (r + p) % s + s, ... from position v + (r + p) // s.
        seen = [divmod(r + p, s) if s > 1 else (p, 0) for r, p, s in zip(rest, padding, steps, strict=True)]
        part = weight[(..., *(slice(first, None, s) for (_, first), s in zip(seen, steps, strict=True)))]
        if part.size:
            classes[rest] = _sent(xp, g, part, wide, inner, tuple(at for at, _ in seen), dilation, groups)
    nothing = xp.array(np.zeros((g.shape[0], weight.shape[1] * groups, *wide), g.dtype))
    return interleaved(xp, classes, nothing, steps)[(..., *(slice(0, n) for n in size))]


def _sent(
    xp: Library, g: Array, weight: Array, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    """Turned filters slide over g, between whose numbers stand zeros where it has strides.

    An axis with one tap gets its zeros behind the product.
    """
    taps = weight.shape[2:]
    letters = Letters(taps, groups)
    each = list(zip(size, taps, stride, padding, dilation, g.shape[2:], strict=True))
    before = [(0, 0, 0) if k == 1 else _frame(n + d * (k - 1), d * (k - 1) - p, s, m) for n, k, s, p, d, m in each]
    spread = xp.framed(g, *_widths(before))
    wide = tuple(m if k == 1 else n for n, k, _, _, _, m in each)
    seen = letters.split(windows(xp, spread, taps, wide, (1,) * len(size), (0,) * len(size), dilation), 1)
    turned = letters.weights(xp.flipped(weight, tuple(i + 2 for i, k in enumerate(taps) if k > 1)))
    image = f"n{letters.group}c{letters.positions}"
    y = xp.contract(seen, turned, f"{letters.seen.replace('c', 'f')},{letters.filters}->{image}")
    y = y.reshape((g.shape[0], weight.shape[1] * groups, *wide))
    after = [_frame(n, -p, s, m) if k == 1 else (0, 0, 0) for n, k, s, p, _, m in each]
    return xp.framed(y, *_widths(after))


def _frame(length: int, low: int, stride: int, many: int) -> tuple[int, int, int]:
    """Widths (before, behind, between) that bring `many` places, `stride` apart, to a length."""
    return low, length - low - (many - 1) * stride - 1, stride - 1


def _widths(frames: list[tuple[int, int, int]]) -> Any:
    return [(0, 0, *(frame[i] for frame in frames)) for i in range(3)]
