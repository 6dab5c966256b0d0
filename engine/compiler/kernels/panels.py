"""Products of large matrices: both operands are laid out anew, block by block, as the inner loop reads them.

A panel of b (two vectors of columns, a block of the sum) is copied, and stays in the first cache while a's rows pass.
a's numbers are copied into slots: for each place of the sum those of a tile's rows, side by side. A tile fetches, while
it runs, what comes next. What each result has summed up waits in the scratch area between the blocks of a long sum: it
sums in the order of k.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, Mask, Ssa
from engine.compiler.kernels.product import NUMBERS, SIZE, Epilogue, Given, Product
from engine.compiler.kernels.transpose import quads
from engine.compiler.kernels.work import pieces

TALL, WIDE = 12, 64
"""Rows of the highest tile; columns are taken in multiples of this."""
DEPTH = 128
"""Products of each sum in a block, at most: 32 columns of b take half of the first cache then, which may be all that
the core's other tenant leaves."""
SIDE, SUMS = 67584, 67584
"""Numbers of a, and of sums that wait, in the scratch area, at most."""
COLUMNS = 640
"""Columns whose sums wait at a time, at most."""
COST = 1.5
"""How much longer than a number of b one of a takes to lay out."""
GROUP = 4
"""Slots that are filled at a time."""
SLACK = 8192
"""Bytes behind the slots: their last vectors are written in full."""
CHEAP = 12
"""Cycles of an epilogue that is written out for every vector of a tile."""


