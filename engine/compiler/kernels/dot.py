"""Sums of products, vectorised along the sum: few results and long sums, as a convolution's weight gradient has.

A tile of rows times columns keeps one vector of partial sums for each result; the lanes are added at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import Mask, Ssa
from engine.compiler.graph.sizes import is_open
from engine.compiler.kernels.packed import Packed
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Product, cuts
from engine.compiler.kernels.walking import Lines, held, over

FORMS = ((4, 6), (6, 4), (3, 5), (5, 3), (8, 3), (3, 8))
"""Rows and columns of a tile: its sums and what one vector of k needs fill the registers."""


@dataclass(frozen=True)
class Dot(Product):
    """c[outer, m, n] = epilogue(sum over k of a[outer, m, k] * b[outer, n, k]), vectorised over the last loop of k.

    The data: see `Product`; a and b have stride 1 along the last loop of k. Where lanes are partial sums,
    the order in which a sum is added depends on the processor's lanes, never on the split.
    """

    packed: bool | None = None
    """Whether many results share what they read, so that squares of b are transposed and sums run as in a contraction;
    None: decided by the sizes, once, so that pieces of a split do the same."""
    form: tuple[int, int] | None = None
    """Rows and columns of a full tile; None: those of FORMS that cover the results best, decided once, too."""

    def __post_init__(self) -> None:
        if is_open(self.m, self.n, *self.outer, *self.k):
            return
        if self.form is None:
            object.__setattr__(self, "form", min(FORMS, key=lambda form: _cycles(self.m, self.n, *form)))
        if self.packed is None:
            wide, tall = (self.n, self.m) if self._b_is_still else (self.m, self.n)
            tall *= math.prod(n for i, n in enumerate(self.outer) if 0 in (self.a.strides[i], self.b.strides[i]))
            many = wide >= 8 and tall >= 6 and self.sums >= 128 and self.k[-1] >= 48
            object.__setattr__(self, "packed", many)

    @property
    def _b_is_still(self) -> bool:
        """Whether b moves along no more of the outer loops than a."""
        return sum(s != 0 for s in self.b.strides[: len(self.outer)]) <= sum(
            s != 0 for s in self.a.strides[: len(self.outer)]
        )

    @cached_property
    def turned(self) -> Dot:
        """The same with a and b, m and n in each other's place."""
        operands = tuple(o._replace(strides=(*o.strides[:-2], o.strides[-1], o.strides[-2])) for o in self.operands)
        return replace(self, m=self.n, n=self.m, a=self.b, b=self.a, operands=operands)

    @cached_property
    def ordered(self) -> Dot:
        """As the packed kernel wants it: b moves along fewer outer loops, and those that it moves along come first."""
        work = self if self._b_is_still else self.turned
        moving = [i for i in range(len(self.outer)) if i not in work.still]
        return work.arranged([*moving, *work.still])

    @property
    def heights(self) -> tuple[int, ...]:
        """Rows of full tiles, and of those for what is left."""
        return _forms(self.m, (self.form or FORMS[0])[0])

    @property
    def widths(self) -> tuple[int, ...]:
        """Columns, likewise."""
        return _forms(self.n, (self.form or FORMS[0])[1])

    @property
    def ragged(self) -> bool:
        """Whether the innermost sums do not fill their vectors."""
        return not self.k or self.k[-1] % 16 != 0

    @property
    def rounds(self) -> int:
        """How many vectors of each line are written out."""
        return 1 if not self.k or self.k[-1] % 32 else 2

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        if not self.packed:
            forms = " ".join(map(str, (*self.heights, "by", *self.widths)))
            return f"dot {self.structure} {forms} {self.rounds}{' ragged' * self.ragged}"
        return f"dot {self.ordered.structure} packed {len(self.ordered.still)}"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; then for a, b and each operand its address and strides."""
        return Product.arguments(self.ordered if self.packed else self)

    def split(self, parts: int) -> list[Dot]:
        """Pieces along the loop over results that divides best."""
        if parts < 2:
            return [self]
        height, width = self.form or FORMS[0]
        loop, found = cuts(self.sizes, (*(1,) * len(self.outer), height, 16 if self.packed else width), parts)
        return [self.piece(loop, start, size) for start, size in found] if len(found) > 1 else [self]

    def cost(self) -> float:
        """About how many nanoseconds: 100 operations in each, and the lanes' sums."""
        places = math.prod(self.sizes)
        last = self.k[-1] if self.k else 1
        share = last / (-(-last // 16) * 16) if last else 1.0
        return 30.0 + places * (2 * self.sums / (100 * share) + 2.0)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        if self.packed:
            work = self.ordered
            given, moving = Given.of(f, work, args), len(work.outer) - len(work.still)
            over(f, given.outer[:moving], lambda *p: Packed(f, work, given.moved(f, p), len(work.still), True).emit())
            return
        given = Given.of(f, self, args)
        over(f, given.outer, lambda *places: Tiles(f, self, given.moved(f, places)).emit())


def _cycles(m: int, n: int, height: int, width: int) -> float:
    """About how many cycles a vector of k takes with tiles of this form: products, loads, or waiting for sums."""
    rows, columns = _tiled(m, height), _tiled(n, width)
    return sum(x * y * max(4.0, 0.5 * r * c, 0.6 * (r + c)) for r, x in rows for c, y in columns)


def _forms(size: int, form: int) -> tuple[int, ...]:
    return (form, 2, 1) if size % form else (form,)


def _tiled(size: int, form: int) -> list[tuple[int, int]]:
    """How often each height (or width) of a tile occurs."""
    left = size % form
    return [(form, size // form), (2, left // 2), (1, left % 2)]


class Tiles:
    """All tiles of one place of the outer loops. sums: where theirs wait, if they do."""

    def __init__(self, f: Function, work: Dot, given: Given, sums: Any = None) -> None:
        self.f, self.work, self.given, self.sums = f, work, given, sums
        self.epilogue = Epilogue(f, work, given.operands)
        wide = f.cpu.registers >= 32
        self.rows, self.columns = (work.heights, work.widths) if wide else ((2, 1), (4, 1))

    def emit(self) -> None:
        """Every tile: the largest form as often as it fits, the rest by smaller ones."""
        given = self.given
        self._tiled(
            given.m, self.rows, lambda i, h: self._tiled(given.n, self.columns, lambda j, w: self._tile(i, h, j, w))
        )

    def _tiled(self, size: Any, forms: tuple[int, ...], body: Any) -> None:
        f, done = self.f, 0
        for form in forms:
            f.loop(f.sub(size, form - 1), lambda i, form=form: body(i, form), start=done, step=form)
            done = f.add(done, f.mul(f.sub(size, done) // form, form))

    def _tile(self, row: Any, height: int, column: Any, width: int) -> None:
        f, given = self.f, self.given
        lines = [
            Lines.of(f, walk.strides[0], [(walk.at(f, first), count)])
            for walk, first, count in ((given.a, row, height), (given.b, column, width))
        ]
        loops = list(zip(given.k, given.a.strides[1:], given.b.strides[1:], strict=True))
        pointers = [*lines[0].pointers, *lines[1].pointers]
        if self.sums is not None:
            spots = [self._spot(f.add(row, r), f.add(column, q)) for r in range(height) for q in range(width)]
            found = self._sum(loops, lines, pointers, [f.load(f.floats, at) for at in spots])
            for x, at in zip(found, spots, strict=True):
                f.store(x, at)
            return
        found = self._sum(loops, lines, pointers, [f.floating(0.0)] * (height * width))
        for r in range(height):
            for q in range(width):
                address = [o.at(f, f.add(row, r)) for o in given.operands]
                self.epilogue.run(f.reduce(f.add, found[r * width + q]), address, f.add(column, q))

    def _spot(self, row: Any, column: Any) -> Any:
        """Where the sums of a result wait."""
        f = self.f
        return f.add(self.sums, f.mul(f.add(f.mul(row, self.given.n), column), f.lanes * SIZE))

    def _sum(
        self, loops: list[tuple[Any, Any, Any]], lines: list[Lines], pointers: list[Any], held: list[Ssa]
    ) -> list[Ssa]:
        """The loops over k from here on in; held: the sums so far, lane by lane."""
        if len(loops) < 2:
            return self._along(loops[0][0] if loops else 1, lines, pointers, held)
        f, (size, step_a, step_b), count = self.f, loops[0], len(pointers)

        def body(_: Any, *state: Any) -> tuple[Any, ...]:
            found = self._sum(loops[1:], lines, list(state[:count]), list(state[count:]))
            return (*self._moved(lines, state[:count], step_a, step_b), *found)

        return list(f.loop(size, body, (*pointers, *held))[count:])

    def _along(self, size: Any, lines: list[Lines], pointers: list[Any], sums: list[Ssa]) -> list[Ssa]:
        """The innermost loop: full vectors, then the rest."""
        f, work, count, line = self.f, self.work, len(pointers), self.f.lanes * SIZE

        def body(_: Any, *state: Any) -> tuple[Any, ...]:
            found = list(state[count:])
            for u in range(work.rounds):
                found = self._products(lines, [f.add(p, u * line) for p in state[:count]], None, found)
            return (*self._moved(lines, state[:count], work.rounds * line, work.rounds * line), *found)

        rest = size % f.lanes if work.ragged else 0
        state = f.loop(f.sub(size, rest), body, (*pointers, *sums), step=work.rounds * f.lanes)
        found = list(state[count:])
        return self._products(lines, state[:count], held(f, f.below(rest)), found) if work.ragged else found

    def _moved(self, lines: list[Lines], pointers: Sequence[Any], step_a: Any, step_b: Any) -> list[Any]:
        """The pointers after a round; hidden, or LLVM would give each line a pointer of its own that it moves."""
        f, count = self.f, len(lines[0].pointers)
        return [f.opaque(f.add(p, step_a if i < count else step_b)) for i, p in enumerate(pointers)]

    def _products(self, lines: list[Lines], pointers: Sequence[Any], mask: Mask, held: list[Ssa]) -> list[Ssa]:
        f, count = self.f, len(lines[0].pointers)
        rows, columns = lines[0].near(f, pointers[:count]), lines[1].near(f, pointers[count:])
        vectors, found = [f.load(f.floats, x, mask) for x in columns], list[Ssa]()
        for x in rows:
            row, start = f.load(f.floats, x, mask), len(found)
            found += [f.fma(row, y, held[start + q]) for q, y in enumerate(vectors)]
        return found
