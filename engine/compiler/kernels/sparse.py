"""Products with a matrix that is zero in many places, as what ReLU lets through is: its zeros are left out.

Rows of a go in pairs. For each pair and each block of the sum it is noted where both rows have a number, where only the
first has, and where only the second: three short sums, the first of which loads a vector of b for two products. So it
takes hardly longer than other kernels where there is no zero, and half as long where every second number is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, LONG, TRUTH, Mask, Values
from engine.compiler.graph.sizes import is_open
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.panels import Panels, blocks
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Product, Walk, cuts
from engine.compiler.kernels.tiles import WIDTH
from engine.compiler.kernels.transpose import plane

DEPTH = 64
"""Products of each sum in a block, at most: so many rows of b stay in the first cache."""
WIDTHS, EACH = (4, 5, 6, 7), 0.5
"""Vectors of columns that may be taken at a time: so many fit beside each other in registers, and a block of b in the
first cache. To find and repeat a number takes EACH of what one of them takes."""
PAIRS, LISTS = 64, 384
"""Pairs of rows whose sums wait at a time, and pairs times blocks whose places are noted, at most."""
WORD = 8
LINE = (DEPTH + WIDTH) * SIZE
"""Bytes of a list, and of a row of a that had to be turned: the last vector is written in full."""
BOTH, ONE, TWO, NOTE = 64, 64 + 3 * LINE, 64 + 5 * LINE, 64 + 7 * LINE
"""What is noted of a pair: how long each list is; numbers of both rows and their places; of one, of the other."""
LEAST_ROWS, LEAST_COLUMNS, LEAST_SUM, MOST_SUM = 16, 48, 32, 1024
"""See `enough`."""


@dataclass(frozen=True)
class Sparse(Product):
    """c[m, n] = epilogue(sum over k of a[m, k] * b[n, k]) where a has many zeros. No outer loops, one over k; b has
    stride 1 along n, a along k or along m.

    The data: see `Product`. Where b is not finite no zero is left out: the sums are NaN as others are. The order of a
    sum depends on where the zeros of both rows of a pair are: pieces hold whole pairs.
    """

    width: int = 0
    """Columns at a time; 0: decided by the sizes, once: pieces do the same."""
    packed: ClassVar[bool] = True
    """Every piece lays b's columns side by side, so that many small ones take longer."""

    def __post_init__(self) -> None:
        if not self.width and not is_open(self.n):
            best = min(WIDTHS, key=lambda v: -(-self.n // (v * WIDTH)) * (v + EACH))
            object.__setattr__(self, "width", best * WIDTH)

    @property
    def turned(self) -> bool:
        """Whether a's rows lie side by side, rather than its places of the sum."""
        return self.a.strides[-1] != 1

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        return f"sparse {self.structure} {self.width}{' turned' * self.turned}"

    def arguments(self) -> list[Any]:
        """Sizes of m, n, k; for a, b and each operand its address and strides; what `Panels` wants to know."""
        return [*Product.arguments(self), *blocks(self.m, self.n, self.sums)]

    def split(self, parts: int) -> list[Sparse]:
        """Pieces along the loop over results that divides best, of whole pairs."""
        if parts < 2:
            return [self]
        loop, found = cuts(self.sizes, (2, self.width), parts)
        return [self.piece(loop, start, size) for start, size in found] if len(found) > 1 else [self]

    def cost(self) -> float:
        """About how many nanoseconds, if every second number is zero."""
        return 30.0 + 0.6 * Product.cost(self)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        given = Given.of(f, self, args)
        if f.lanes == WIDTH:
            Pairs(f, self, given).emit()
        else:  # without an instruction that moves the lanes of a mask together it takes longer than all products
            Panels(f, self, given, args[-3:], self.turned).emit()


def enough(rows: Any, columns: Any, depth: Any) -> bool:
    """Whether a product is large enough to look for zeros, and not larger than can be noted."""
    return bool(rows >= LEAST_ROWS and columns >= LEAST_COLUMNS and LEAST_SUM <= depth <= MOST_SUM)


def sparse(work: Contraction) -> Sparse | None:
    """The same, where a is known to have many zeros; None where it is too small for that, or lies otherwise."""
    if work.outer or len(work.k) != 1 or 1 not in work.a.strides[-2:] or work.b.strides[-2] != 1:
        return None
    if not enough(work.m, work.n, work.sums):
        return None
    return Sparse(work.outer, work.m, work.n, work.k, work.a, work.b, work.body, work.operands, work.stores)


@dataclass(frozen=True)
class Block:
    """A block of columns and of the sum: first column, first place, how many places, whether it is the first, the last
    of a sum."""

    column: Any
    start: Any
    depth: Any
    first: Any
    last: Any


class Pairs:
    """All pairs of rows."""

    def __init__(self, f: Function, work: Sparse, given: Given) -> None:
        self.f, self.work, self.given, self.k = f, work, given, given.k[0]
        self.epilogue = Epilogue(f, work, given.operands)
        self.vectors, self.line = work.width // f.lanes, work.width * SIZE
        sizes = [DEPTH * self.line, 2 * PAIRS * self.line, 2 * PAIRS * LINE, LISTS * NOTE]
        self.numbers = f.scratch(sum(sizes))
        self.sums, self.rows, self.notes = (self.numbers + sum(sizes[:i]) for i in (1, 2, 3))
        self.blocks = f.quotient(f.add(self.k, DEPTH - 1), DEPTH)
        self.depth = f.quotient(f.add(self.k, f.sub(self.blocks, 1)), self.blocks)
        self.pairs = f.least(PAIRS, f.quotient(LISTS, self.blocks))

    def emit(self) -> None:
        """Some rows at a time: what is noted of them serves all columns."""
        f = self.f
        f.loop(self.given.m, lambda row: self._some(row), step=f.mul(self.pairs, 2))

    def _some(self, row: Any) -> None:
        f = self.f
        rows = f.least(f.sub(self.given.m, row), f.mul(self.pairs, 2))

        def columns(column: Any, noted: Any) -> tuple[Any, ...]:
            return f.loop(
                self.blocks, lambda i, noted: (self._block(row, rows, column, i, noted),), (noted,), once=True
            )

        f.loop(self.given.n, columns, (0,), step=self.work.width, once=True)

    def _block(self, row: Any, rows: Any, column: Any, i: Any, noted: Any) -> Any:
        """The products of a block of columns with a block of the sum. noted: nothing (0), where rows have numbers (1),
        or all places (2); what is noted behind it."""
        f = self.f
        start = f.mul(i, self.depth)
        left = f.sub(self.k, start)
        block = Block(
            column, start, f.least(left, self.depth), f.compare("eq", i, 0), f.compare("le", left, self.depth)
        )
        infinite = self._lay(block)
        needed = f.add(infinite, 1)

        def note() -> tuple[Any, ...]:
            self._note(row, rows, infinite)
            return (needed,)

        (noted,) = f.when(f.compare("gt", needed, noted), note, (noted,))
        pairs = f.add(rows, 1) // 2
        each, following = f.quotient(f.add(self.depth, f.sub(pairs, 1)), pairs), self._following(block)

        def pair(p: Any) -> None:
            self._ask(following, f.mul(p, each), each)
            self._pair(row, rows, p, self._of(p, i), block)

        f.loop(pairs, pair)
        return noted

    def _following(self, block: Block) -> Any:
        """Where b's next block begins."""
        f, (_, step) = self.f, self.given.b.strides
        down = f.add(f.mul(block.column, SIZE), f.mul(f.add(block.start, block.depth), step))
        beside = f.mul(f.add(block.column, self.work.width), SIZE)
        return f.add(self.given.b.address, f.select(block.last, f.value(beside), f.value(down)))

    def _ask(self, following: Any, first: Any, count: Any) -> None:
        """Ask for some rows of the next block."""
        f, (_, step) = self.f, self.given.b.strides

        def row(i: Any) -> None:
            at = f.add(following, f.mul(f.add(first, i), step))
            for line in range(0, self.line, 64):
                f.prefetch(f.add(at, line))

        f.loop(count, row)

    def _lay(self, block: Block) -> Any:
        """b's columns side by side; whether one of them is not finite, as 1 or 0."""
        f, (_, step) = self.f, self.given.b.strides
        first = f.add(self.given.b.address, f.add(f.mul(block.column, SIZE), f.mul(block.start, step)))
        left = f.sub(self.given.n, block.column)
        masks = [f.below(f.sub(left, q * f.lanes)) for q in range(self.vectors)]

        def place(i: Any, *seen: Any) -> list[Any]:
            at, into, found = f.add(first, f.mul(i, step)), f.add(self.numbers, f.mul(i, self.line)), []
            for q, mask in enumerate(masks):
                x = f.load(f.floats, f.add(at, q * f.lanes * SIZE), mask)
                f.store(x, f.add(into, q * f.lanes * SIZE))
                found.append(f.fma(x, 0.0, seen[q]))  # NaN where it is not finite
            return found

        found = f.loop(block.depth, place, [f.floating(0.0)] * self.vectors, once=True)
        total = found[0]
        for x in found[1:]:
            total = f.add(total, x)
        return f.cast("zext", f.somewhere(f.compare("ne", total, total)), LONG)

    # ------------------------------------------------------------------------------------------------- lists
    def _note(self, row: Any, rows: Any, whole: Any) -> None:
        """Note where rows have numbers, block by block; whole, if it is 1: all places."""
        f = self.f
        everywhere = f.splat(f.value(f.compare("ne", whole, 0), TRUTH))

        def block(i: Any) -> None:
            start = f.mul(i, self.depth)
            depth, a = f.least(f.sub(self.k, start), self.depth), self.given.a
            first, step = f.add(a.at(f, row), f.mul(start, a.strides[1])), a.strides[0]
            if self.work.turned:
                source, target = Walk(first, (a.strides[1], SIZE)), Walk(self.rows, (SIZE, LINE))
                plane(f, [depth, rows], source, target)
                first, step = self.rows, LINE

            def pair(p: Any) -> None:
                at, second = f.add(first, f.mul(p, f.mul(step, 2))), f.compare("lt", f.add(f.mul(p, 2), 1), rows)
                note = self._of(p, i)
                self._list(at, f.select(second, f.value(f.add(at, step)), f.value(at)), second, depth, note, everywhere)

            f.loop(f.add(rows, 1) // 2, pair)

        f.loop(self.blocks, block, once=True)

    def _list(self, one: Any, two: Any, second: Any, depth: Any, note: Any, everywhere: Any) -> None:
        """The three lists of a pair in a block. second: whether it has a second row; everywhere: whether zeros are
        noted, too."""
        f = self.f
        there = f.splat(f.value(second, TRUTH))

        def places(i: Any, mask: Mask, *counts: Any) -> list[Any]:
            x, y = (f.load(f.floats, f.add(row, f.mul(i, SIZE)), mask) for row in (one, two))
            noted = everywhere if mask is None else everywhere & mask
            p, q = f.compare("ne", x, 0.0) | noted, (f.compare("ne", y, 0.0) | noted) & there
            place, found = f.add(f.places(), f.splat(f.cast("trunc", f.value(i), INT))) * self.line, []
            lists = ((p & q, BOTH, (x, y, place)), (p & ~q, ONE, (x, place)), (q & ~p, TWO, (y, place)))
            for count, (mine, at, kept) in zip(counts, lists, strict=True):
                into = f.add(f.add(note, at), f.mul(count, SIZE))
                found.append(f.add(count, f.pack(kept, mine, into, LINE)))
            return found

        for number, count in enumerate(f.sweep(depth, places, (0, 0, 0))):
            f.store(f.value(count), f.add(note, number * WORD))

    def _of(self, p: Any, i: Any) -> Any:
        """Where it is noted what a pair has in a block of the sum."""
        f = self.f
        return f.add(self.notes, f.mul(f.add(f.mul(p, self.blocks), i), NOTE))

    # ------------------------------------------------------------------------------------------------- sums
    def _pair(self, row: Any, rows: Any, p: Any, note: Any, block: Block) -> None:
        """Add a block's products to the sums of a pair."""
        f, count = self.f, self.vectors
        sums = f.add(self.sums, f.mul(p, 2 * self.line))
        at = [f.add(sums, q * f.lanes * SIZE) for q in range(2 * count)]
        zeros = [f.floating(0.0)] * len(at)
        held = f.branch(block.first, lambda: zeros, lambda: [f.load(f.floats, x) for x in at])
        held = self._sum(note, 0, BOTH, 2, held)
        one, two = self._sum(note, 1, ONE, 1, held[:count]), self._sum(note, 2, TWO, 1, held[count:])

        def wait() -> None:
            for x, place in zip((*one, *two), at, strict=True):
                f.store(x, place)

        def finish() -> None:
            first = f.add(f.mul(p, 2), row)
            self._finish(first, block.column, one)
            second = f.compare("lt", f.add(f.mul(p, 2), 1), rows)
            f.when(second, lambda: self._finish(f.add(first, 1), block.column, two))

        f.branch(block.last, finish, wait)

    def _sum(self, note: Any, which: int, start: int, rows: int, held: Values) -> Values:
        """The products of one list."""
        f, first = self.f, self.f.add(note, start)

        def body(i: Any, *held: Any) -> list[Any]:
            at = f.add(first, f.mul(i, SIZE))
            numbers = [f.splat(f.load(FLOAT, f.add(at, r * LINE))) for r in range(rows)]
            b = f.add(self.numbers, f.cast("zext", f.load(INT, f.add(at, rows * LINE)), LONG))
            columns = [f.load(f.floats, f.add(b, q * f.lanes * SIZE)) for q in range(self.vectors)]
            return [
                f.fma(x, c, held[r * self.vectors + q]) for r, x in enumerate(numbers) for q, c in enumerate(columns)
            ]

        return f.loop(f.load(LONG, f.add(note, which * WORD)), body, held)

    def _finish(self, row: Any, column: Any, sums: Values) -> None:
        """The epilogue of one row."""
        f = self.f
        at, left = self.epilogue.begin((row,), column), f.sub(self.given.n, column)
        for q, x in enumerate(sums):
            self.epilogue.run(x, at, q * f.lanes, f.below(f.sub(left, q * f.lanes)))