def blocks(m: int, n: int, k: int) -> tuple[int, int, int]:
    """Rows, columns and products of each sum that are taken at a time."""
    depth = _share(k, DEPTH, 4)
    if depth >= k:
        return _share(m, SIDE // (depth + 2), TALL), _share(n, n, WIDE), depth
    shapes = [_shape(m, n, wide) for wide in range(WIDE, COLUMNS + 1, WIDE)]
    rows, columns = min(shapes, key=lambda x: _copies(m, n, x[0], x[1]))
    return rows, columns, _share(k, min(DEPTH, SIDE // rows), 4)


def _shape(m: int, n: int, wide: int) -> tuple[int, int]:
    columns = _share(n, wide, WIDE)
    return _share(m, min(SUMS // columns, SIDE // 128), TALL), columns


def _copies(m: int, n: int, rows: int, columns: int) -> float:
    """How long it takes to lay a place of the sum out anew, for all blocks of columns and of rows."""
    return COST * m * -(-n // columns) + n * -(-m // rows)


def _share(total: int, most: int, grain: int) -> int:
    """Nearly equal parts of a total, multiples of a grain, none larger than `most`, but at least one grain."""
    parts = -(-total // max(grain, most // grain * grain))
    return -(-total // max(1, parts) // grain) * grain


def cut(m: int, n: int, parts: int) -> tuple[int, list[tuple[int, int]]]:
    """Pieces of the rows (loop 0) or of the columns (1), whatever are more: each piece lays out all of the others."""
    return (0, pieces(m, parts, TALL)) if m > n else (1, pieces(n, parts, WIDE // 2))


@dataclass(frozen=True)
class Piece:
    """Rows, columns and places of the sum that are at hand: where each begins and how many there are."""

    row: Any
    rows: Any
    column: Any
    columns: Any
    k: Any
    depth: Any
    last: Any
    """Whether the sums are complete behind it."""


@dataclass(frozen=True)
class Ahead:
    """Lines of memory to come, two vectors in every round: where they lie, and the way to the next."""

    start: Any
    step: Any


class Panels:
    """The product at one place of the outer loops. turned: a has stride 1 along m, else along k."""

    def __init__(self, f: Function, work: Product, given: Given, blocks: Any, turned: bool) -> None:
        self.f, self.given, self.turned = f, given, turned
        self.rows, self.columns, self.depth = blocks
        self.k = given.k[0]
        self.beside, self.adds = work.beside, bool(work.beside) and work.body[work.stores[-1].line] != NUMBERS
        plain = replace(work, stores=work.stores[: -1 if work.beside else None])
        self.epilogue = Epilogue(f, plain, given.operands)
        self.moving = [
            o for o, x in zip(given.operands, work.operands, strict=True) if work.along(x) == "1" and x.strides[-2]
        ]
        self.heights = (TALL, 8, 4, 2, 1) if f.cpu.registers >= 32 else (6, 4, 2, 1)
        self.tall = self.heights[0]
        self.line = 2 * f.lanes * SIZE
        sizes = [(DEPTH + 4) * self.line, SUMS * SIZE, SIDE * SIZE + SLACK]
        self.panel = f.scratch(sum(sizes))
        self.sums, self.side = self.panel + sizes[0], self.panel + (sizes[0] + sizes[1])
        self.pitch = f.mul(f.add(self.depth, 2), self.tall * SIZE)
        self.alone = f.compare("ge", self.depth, self.k)
        self.rounds = self.depth // 4
        self.settled = self.epilogue.settled(work.steady)

    def emit(self) -> None:
        """Columns, then rows, then places of the sum, a block of each at a time."""
        f, given = self.f, self.given

        def columns(column: Any) -> None:
            f.loop(given.m, lambda row: rows(column, row), step=self.rows)

        def rows(column: Any, row: Any) -> None:
            f.loop(self.k, lambda k: self._block(self._piece(row, column, k)), step=self.depth, once=True)

        f.loop(given.n, columns, step=self.columns)

    def _piece(self, row: Any, column: Any, k: Any) -> Piece:
        f, given = self.f, self.given
        rows, columns = f.least(f.sub(given.m, row), self.rows), f.least(f.sub(given.n, column), self.columns)
        left = f.sub(self.k, k)
        return Piece(row, rows, column, columns, k, f.least(left, self.depth), f.compare("le", left, self.depth))

    def _block(self, piece: Piece) -> None:
        f = self.f
        (self._copy if self.turned else self._turn)(piece)
        f.loop(piece.columns, lambda column: self._panel(piece, column), step=2 * f.lanes)

    # ------------------------------------------------------------------------------------------------- laying out
    def _copy(self, piece: Piece) -> None:
        """a's rows lie side by side: cut them into slots, some of these at a time, so that few lines are written to."""
        f, (_, step), tall = self.f, self.given.a.strides, self.tall
        first = f.add(self.given.a.address, f.add(f.mul(piece.row, SIZE), f.mul(piece.k, step)))
        parts = range(0, tall, f.lanes)
        width = parts[-1] + f.lanes  # what is read for a slot
        full = f.greatest(f.add(piece.rows, GROUP * tall - (GROUP - 1) * tall - width), 0) // tall
        full = f.mul(full // GROUP, GROUP)

        def copy(slot: Any, count: int, masks: list[Mask]) -> None:
            spots = self._spots(piece, slot, count, masks)
            zeros, known = [f.floating(0.0)] * len(spots), lambda: [f.load(f.floats, *spot) for spot in spots]
            # places of the sum are added in order, whatever the blocks
            held = f.branch(self.adds or f.compare("gt", piece.k, 0), known, lambda: zeros) if spots else ()

            def place(i: Any, *held: Any) -> tuple[Any, ...]:
                found = list[Any]()
                at = f.add(f.add(first, f.mul(slot, tall * SIZE)), f.mul(i, step))
                into = f.add(f.add(self.side, f.mul(slot, self.pitch)), f.mul(i, tall * SIZE))
                for s in range(count):
                    for lane, mask in zip(parts, masks, strict=True):
                        x = f.load(f.floats, f.add(at, (s * tall + lane) * SIZE), mask)
                        f.store(x, f.add(f.add(into, f.mul(self.pitch, s)), lane * SIZE))
                        found += [f.add(held[len(found)], x)] if held else []
                return tuple(found)

            sums = f.loop(piece.depth, place, held, once=True)

            def keep() -> None:
                for spot, x in zip(spots, sums, strict=True):
                    f.store(x, *spot)

            if spots:
                f.when(f.compare("eq", piece.column, 0), keep)

        def rest(slot: Any) -> None:
            left = f.sub(piece.rows, f.mul(slot, tall))
            copy(slot, 1, [f.below(f.sub(left, lane)) for lane in parts])

        f.loop(full, lambda slot: copy(slot, GROUP, [None] * len(parts)), step=GROUP)
        f.loop(f.add(piece.rows, tall - 1) // tall, rest, start=full)

    def _spots(self, piece: Piece, slot: Any, count: int, masks: list[Mask]) -> list[tuple[Any, Mask]]:
        """Where the sums of some slots' own numbers go, each with its lanes."""
        if self.beside is None:
            return []
        f, tall = self.f, self.tall
        first = f.add(self.given.operands[self.beside.operand].at(f, piece.row), f.mul(slot, tall * SIZE))
        inside = [(lane, f.below(tall - lane), mask) for lane, mask in zip(range(0, tall, f.lanes), masks, strict=True)]
        both = [(x, a if m is None else m if a is None else f.arithmetic("and", m, a)) for x, a, m in inside]
        return [(f.add(first, (s * tall + lane) * SIZE), mask) for s in range(count) for lane, mask in both]

    def _turn(self, piece: Piece) -> None:
        """a's places of the sum lie side by side: turn squares of four."""
        f, (step, _), tall = self.f, self.given.a.strides, self.tall
        first = f.add(self.given.a.address, f.mul(piece.k, SIZE))
        last = f.sub(f.add(piece.row, piece.rows), 1)
        fours = f.mul(piece.depth // 4, 4)

        def slot(s: Any) -> None:
            row, into = f.add(piece.row, f.mul(s, tall)), f.add(self.side, f.mul(s, self.pitch))
            # behind the last row it is read once more: its sums are never stored
            rows = [f.add(first, f.mul(f.least(f.add(row, r), last), step)) for r in range(tall)]

            def four(i: Any) -> None:
                at, target = f.mul(i, SIZE), f.add(into, f.mul(i, tall * SIZE))
                for group in range(0, tall, f.lanes):
                    for c, line in enumerate(quads(f, [f.add(x, at) for x in rows[group : group + f.lanes]])):
                        f.store(line, f.add(target, c * tall * SIZE + group * SIZE))

            def one(i: Any) -> None:
                at, target = f.mul(i, SIZE), f.add(into, f.mul(i, tall * SIZE))
                for r, x in enumerate(rows):
                    f.store(f.load(FLOAT, f.add(x, at)), f.add(target, r * SIZE))

            f.loop(fours, four, step=4)
            f.loop(piece.depth, one, start=fours)

        f.loop(f.add(piece.rows, tall - 1) // tall, slot)

    def _lay(self, piece: Piece, column: Any, masks: list[Mask]) -> None:
        """The columns of a panel, place of the sum by place of the sum."""
        f, (_, step) = self.f, self.given.b.strides
        first = f.add(self.given.b.address, f.add(f.mul(column, SIZE), f.mul(piece.k, step)))

        def place(i: Any) -> None:
            at, into = f.add(first, f.mul(i, step)), f.add(self.panel, f.mul(i, self.line))
            for q, mask in enumerate(masks):
                f.store(f.load(f.floats, f.add(at, q * f.lanes * SIZE), mask), f.add(into, q * f.lanes * SIZE))

        f.loop(piece.depth, place, once=True)

    # ------------------------------------------------------------------------------------------------- sums
    def _panel(self, piece: Piece, start: Any) -> None:
        """All rows times two vectors of columns, or one where no more are left."""
        f, column = self.f, self.f.add(piece.column, start)
        left = f.sub(self.given.n, column)

        def wide() -> None:
            self._rows(piece, start, column, [f.below(left), f.below(f.sub(left, f.lanes))])

        f.branch(f.compare("gt", left, f.lanes), wide, lambda: self._rows(piece, start, column, [f.below(left)]))

    def _rows(self, piece: Piece, start: Any, column: Any, masks: list[Mask]) -> None:
        """High tiles, then lower ones."""
        f, done = self.f, 0
        self._lay(piece, column, masks)
        for height in self.heights:

            def tile(row: Any, height: int = height) -> None:
                self._tile(piece, row, height, start, column, masks)

            f.loop(f.sub(piece.rows, height - 1), tile, start=done, step=height)
            done = f.add(done, f.mul(f.sub(piece.rows, done) // height, height))

    def _tile(self, piece: Piece, row: Any, height: int, start: Any, column: Any, masks: list[Mask]) -> None:
        """Add the products of a block to the sums of a tile; behind the last block, finish them."""
        f, lanes = self.f, self.f.lanes
        spots = [(r, q) for r in range(height) for q in range(len(masks))]
        wait = f.add(f.mul(start, self.rows), f.mul(row, 2 * lanes))
        sums = f.add(self.sums, f.select(self.alone, f.value(0), f.value(f.mul(wait, SIZE))))
        at = [f.add(sums, r * self.line + q * lanes * SIZE) for r, q in spots]
        begun = f.compare("gt", piece.k, 0)
        zeros = [f.floating(0.0)] * len(at)
        held = f.branch(begun, lambda: [f.load(f.floats, x) for x in at], lambda: zeros)
        next_sums = f.add(sums, height * self.line)
        found = self._products(piece, row, height, len(masks), column, list(held), next_sums)

        def keep() -> None:
            for x, place in zip(found, at, strict=True):
                f.store(x, place)

        if self.epilogue.cycles <= CHEAP:
            f.branch(piece.last, lambda: self._finish(piece, row, column, masks, found), keep)
            return
        keep()
        step = 2 if height % 2 == 0 else 1

        def some(r: Any) -> None:
            line = f.add(sums, f.mul(r, self.line))
            spots = [(i, q) for i in range(step) for q in range(len(masks))]
            found = [f.load(f.floats, f.add(line, i * self.line + q * lanes * SIZE)) for i, q in spots]
            self._finish(piece, f.add(row, r), column, masks, found)

        f.when(piece.last, lambda: f.loop(height, some, step=step) and None)

    def _finish(self, piece: Piece, row: Any, column: Any, masks: list[Mask], sums: list[Ssa]) -> None:
        """The epilogue of some rows; what is the same in all of them is computed once."""
        f, epilogue, count = self.f, self.epilogue, len(masks)
        steps = [o.strides[0] for o in self.given.operands]
        at = epilogue.begin((f.add(piece.row, row),), column)
        known = [epilogue.settle(self.settled, at, q * f.lanes, mask) for q, mask in enumerate(masks)]
        places = [at]
        while len(places) * count < len(sums):
            places.append([f.add(x, step) for x, step in zip(places[-1], steps, strict=True)])

        def body(i: int) -> Any:
            q = i % count
            return lambda: epilogue.run(sums[i], places[i // count], q * f.lanes, masks[q], known[q])

        for i in range(0, len(sums), 4):
            f.in_turn([body(j) for j in range(i, min(i + 4, len(sums)))])

    def _products(
        self, piece: Piece, row: Any, height: int, vectors: int, column: Any, held: list[Ssa], next_sums: Any
    ) -> Any:
        """The loop over the places of a block: four of them at a time, then one by one."""
        f = self.f
        step = self.tall * SIZE
        a = f.add(f.add(self.side, f.mul(row // self.tall, self.pitch)), f.mul(row % self.tall, SIZE))
        ahead = self._ahead(piece, row, column) if 2 * height > self.tall else []
        ahead += [Ahead(next_sums, 64)] if ahead else []  # the next tile begins with its sums: they come first
        count = len(ahead)
        wide = f.lanes == 16  # AVX-512 repeats a number in all lanes while it multiplies: one instruction less
        numbers = (a, a) if wide else (a,)

        def products(numbers: tuple[Any, ...], b: Any, held: list[Ssa], place: int) -> list[Ssa]:
            columns = [f.load(f.floats, f.add(b, place * self.line + q * f.lanes * SIZE)) for q in range(vectors)]
            found: list[Ssa] = []
            for r in range(height):
                # of all rows that would be more loads than there is time for
                near = numbers[:vectors] if r % 3 else numbers[:1]
                number = [f.splat(f.load(FLOAT, f.add(x, place * step + r * SIZE))) for x in near]
                found += [f.fma(number[q % len(near)], c, held[r * vectors + q]) for q, c in enumerate(columns)]
            return found

        size = len(numbers)

        def four(_: Any, b: Any, *rest: Any) -> tuple[Any, ...]:
            numbers, coming, held = rest[:size], rest[size : size + count], list(rest[size + count :])
            for x in coming[-1:]:
                f.prefetch(x, first=True)
            for x in coming[:-1]:
                for line in (*range(0, self.line, 64), self.line - 1):  # rows may begin within a line
                    f.prefetch(f.add(x, line))
            for place in range(4):
                held = products(numbers, b, held, place)
            following = [f.add(x, walk.step) for x, walk in zip(coming, ahead, strict=True)]
            return (*self._moved((b,), 4 * self.line), *self._moved(numbers, 4 * step), *following, *held)

        def one(_: Any, b: Any, *rest: Any) -> tuple[Any, ...]:
            numbers, held = rest[:size], list(rest[size:])
            return (*self._moved((b,), self.line), *self._moved(numbers, step), *products(numbers, b, held, 0))

        fours = f.mul(piece.depth // 4, 4)
        state = (*self._moved((self.panel, *numbers), 0), *(walk.start for walk in ahead), *held)
        state = f.loop(fours, four, state, step=4)
        state = f.loop(piece.depth, one, (*state[: 1 + size], *state[1 + size + count :]), start=fours)
        return state[1 + size :]

    def _moved(self, pointers: Any, by: int) -> tuple[Any, ...]:
        """Pointers some bytes on; hidden, or LLVM would address what is read from the stack on, in instructions almost
        twice as long, or all by one pointer and distances from it: then a number is no longer repeated on the way."""
        return tuple(self.f.opaque(self.f.add(x, by)) for x in pointers)

    # ------------------------------------------------------------------------------------------------- what comes next
    def _ahead(self, piece: Piece, row: Any, column: Any) -> list[Ahead]:
        """What is fetched while a tile runs, in small bites: who asks for much at once waits for it.

        The first tiles fetch b's next panel. All others take turns: behind the last block, what the results meet and
        where they go, else the next block of a.
        """
        f, slot = self.f, row // self.tall
        enough = f.compare("ge", self.rounds, 2 * self.tall)  # one tile fetches for two
        turn = f.select(enough, f.value(f.arithmetic("and", f.value(slot), 1)), f.value(0))
        nothing = Ahead(self.panel, 0)
        panel = self._either(f.compare("lt", slot, 4), self._next_columns(piece, column, slot), nothing)
        numbers = self._either(f.compare("eq", turn, 0), self._next_numbers(piece, row, column), nothing)
        results = numbers
        for i, o in enumerate(self.moving[:2]):
            walk = Ahead(f.add(o.at(f, f.add(piece.row, row)), f.mul(column, SIZE)), o.strides[0])
            results = self._either(f.compare("eq", turn, i), walk, results)
        return [panel, self._either(piece.last, results, numbers)]

    def _next_columns(self, piece: Piece, column: Any, slot: Any) -> Ahead:
        """A tile's share of the next panel of b, which may be the first one of the next block."""
        f, b = self.f, self.given.b
        following = f.add(column, 2 * f.lanes)
        over = f.compare("ge", following, f.add(piece.column, piece.columns))
        column = f.select(over, f.value(piece.column), f.value(following))
        k = f.select(over, f.value(f.add(piece.k, self.depth)), f.value(piece.k))
        return Ahead(b.at(f, column, f.add(k, f.mul(slot, self.rounds))), b.strides[1])

    def _next_numbers(self, piece: Piece, row: Any, column: Any) -> Ahead:
        """A tile's share of the next block of a: of the same rows, or, behind the last one, of the next rows."""
        f, a = self.f, self.given.a
        panel = f.sub(column, piece.column) // (2 * f.lanes)
        row = f.add(piece.row, f.select(piece.last, f.value(f.add(row, self.rows)), f.value(row)))
        k = f.select(piece.last, f.value(0), f.value(f.add(piece.k, self.depth)))
        if self.turned:  # a quarter of the places for each panel
            walk = Ahead(a.at(f, row, f.add(k, f.mul(panel, self.rounds))), a.strides[1])
            some = f.compare("lt", panel, 4)
        else:
            walk = Ahead(f.add(a.at(f, row, k), f.mul(panel, self.line)), a.strides[0])
            some = f.compare("lt", f.mul(panel, 2 * f.lanes), self.depth)
        return self._either(some, walk, Ahead(self.panel, 0))

    def _either(self, condition: Any, x: Ahead, y: Ahead) -> Ahead:
        f = self.f
        start = f.select(condition, f.value(x.start), f.value(y.start))
        return Ahead(start, f.select(condition, f.value(x.step), f.value(y.step)))
