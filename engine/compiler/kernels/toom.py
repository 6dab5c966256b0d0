"""Convolutions along the batch with fewer products: taps that slide along a row need 8 products for four results
instead of 20, where there are five of them, 6 instead of 12 where there are three (see `transforms`).

Where numbers of many pictures lie side by side, a row of pictures is a row of vectors, and what is added before and
behind the products are vectors as they lie. Taps along the other axis and channels are summed as in any product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from engine.compiler.code.emit import Function
from engine.compiler.graph.sizes import is_open
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.dot import Dot
from engine.compiler.kernels.product import SIZE, Given, Product, cuts
from engine.compiler.kernels.stretches import AREA, PAD, PLACE, TABLES, VALUES, WAITING, Forth
from engine.compiler.kernels.taps import Back
from engine.compiler.kernels.tiles import WIDTH, Form, covered
from engine.compiler.kernels.transforms import TAPS, slides
from engine.compiler.kernels.work import Buffer, Operand, Store

SUM = (("sum of products",),)
SUMS = 20
"""Vectors of sums in a tile, for the gradient of taps."""
NEAR, STRIP = 28_000, 12
"""Bytes of transformed rows that the first cache may hold, for that gradient; rows of a strip that may be more."""
LANE = 16
"""Bytes of the shortest vectors that there are."""
MOST, FEW = 16, 4
"""Stretches at a time at most, of so many rows at least."""
LEAST = 4
"""Filters below which transforming costs more than it saves."""
TALL = {4: (6, 5, 4), 3: (8, 6, 5), 2: (12, 10, 8, 6), 1: (16, 12, 10, 8), 0: ()}
"""Rows of a full tile for each number of vectors."""
SHORT, WORTH = 12, 0.85
"""Sums for results are at least so long, and take at most so large a part of the time."""
SPEED, SLOW, SEEN, MADE = 135.0, 100.0, 0.15, 0.08
"""Operations of the products in a nanosecond, and of those for gradients; nanoseconds for a number of the picture at a
point, and of results."""


@dataclass(frozen=True)
class Toom(Product):
    """What a `Product` says, where taps slide along rows whose places are vectors of a batch.

    To the results: outer (.., row), m: filter, n: (column, batch), k: (channel, tap of rows, tap). To the taps'
    gradient: outer (channel, tap of rows), m: filter, n: tap, k: (.., row, (column, batch)). What is not there has
    size 1. A row is cut into stretches of four results, the last of which begins earlier where they do not fill it, so
    that numbers are the same however the work is split.
    """

    back: bool = False
    """Whether these are gradients of taps."""
    form: Form | None = None
    """Tiles of the products; None: those that fit the sizes best, decided once: pieces share machine code."""
    tile: tuple[int, int] | None = None
    """The same for gradients."""
    many: int = 0
    """Stretches at a time, one for gradients; 0: decided by the sizes, once, too."""

    def __post_init__(self) -> None:
        if is_open(self.m, self.n, *self.outer, *self.k) or self.many:
            return
        if self.back:
            object.__setattr__(self, "tile", (_few(self.m, max(2, min(8, SUMS // self.high))), self.high))
            object.__setattr__(self, "many", 1)
            return
        found = [(*_tiled(self.m, count, self.stretches, self.batch), count) for count in range(1, self._most + 1)]
        _, form, many = min(found, key=lambda x: (x[0], -x[2]))  # long lines of memory come by themselves
        object.__setattr__(self, "form", form)
        object.__setattr__(self, "many", many)

    # -------------------------------------------------------------------------------------------------- sizes
    @property
    def taps(self) -> int:
        """Taps that slide along a row."""
        return self.n if self.back else self.k[-1]

    @property
    def each(self) -> int:
        """Results of a stretch."""
        return TAPS[int(self.taps)][0]

    @property
    def reach(self) -> int:
        """Places that a stretch covers, and products that it takes."""
        return self.each + self.taps - 1

    @property
    def batch(self) -> int:
        """Numbers at a place."""
        return self.b.strides[len(self.outer)] if self.back else self.b.strides[-1]

    @property
    def columns(self) -> int:
        """Results of a row."""
        return (self.k[-1] if self.back else self.n) // self.batch

    @property
    def stretches(self) -> int:
        """Of a row."""
        return -(-self.columns // self.each)

    @property
    def rows(self) -> int:
        """Rows of results."""
        return self.k[-2] if self.back else self.outer[-1]

    @property
    def channels(self) -> int:
        """Of the picture."""
        return self.outer[0] if self.back else self.k[0]

    @property
    def high(self) -> int:
        """Taps along the other axis."""
        return self.outer[1] if self.back else self.k[1]

    @property
    def ragged(self) -> bool:
        """Whether stretches do not fill a row."""
        return self.columns % self.each != 0

    @property
    def uncut(self) -> tuple[int, ...]:
        """Rows are never cut."""
        return (len(self.outer) + 1, len(self.outer) + 1 + len(self.k)) if self.back else (len(self.outer) + 1,)

    @property
    def wide(self) -> int:
        """Channels at a time: all of them to the results; as many as the sums for their gradient have room."""
        if not self.back:
            return self.channels
        room = max(1, TABLES // (64 * self.reach * self.m * self.high))
        return -(-self.channels // -(-self.channels // room))

    @property
    def few(self) -> int:
        """Filters at a time, for gradients."""
        return self.tile[0] if self.tile else 1

    def _bytes(self, many: int, rows: int) -> tuple[int, int, int]:
        """Of transformed taps or their gradient, of the picture, of results that wait or their gradients."""
        line, reach = SIZE * many * self.batch, self.reach
        if self.back:
            seen, slope = ((n * line + PAD) for n in (rows + self.high - 1, rows))
            return reach * 64 * self.m * self.wide * self.high, reach * self.wide * seen, 2 * self.few * slope
        seen, weights = self.high * line + PAD, SIZE * self.m * self.channels * self.high
        return reach * weights, reach * self.channels * seen, AREA + PLACE * line // LANE

    def fits(self, many: int, rows: int) -> bool:
        """Whether so many stretches of so many rows have room in the scratch area."""
        return all(n <= most for n, most in zip(self._bytes(many, rows), (TABLES, VALUES, WAITING), strict=True))

    @property
    def _most(self) -> int:
        """Stretches that have room."""
        rows = min(self.rows, FEW)
        return max([count for count in range(1, min(MOST, self.stretches) + 1) if self.fits(count, rows)], default=1)

    @property
    def strip(self) -> int:
        """Rows of results at a time."""
        parts = 1
        while parts < self.rows and not self._near(-(-self.rows // parts)):
            parts += 1
        return -(-self.rows // parts)

    def _near(self, rows: int) -> bool:
        """Whether strips of so many rows are short enough."""
        near = not self.back or rows <= STRIP or sum(self._bytes(1, rows)[1:]) <= NEAR
        return near and self.fits(self.many, rows)

    # -------------------------------------------------------------------------------------------------- kernel
    @cached_property
    def matrices(self) -> Any:
        """One of the products of transformed numbers: sizes as they are told apart by machine code."""
        if self.back:
            memory = Operand(Buffer(0), 0, (self.batch, 1))
            return Dot((), self.m, self.high, (self.batch,), memory, memory, SUM, (), (), False, self.tile)
        k: tuple[int, ...] = (self.channels, self.high) if self.high > 1 else (self.channels,)
        a, b, c = (Operand(Buffer(0), 0, s) for s in ((1, *(self.m for _ in k)), (1, *k), (self.batch, 1)))
        return _Matrices((), self.m, self.many * self.batch, k, a, b, SUM, (c,), (Store(0, 0),), self.form, "", 0)

    @property
    def key(self) -> str:
        """Everything that decides the machine code."""
        work = self.matrices
        how = f"back {work.heights} {work.widths} {work.rounds}" if self.back else f"{self.form} {work.rounds}"
        return f"toom {self.taps} {self.high}{' ragged' * self.ragged} {self.structure} {how}"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; for a, b and each operand its address and strides; stretches, rows and
        channels at a time."""
        return [*Product.arguments(self), self.many, self.strip, self.wide]

    def split(self, parts: int) -> list[Self]:
        """Pieces along pictures, rows and filters, or along channels, taps and filters."""
        if parts < 2:
            return [self]
        rows = max(self.form.rows, self.form.low) if self.form else self.tile[0] if self.tile else 1
        before, last = (1 for _ in self.outer[:-1]), self.high if self.back else 1
        loop, found = cuts(self.sizes, (*before, last, rows, self.n), parts)
        return [self.piece(loop, start, size) for start, size in found] if len(found) > 1 else [self]

    def cost(self) -> float:
        """About how many nanoseconds."""
        results, seen = self.rows * self.m, (self.rows + self.high - 1) * self.channels
        products = 2 * results * self.channels * self.high
        if self.back:
            pictures, passes = math.prod(self.k[:-2]), -(-self.channels // self.wide)
            time = products / SLOW + results * passes * SEEN + seen * SEEN
        else:
            pictures = math.prod(self.outer[:-1])
            time = products / SPEED + 2 * results * MADE + seen * SEEN
        return 200.0 + pictures * self.stretches * self.batch * self.reach * time

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        given, blocks = Given.of(f, self, args), args[-3:]
        (Back if self.back else Forth)(f, self, given, *blocks).emit()


class _Matrices(Contraction):
    """From and to memory that is at hand."""

    @property
    def ahead(self) -> bool:
        return False


def _few(m: int, most: int) -> int:
    """How many of m at a time, at most so many: as few tiles as there can be, the last one not much smaller."""
    return -(-m // -(-m // most))


def _tiled(m: int, many: int, stretches: int, batch: int) -> tuple[float, Form]:
    """Cycles of a step of all sums at one point with so many stretches at a time; the form of tiles."""
    full, rest = many * batch // WIDTH, stretches % many * batch // WIDTH
    known, found = {n: _tall(m, n) for n in TALL}, []
    for vectors in (4, 3, 2, 1):
        left = {full % vectors, rest % vectors} - {0}
        if len(left) < 2:
            (rows, wide), (low, last) = known[vectors], known[max(left, default=0)]
            blocks = stretches // many
            cycles = wide * (blocks * (full // vectors) + rest // vectors)
            cycles += last * (blocks * (full % vectors > 0) + (rest % vectors > 0))
            found.append((cycles, Form(vectors, rows, max(left, default=0), low, False)))
    return min(found, key=lambda x: x[0])


def _tall(m: int, vectors: int) -> tuple[int, float]:
    """Those that cover m best, and the cycles of a panel."""
    return min([(rows, covered(m, rows, vectors)) for rows in TALL[vectors]], key=lambda x: x[1], default=(0, 0.0))


# ------------------------------------------------------------------------------------------------------ choosing
def along_rows(work: Contraction) -> Toom | None:
    """The same sums with fewer products, where taps slide along rows of vectors and it is worth it."""
    outer, last = len(work.outer), len(work.k) - 1
    a, b = work.a.strides, work.b.strides
    taps = [i for i in range(last + 1) if b[outer + 1 + i] > 0 and slides(work.k[i])]
    tap = min(taps, key=lambda i: b[outer + 1 + i], default=-1)
    if tap < 0 or b[outer] != 1 or any(a[:outer]):
        return None
    rest = [i for i in range(last + 1) if i != tap and work.k[i] > 1]
    row = next(((x, i) for x in range(outer) for i in rest if b[x] == b[outer + 1 + i] > 0), None)
    high = [row[1]] if row else []
    channels = [i for i in rest if i not in high]
    lines = [row[0]] if row else []
    pictures = [x for x in range(outer) if x not in lines]
    if len(channels) > 1:
        return None
    summed = [*(channels or [-1]), *(high or [-1]), tap]
    results = [*pictures, *(lines or [-1])]
    found = Toom(
        tuple(_at(work.outer, x, 1) for x in results), work.m, work.n, tuple(_at(work.k, i, 1) for i in summed),
        work.a._replace(strides=(*(_at(a, x) for x in results), a[outer], *(_at(a[outer + 1 :], i) for i in summed))),
        work.b._replace(strides=(*(_at(b, x) for x in results), b[outer], *(_at(b[outer + 1 :], i) for i in summed))),
        work.body,
        tuple(o._replace(strides=(*(_at(o.strides, x) for x in results), *o.strides[-2:])) for o in work.operands),
        work.stores,
    )  # fmt: skip
    return found if _worth(found, work) else None


def gradient_along_rows(work: Dot) -> Toom | None:
    """The same of the gradient of taps."""
    outer, count = len(work.outer), len(work.k)
    if count < 2:
        return None
    for turned in (False, True):
        one, other = (work.b, work.a) if turned else (work.a, work.b)
        # loops over results: size, how g and the picture move, how operands do
        own = [(work.m, work.a.strides[outer], 0), (work.n, 0, work.b.strides[outer])]
        loops = [(n, work.a.strides[i], work.b.strides[i]) for i, n in enumerate(work.outer)] + own
        loops = [(n, y, x) if turned else (n, x, y) for n, x, y in loops]
        found = _gradient(work, loops, one, other)
        if found is not None:
            return found if _worth(found, work) else None
    return None


def _gradient(work: Dot, loops: list[tuple[int, int, int]], g: Operand, x: Operand) -> Toom | None:
    """g moves along filters alone, the picture x along channels and taps."""
    steps = x.strides[-len(work.k) :]
    still = [i for i, (n, a, b) in enumerate(loops) if a == 0 and n > 1]
    moving = [i for i, (n, a, b) in enumerate(loops) if a != 0 and n > 1]
    if len(moving) > 1 or any(loops[i][2] for i in moving) or steps[-1] != 1 or g.strides[-1] != 1:
        return None
    taps = [i for i in still if slides(loops[i][0]) and 0 < loops[i][2] < steps[-2]]
    tap = min(taps, key=lambda i: loops[i][2], default=-1)
    high = next((i for i in still if i != tap and loops[i][2] == steps[-2]), -1)
    channels = [i for i in still if i not in (tap, high)]
    if tap < 0 or len(channels) > 1:
        return None
    order = [*(channels or [-1]), high, *(moving or [-1]), tap]
    sizes = [loops[i][0] if i >= 0 else 1 for i in order]
    look = [loops[i][2] if i >= 0 else 0 for i in order]
    return Toom(
        tuple(sizes[:2]), sizes[2], sizes[3], work.k,
        g._replace(strides=(0, 0, loops[order[2]][1] if order[2] >= 0 else 0, *g.strides[-len(work.k) :])),
        x._replace(strides=(*look[:2], look[3], *steps)), work.body,
        tuple(o._replace(strides=tuple(_at(o.strides, i) for i in order)) for o in work.operands), work.stores, True,
    )  # fmt: skip


def _at(line: tuple[int, ...], place: int, missing: int = 0) -> int:
    return line[place] if place >= 0 else missing


def _worth(found: Toom, work: Contraction | Dot) -> bool:
    batch = found.batch
    if batch % WIDTH or found.columns * batch != (found.k[-1] if found.back else found.n):
        return False
    fits = found.columns >= found.each and found.m >= LEAST and found.high < 8
    if not fits or not found.fits(1, min(found.rows, FEW)):
        return False
    return found.back or (found.channels * found.high >= SHORT and found.cost() < WORTH * work.cost())
