"""How a contraction's tiles are written.

A tile of results stays in registers while the sum runs: some rows (numbers of `a`, repeated in every lane) times some
vectors of columns (of `b`). What does not fill a tile is done by smaller ones, the last columns under a mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, Mask, Ssa
from engine.compiler.kernels.ahead import Ahead
from engine.compiler.kernels.product import SIZE, Epilogue, Given
from engine.compiler.kernels.tiles import WIDTH, heights
from engine.compiler.kernels.walking import Lines, held

if TYPE_CHECKING:
    from engine.compiler.kernels.contract import Contraction

LARGE = 20
"""Sums of a tile beyond which registers are few."""
Place = tuple[Any, ...]


@dataclass(frozen=True)
class Block:
    """Part of the sum: where a place's sums wait, how far apart its rows are, whether it is the first, the last."""

    sums: Any
    pitch: Any
    first: Any
    last: Any


class Tiles:
    """All tiles of one place of the outer loops."""

    def __init__(self, f: Function, work: Contraction, given: Given, block: Block | None = None) -> None:
        self.f, self.work, self.given, self.block = f, work, given, block
        self.epilogue = Epilogue(f, work, given.operands)
        self.settled = self.epilogue.settled(work.still_in_tiles)
        self.loops = len(given.outer) + 1
        self.form = work.form.fit(f.cpu)  # type: ignore[union-attr]
        self.slide = (work.slide or 0) * (f.cpu.registers >= 32)
        moving = {i: o.strides[self.loops - 1] for i, o in enumerate(given.operands) if i not in work.still_in_tiles}
        self.ahead = Ahead(f, self.epilogue, moving, given.k[-1], work.rounds) if work.ahead else None

    def emit(self) -> None:
        """Columns in panels: full ones, then what is left."""
        f, n, form = self.f, self.given.n, self.form
        full: Any = 0
        if form.vectors:
            width = form.vectors * f.lanes
            full = f.mul(n // width, width)
            f.loop(full, lambda j: self._panel(j, [None] * form.vectors, form.rows), step=width)
        if form.rest:
            f.loop(
                n, lambda j: self._panel(j, self._masks(f.sub(n, j)), form.low), start=full, step=form.rest * f.lanes
            )

    def _masks(self, left: Any) -> list[Mask]:
        """Of the vectors of the last panel, where `left` columns are left."""
        f, count = self.f, self.form.rest
        whole = count if not self.form.masked else count - 1 if f.lanes == WIDTH else 0
        return [None if q < whole else held(f, f.below(f.sub(left, q * f.lanes))) for q in range(count)]

    def _panel(self, column: Any, masks: list[Mask], tallest: int) -> None:
        """Rows in full tiles, what is left in smaller ones; of each place, or of some together."""
        f, m, form = self.f, self.given.m, heights(tallest)
        if not self.work.joint:
            self._cover(m, form, lambda i, rows: self._tile([(i, rows, ())], column, masks))
            return

        def tiles(j: Any, places: int) -> None:
            near = [(f.add(j, x),) for x in range(places)]
            self._cover(m, form, lambda i, rows: self._tile([(i, rows, place) for place in near], column, masks))

        self._cover(self.given.outer[0], (self.form.places, 1) if self.form.places > 1 else (1,), tiles)

    def _cover(self, size: Any, heights: tuple[int, ...], body: Any) -> None:
        """body(first, how many): as many of each height as still fit."""
        f, done = self.f, 0
        for height in heights:
            f.loop(f.sub(size, height - 1), lambda i, height=height: body(i, height), start=done, step=height)
            done = f.add(done, f.mul(f.sub(size, done) // height, height))

    def _tile(self, groups: list[tuple[Any, int, Place]], column: Any, masks: list[Mask]) -> None:
        """groups: first row, how many, in which place."""
        f, block = self.f, self.block
        zeros = [f.floating(0.0)] * (sum(count for _, count, _ in groups) * len(masks))
        if block is None:
            if self.ahead is not None:
                self.ahead.begin(groups, column)
            self._finish(groups, column, masks, self._sums(groups, column, masks, zeros))
            return
        at = self._waiting(block, groups, column, len(masks))
        held = f.branch(block.first, lambda: zeros, lambda: [f.load(f.floats, x) for x in at])
        sums = self._sums(groups, column, masks, list(held))

        def wait() -> None:
            for x, place in zip(sums, at, strict=True):
                f.store(x, place)

        f.branch(block.last, lambda: self._finish(groups, column, masks, sums), wait)

    def _waiting(self, block: Block, groups: list[tuple[Any, int, Place]], column: Any, vectors: int) -> list[Any]:
        """Where a tile's sums wait."""
        f, found = self.f, list[Any]()
        for first, count, place in groups:
            row = f.add(f.mul(place[0], self.given.m), first) if place else first
            line = f.add(f.add(block.sums, f.mul(row, block.pitch)), f.mul(column, SIZE))
            for _ in range(count):
                found += [f.add(line, q * f.lanes * SIZE) for q in range(vectors)]
                line = f.add(line, block.pitch)
        return found

    def _finish(self, groups: list[tuple[Any, int, Place]], column: Any, masks: list[Mask], sums: list[Ssa]) -> None:
        """The epilogue of every row; what is the same in all of them is computed once."""
        f, epilogue, waiting = self.f, self.epilogue, iter(sums)
        steps, known = [o.strides[self.loops - 1] for o in self.given.operands], list[dict[int, Any]]()
        for first, count, place in groups:
            at = epilogue.begin((*place, first), column)
            known = known or [epilogue.settle(self.settled, at, q * f.lanes, mask) for q, mask in enumerate(masks)]
            for r in range(count):
                at = [f.add(x, step) for x, step in zip(at, steps, strict=True)] if r else at
                for q, mask in enumerate(masks):
                    epilogue.run(next(waiting), at, q * f.lanes, mask, known[q])

    def _sums(self, groups: list[tuple[Any, int, Place]], column: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        f, given = self.f, self.given
        if not self.work.sums:
            return held
        self.slides = bool(self.slide) and len(groups) > 1
        numbers, b = self._numbers(groups), f.add(given.b.address, f.mul(column, SIZE))
        steps = list(zip(given.k, given.a.strides[self.loops :], given.b.strides[self.loops :], strict=True))
        return self._nested(steps, numbers, numbers.pointers, b, masks, held)

    def _numbers(self, groups: list[tuple[Any, int, Place]]) -> Lines:
        """Where a tile's numbers of a lie."""
        f, a, slide = self.f, self.given.a, self.slide
        if self.slides:
            (first, rows, place), step, reach = groups[0], a.strides[0], len(groups) + slide - 1
            pointers = [a.at(f, *place, f.add(first, row)) for row in range(rows)]
            return Lines(pointers, [reach] * rows, {i: f.mul(step, i) for i in range(1, reach, 2)})
        starts = [(a.at(f, *place, first), count) for first, count, place in groups]
        return Lines.of(f, a.strides[self.loops - 1], starts)

    def _nested(
        self, steps: list[tuple[Any, Any, Any]], numbers: Lines, pointers: list[Any], b: Any, masks: list[Mask],
        held: list[Ssa],
    ) -> list[Ssa]:  # fmt: skip
        """The loops over k from here on in; held: the sums so far."""
        f = self.f
        if not steps:
            return self._products(numbers.near(f, pointers), b, masks, held)
        (size, step_a, step_b), *inner = steps
        rounds, count, large = (1 if inner else self.work.rounds), len(pointers), len(held) > LARGE
        slides = not inner and self.slides
        if not inner and self.work.whole:
            for u in range(rounds):
                held = self._products(
                    numbers.near(f, self._near(pointers, step_a, u, large)),
                    f.add(b, step_b[u] if isinstance(step_b, tuple) else f.mul(step_b, u)),
                    masks,
                    held,
                )
            return held

        def body(_: Any, b: Any, *state: Any) -> tuple[Any, ...]:
            pointers, held = list(state[:count]), list(state[count:])
            if slides:
                held = self._slide(numbers.near(f, pointers), count, b, step_b, masks, held)
            for u in range(0 if slides else rounds):
                held = self._nested(
                    inner, numbers, self._near(pointers, step_a, u, large), f.add(b, f.mul(step_b, u)), masks, held
                )
            # hidden, or LLVM would give each row a pointer of its own that it moves
            moved = [f.opaque(f.add(p, f.mul(step_a, rounds))) for p in pointers]
            return (f.opaque(f.add(b, f.mul(step_b, rounds))), *moved, *held)

        state: tuple[Any, ...] = (b, *pointers, *held)
        if not inner and (ahead := self.ahead) is not None:

            def part(start: Any, note: Any, *state: Any) -> tuple[Any, ...]:
                following = ahead.bring(note, len(masks))
                end = f.least(f.add(start, ahead.part), size)
                return (following, *f.loop(end, body, state, start=start, step=rounds, once=True))

            return list(f.loop(size, part, (ahead.notes, *state), step=ahead.part, once=True)[2 + count :])
        return list(f.loop(size, body, state, step=rounds, once=True)[1 + count :])

    def _slide(self, numbers: list[Any], rows: int, b: Any, step: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        """Some rounds at once: what one place reads in this round the one before it reads in the next."""
        f, reach, known = self.f, len(numbers) // rows, dict[int, Ssa]()
        for u in range(self.work.rounds):
            (vector,) = (f.load(f.floats, f.add(b, f.mul(step, u)), mask) for mask in masks)
            for i in range(len(held)):
                place, row = divmod(i, rows)
                at = row * reach + place + u
                if at not in known:
                    known[at] = f.splat(f.load(FLOAT, numbers[at]))
                held = [*held[:i], f.fma(known[at], vector, held[i]), *held[i + 1 :]]
        return held

    def _near(self, pointers: list[Any], step: Any, round: int, large: bool) -> list[Any]:
        """The pointers some rounds on."""
        f = self.f
        near = [f.add(p, f.mul(step, round)) for p in pointers]
        # where rows and products lie beside each other LLVM keeps numbers for the next rounds: not in a large tile
        beside = not isinstance(self.given.a.strides[self.loops - 1], Ssa) and not isinstance(step, Ssa)
        return [f.opaque(p) for p in near] if round and beside and large else near

    def _products(self, rows: list[Any], b: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        f, found = self.f, list[Ssa]()
        vectors = [f.load(f.floats, f.add(b, q * f.lanes * SIZE), mask) for q, mask in enumerate(masks)]
        for r, row in enumerate(rows):
            number = f.splat(f.load(FLOAT, row))
            found += [f.fma(number, v, held[r * len(masks) + q]) for q, v in enumerate(vectors)]
        return found
