"""Transposing float32 in blocks of registers: rows come in, are interleaved log2(lanes) times, go out as columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import Ssa
from engine.compiler.kernels.product import SIZE, Walk
from engine.compiler.kernels.walking import over
from engine.compiler.kernels.work import Access, Operand, Shape, pieces

GRAIN = 16
"""Rows and columns are split in multiples of this."""
AHEAD = 64
"""So many columns before a block is turned, its lines are asked for: one side or both come from far memory. Not where
rows are short, as in pictures, which lie near."""


@dataclass(frozen=True)
class Transposition:
    """target[outer, i, j] = source[outer, i, j], float32, where source has stride 1 along j and target along i."""

    sizes: Shape
    source: Operand
    target: Operand

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        return f"transpose {len(self.sizes)}"

    def arguments(self) -> list[Any]:
        """Sizes, then address and strides of the source and of the target."""
        found: list[Any] = [*self.sizes]
        for o in (self.source, self.target):
            found += [(o.buffer, o.offset), *o.strides]
        return found

    def accesses(self) -> Iterator[Access]:
        """What is read, what is written."""
        if 0 not in self.sizes:
            yield Access(self.source.buffer, *self.source.span(self.sizes), False)
            yield Access(self.target.buffer, *self.target.span(self.sizes), True)

    def split(self, parts: int) -> list[Transposition]:
        """Pieces along the loop that divides best."""
        if parts < 2:
            return [self]
        grains = [1] * (len(self.sizes) - 2) + [GRAIN, GRAIN]
        loop = max(range(len(grains)), key=lambda i: (min(parts, self.sizes[i] // grains[i]), -i))
        cuts = pieces(self.sizes[loop], parts, grains[loop])
        return [self._piece(loop, start, size) for start, size in cuts]

    def _piece(self, loop: int, start: int, size: int) -> Transposition:
        sizes = tuple(size if i == loop else n for i, n in enumerate(self.sizes))
        return replace(self, sizes=sizes, source=self.source.moved(loop, start), target=self.target.moved(loop, start))

    def cost(self) -> float:
        """About how many nanoseconds."""
        return 20.0 + 0.25 * math.prod(self.sizes)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        loops = len(self.sizes)
        sizes = args[:loops]
        walks = [
            Walk(args[at], tuple(f.mul(s, SIZE) for s in args[at + 1 : at + 1 + loops]))
            for at in (loops, 2 * loops + 1)
        ]
        over(f, sizes[:-2], lambda *places: plane(f, sizes[-2:], *(_inside(f, w, places) for w in walks)))


def _inside(f: Function, walk: Walk, places: tuple[Any, ...]) -> Walk:
    return Walk(walk.at(f, *places), walk.strides[len(places) :])


def plane(f: Function, sizes: list[Any], source: Walk, target: Walk) -> None:
    """Full blocks without masks, those at the edges with masks on both sides."""
    (rows, columns), lanes = sizes, f.lanes

    def block(i: Any, j: Any) -> None:
        down, across = f.sub(rows, i), f.sub(columns, j)
        f.when(f.compare("ge", columns, 2 * AHEAD), lambda: _ask(f, source, target, i, f.add(j, AHEAD), columns))
        f.branch(
            f.compare("ge", f.least(down, across), lanes),
            lambda: _block(f, source, target, i, j, lanes, lanes),
            lambda: _block(f, source, target, i, j, down, across),
        )

    f.loop(rows, lambda i: f.loop(columns, lambda j: block(i, j), step=lanes) and None, step=lanes)


def _ask(f: Function, source: Walk, target: Walk, i: Any, j: Any, columns: Any) -> None:
    """Ask for the lines of a block; columns behind the last one are those of the next rows."""
    over = f.compare("ge", j, columns)
    i = f.select(over, f.value(f.add(i, f.lanes)), f.value(i))
    j = f.select(over, f.value(f.sub(j, columns)), f.value(j))
    for walk, size in ((source, source.strides[0]), (target, target.strides[1])):
        first = walk.at(f, i, j)
        for line in range(f.lanes):
            f.prefetch(f.add(first, f.mul(size, line)))


def _block(f: Function, source: Walk, target: Walk, i: Any, j: Any, rows: Any, columns: Any) -> None:
    """One block of lanes x lanes places; of its rows and columns only the first `rows` and `columns` exist."""
    first, step = f.add(source.at(f, i), f.mul(j, SIZE)), source.strides[0]
    into, width = f.add(target.at(f, 0, j), f.mul(i, SIZE)), target.strides[1]
    across, down = f.below(columns), f.below(rows)
    lines = []
    for r in range(f.lanes):
        inside = f.compare("lt", r, rows)
        at = f.add(first, f.mul(step, r))
        # a row that is not there is read as the first one once more: its lanes are never written
        lines.append(f.load(f.floats, at if inside is True else f.select(inside, at, first), across))
    for c, line in enumerate(interleaved(f, lines)):
        at = f.add(into, f.mul(width, c))

        def write(line: Ssa = line, at: Any = at) -> None:
            f.store(line, at, down)

        f.when(f.compare("lt", c, columns), write)


def interleaved(f: Function, lines: list[Ssa]) -> list[Ssa]:
    """The columns of a square of lines, each a vector: rows r and r + half meet lane by lane, log2(lanes) times."""
    half = f.lanes // 2
    orders = [[x for p in range(start, start + half) for x in (p, p + f.lanes)] for start in (0, half)]
    for _ in range(f.lanes.bit_length() - 1):
        lines = [f.shuffle(lines[r], lines[r + half], order) for r in range(half) for order in orders]
    return lines


def quads(f: Function, rows: list[Any]) -> list[Ssa]:
    """Four columns, each a vector, of at most as many rows as there are lanes, of which four places lie at the
    addresses. Rows go into the quarters of vectors while they are loaded, so that half of the shuffles is saved."""
    four = [f.load("<4 x float>", x) for x in rows]

    def widened(parts: list[Ssa]) -> Ssa:
        while len(parts) > 1:
            count = 2 * int(parts[0].type[1:].split()[0])
            order = ", ".join(f"i32 {i}" for i in range(count))
            parts = [
                f.pure(f"shufflevector {x!r}, {y!r}, <{count} x i32> <{order}>", f"<{count} x float>")
                for x, y in zip(parts[::2], parts[1::2], strict=True)
            ]
        return parts[0]

    def vector(g: int) -> Ssa:
        parts = [four[r] for r in range(g, f.lanes, 4) if r < len(four)]
        return widened(parts + parts[:1] * (f.lanes // 4 - len(parts)))

    def low(first: int) -> list[int]:
        return [
            x
            for p in range(0, f.lanes, 4)
            for x in (p + first, p + first + f.lanes, p + first + 1, p + first + 1 + f.lanes)
        ]

    def halves(first: int) -> list[int]:
        return [
            x
            for p in range(0, f.lanes, 4)
            for x in (p + first, p + first + 1, p + first + f.lanes, p + first + 1 + f.lanes)
        ]

    a, b, c, d = (vector(g) for g in range(4))
    found = []
    for first in (0, 2):
        x, y = f.shuffle(a, b, low(first)), f.shuffle(c, d, low(first))
        found += [f.shuffle(x, y, halves(0)), f.shuffle(x, y, halves(2))]
    return found
