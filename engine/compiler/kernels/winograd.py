"""Convolutions of 3 x 3 taps with 2.25 times fewer products: S. Winograd, "Arithmetic Complexity of Computations"
(1980), as A. Lavin and S. Gray use it, "Fast Algorithms for Convolutional Neural Networks" (2016), F(2x2, 3x3).

Two neighbouring sums of three products need four products instead of six, of sums of what stood there before; along
both axes four results need 16 products instead of 36. Pictures are cut into overlapping squares of 4 x 4, squares and
taps are transformed (additions alone), 16 small products of matrices sum over the channels, and what they found is
transformed back (see `squares`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.product import Given, Product, cuts, same
from engine.compiler.kernels.squares import EACH, SQUARE, SUMS, TAPS, Back, Forth
from engine.compiler.kernels.tiles import TALL, WIDTH, Form, fitting, panels
from engine.compiler.kernels.work import Buffer, Operand, Store

STRIP = 48
"""Squares at a time, at most."""
CHANNELS, FILTERS = 256, 128
"""Channels of the picture, at most; filters at a time."""
LEAST, FEWEST = 16, 8
"""Channels on either side, and squares of a picture, below which transforming costs more than it saves."""
WORTH = 0.85
"""It is used where it takes at most so large a part of the time."""
SPEED, MOVED = 110.0, 0.07
"""Operations of the small products in a nanosecond; nanoseconds for a number that is transformed."""


# ------------------------------------------------------------------------------------------------------ work
@dataclass(frozen=True)
class _Matrices(Contraction):
    """One of the 16 products, from and to memory that is at hand."""

    @property
    def ahead(self) -> bool:
        return False

    @classmethod
    def of(cls, m: int, n: int, k: int, turned: bool, several: bool) -> _Matrices:
        """Sizes as they usually are; turned: a has stride 1 along m, else along k; several: not all filters at once."""
        n = -(-n // WIDTH) * WIDTH
        a, b, c = (Operand(Buffer(0), 0, s) for s in ((1, m) if turned else (k, 1), (1, n), (n, 1)))
        form = fitting((), m, n, ())
        if several:  # the last filters may be fewer: vector by vector
            full = [panels(m, n, vectors) for vectors in (4, 2) if n % (vectors * WIDTH) == 0]
            form = replace(Form(*min(full, key=lambda x: x[0])[1]), rest=1, low=TALL[1][0])
        return cls((), m, n, (k,), a, b, (("sum of products",),), (c,), (Store(0, 0),), form, "", 0)


@dataclass(frozen=True)
class Sliding(Product):
    """Windows of 3 x 3 that slide over pictures whose channels lie side by side.

    To the results: outer (.., row), m: column, n: filter, k: (3, 3, channel). To the taps' gradient: outer (3, 3),
    m: channel, n: filter, k: (.., row, column).
    """

    back: bool = False
    """Whether these are gradients of taps."""

    @property
    def area(self) -> tuple[int, int]:
        """Rows and columns over which the windows slide."""
        return (self.k[-2], self.k[-1]) if self.back else (self.outer[-1], self.m)


@dataclass(frozen=True)
class Winograd(Sliding):
    """What a `Contraction` says, with fewer products. Squares begin at the first row and column, so that numbers are
    the same however the work is split."""

    @property
    def channels(self) -> int:
        """Of the picture."""
        return self.m if self.back else self.k[-1]

    @cached_property
    def matrices(self) -> _Matrices:
        """The products of the transformed numbers."""
        rows, columns, wide = self.blocks
        if self.back:
            return _Matrices.of(self.m, min(self.n, wide), 1, True, self.n > wide)
        return _Matrices.of(rows * columns, min(self.n, wide), self.k[-1], False, self.n > wide)

    @cached_property
    def blocks(self) -> tuple[int, int, int]:
        """Rows and columns of squares in a strip; filters at a time."""
        high, wide = (-(-n // EACH) for n in self.area)
        filters = min(FILTERS, max(2 * WIDTH, SUMS // self.channels // 64 * 64))
        longest = -(-max(self.channels, min(filters, self.n)) // WIDTH) * WIDTH
        most = min(STRIP, SUMS // longest)
        columns = -(-wide // -(-wide // most))
        rows = -(-high // -(-high // max(1, most // columns)))
        return rows, columns, filters

    @property
    def key(self) -> str:
        """Everything that decides the machine code."""
        how = f"{self.matrices.form} {self.matrices.rounds}{same(self.steady)}"
        return f"winograd {'back ' * self.back}{self.structure} {how}"

    @cached_property
    def steady(self) -> frozenset[int]:
        """The operands that are the same in all places of a picture, as a bias is."""
        last = len(self.outer) + 1
        return frozenset([i for i, o in enumerate(self.operands) if not any(o.strides[last - 2 : last])])

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; for a, b and each operand its address and strides; the blocks."""
        return [*Product.arguments(self), *self.blocks]

    def split(self, parts: int) -> list[Winograd]:
        """Pieces along pictures, pairs of rows, or filters."""
        if parts < 2:
            return [self]
        vectors = max(1, self.matrices.form.vectors if self.matrices.form else 1)
        outer = (TAPS, TAPS) if self.back else (*(1 for _ in self.outer[1:]), EACH)
        loop, found = cuts(self.sizes, (*outer, max(1, self.m), vectors * WIDTH), parts)
        return [self.piece(loop, start, size) for start, size in found] if len(found) > 1 else [self]

    def cost(self) -> float:
        """About how many nanoseconds."""
        high, wide = (-(-n // EACH) for n in self.area)
        squares = high * wide * math.prod(self.k[:-2] if self.back else self.outer[:-1])
        numbers = SQUARE * (self.channels + self.n)
        return 100.0 + squares * (2 * SQUARE * self.channels * self.n / SPEED + numbers * MOVED)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        given, blocks = Given.of(f, self, args), args[-3:]
        (Back if self.back else Forth)(f, self, given, blocks).emit()


# ------------------------------------------------------------------------------------------------------ choosing
def fewer_products(work: Contraction) -> Winograd | None:
    """The same sums with fewer products, where windows slide as they must and it is worth it."""
    found = _forth(work) or _back(work)
    if found is None or not LEAST <= found.channels <= CHANNELS or found.n < LEAST:
        return None
    high, wide = (-(-n // EACH) for n in found.area)
    return found if high * wide >= FEWEST and found.cost() < WORTH * work.cost() else None


def _forth(work: Product) -> Winograd | None:
    outer = len(work.outer)
    if len(work.k) != 3 or any(work.b.strides[:outer]):
        return None
    channel = next((i for i in range(3) if work.a.strides[outer + 1 + i] == 1 and work.k[i] != TAPS), None)
    taps = [i for i in range(3) if i != channel and work.k[i] == TAPS]
    pairs = _slid(work, taps, list(range(outer + 1)))
    if channel is None or pairs is None:
        return None
    (i, row), (j, column) = pairs
    rest = [x for x in range(outer + 1) if x not in (row, column)]
    return _arranged(work, [*rest, row, column], [i, j, channel], False)


def _back(work: Product) -> Winograd | None:
    outer, sizes = len(work.outer), (*work.outer, work.m)
    if outer != 2:
        return None
    still = _still(work)
    channel = next((x for x in still if work.a.strides[x] == 1 and sizes[x] != TAPS), None)
    pairs = _slid(work, list(range(len(work.k))), [x for x in still if x != channel and sizes[x] == TAPS])
    if channel is None or pairs is None:
        return None
    (row, i), (column, j) = pairs
    rest = [x for x in range(len(work.k)) if x not in (row, column)]
    return _arranged(work, [i, j, channel], [*rest, row, column], True)


def _still(work: Product) -> list[int]:
    """The loops over results, m as the last of them, along which b stands still."""
    return [*work.still, len(work.outer)]


def _slid(work: Product, summed: list[int], results: list[int]) -> list[tuple[int, int]] | None:
    """Two pairs of a summed loop and one over results along which a takes the same steps, and b only along the first;
    the pair with the longer steps first. None where there are other pairs, or a loop is in both."""
    behind, still, a, b = len(work.outer) + 1, _still(work), work.a.strides, work.b.strides
    pairs = [(i, x) for i in summed for x in results if x in still and a[behind + i] == a[x] > 0 and b[behind + i]]
    if len(pairs) != 2 or len({i for i, _ in pairs}) < 2 or len({x for _, x in pairs}) < 2:
        return None
    return sorted(pairs, key=lambda pair: -a[pair[1]])


def _arranged(work: Product, results: list[int], summed: list[int], back: bool) -> Winograd:
    """The loops over results (the last of them is m) and the summed ones in another order."""
    outer = len(work.outer)
    sizes = (*work.outer, work.m)

    def look(operand: Operand) -> Operand:
        return operand._replace(strides=(*(operand.strides[x] for x in results), operand.strides[-1]))

    a_k, b_k = (tuple(o.strides[outer + 1 + i] for i in summed) for o in (work.a, work.b))
    b_outer = tuple(work.b.strides[x] if x < outer else 0 for x in results[:-1])
    return Winograd(
        tuple(sizes[x] for x in results[:-1]), sizes[results[-1]], work.n, tuple(work.k[i] for i in summed),
        work.a._replace(strides=(*(work.a.strides[x] for x in results), *a_k)),
        work.b._replace(strides=(*b_outer, work.b.strides[outer], *b_k)),
        work.body, tuple(map(look, work.operands)), work.stores, back,
    )  # fmt: skip
