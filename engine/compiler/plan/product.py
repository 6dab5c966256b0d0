"""A contraction and the maps on its result as work for a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.compiler.graph.shapes import coalesced
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.dot import Dot
from engine.compiler.kernels.product import SIZE, Product
from engine.compiler.kernels.scarce import scarce
from engine.compiler.kernels.sparse import Sparse, sparse
from engine.compiler.kernels.toom import along_rows, gradient_along_rows
from engine.compiler.kernels.winograd import Winograd, fewer_products
from engine.compiler.kernels.work import Operand, Store, pieces, volume
from engine.compiler.plan.frames import Frame, frame, inside
from engine.compiler.plan.free import held
from engine.compiler.plan.fusion import Group
from engine.compiler.plan.places import Place
from engine.compiler.plan.pricing import Choice, Letters, choices, is_window, stride
from engine.compiler.plan.program import Program
from engine.compiler.plan.triangles import Before, before
from engine.compiler.plan.zeros import left_out, mostly_zero, often_zero

Planner = Any
"""`engine.compiler.plan.planner.Planner`, which stands above this file."""


CACHE = 400_000
"""Bytes that stay close while a block of a sum runs."""
MANY, FEW, LEAST, WIDTHS = 8, 96, 48_000, (64, 48, 32)
"""A weight of at least so many bytes that MANY products of FEW rows at most read, as a loop over time does, is laid out
in panels, of one of these widths."""


def product_works(planner: Planner, group: Group) -> None:
    """Choose how to compute it, lay out what that needs, and append the work."""
    node = group.nodes[0]
    letters = Letters.of(node)
    places = (planner.locate(node.inputs[0]), planner.locate(node.inputs[1]))
    stored = [n.output for n in group.nodes if id(n.output) in planner.fusion.stored]
    fixed = [_by_letter(group, letters, v, p) for v in stored if (p := planner.destinations.fixed(v))]
    fixed += _partners(planner, group, letters) + _wanted(planner, group, letters, stored)

    def price(side: int, letter: str) -> float:
        found: float = planner.relay_price(node.inputs[side], letters.inputs[side].index(letter))
        return found

    choice = choices(node, places, price, fixed, planner.channels)[0]
    sides, right = list(places), 1 - choice.left
    width = _panel(planner, group, letters, choice)
    if width:
        sides[right] = _in_panels(planner, letters, right, places[right], width)
    else:
        for side in choice.relay:
            sides[side] = planner.relay(node.inputs[side], letters.inputs[side].index(choice.n))
    _Product(planner, group, letters, choice, (sides[0], sides[1]), width).append(stored)


def _panel(planner: Planner, group: Group, letters: Letters, choice: Choice) -> int:
    """How many columns of what is read as vectors should lie side by side, so that it streams from the second cache
    while the sum runs; 0: as it lies."""
    right = 1 - choice.left
    still, moving, summed = letters.free(choice.left), letters.free(right), letters.summed
    if choice.dot or planner.used[id(held(group.nodes[0].inputs[right]))] < MANY or letters.batch:
        return 0
    if (len(still), len(moving), len(summed)) != (1, 1, 1) or letters.count(still) > FEW:
        return 0
    columns, depth = letters.count(moving), letters.count(summed)
    if depth < 16 or SIZE * columns * depth < LEAST:
        return 0
    return next((width for width in WIDTHS if columns > width and columns % width == 0), 0)


def _in_panels(planner: Planner, letters: Letters, side: int, place: Place, width: int) -> Place:
    """A matrix as panels, each dense; the strides are those within a panel. Copies of the same memory are shared."""
    names, moving, summed = letters.inputs[side], letters.free(side), letters.summed
    columns, depth = letters.count(moving), letters.count(summed)
    across, along = stride(names, place, moving), stride(names, place, summed)
    key = (id(place.buffer), place.offset, across, along, columns, depth, width)
    if key not in planner.relaid:
        source = Place(place.buffer, place.offset, (columns // width, width, depth), (width * across, across, along))
        panels = (depth * width, 1, width)
        target = Place(planner.buffer(columns * depth, place.dtype, "copy"), 0, source.shape, panels)
        planner.move(source, target)
        planner.relaid[key] = target
    steps = {moving: 1, summed: width}
    return Place(planner.relaid[key].buffer, 0, place.shape, tuple(steps.get(x, 0) for x in names))


def _by_letter(group: Group, letters: Letters, value: Any, place: Place) -> dict[str, int]:
    """The strides of a result by letter."""
    axes = group.loops[id(value)]
    return {letters.out[loop]: s for loop, s in zip(axes, place.strides, strict=True) if loop is not None}


def _partners(planner: Planner, group: Group, letters: Letters) -> list[dict[str, int]]:
    """The strides by letter of what the epilogue reads at every place of the result."""
    found = []
    for value in planner.fusion.loads(group):
        if value.shape == group.sizes and id(value) in planner.found and value not in group.nodes[0].values:
            found.append(dict(zip(letters.out, planner.found[id(value)].strides, strict=True)))
    return found


def _wanted(planner: Planner, group: Group, letters: Letters, stored: list[Any]) -> list[dict[str, int]]:
    """For results with a wish, and for parts of an array: stride 1 along the axis that should be innermost."""
    found = []
    for value in stored:
        axis = planner.wishes.get(id(value), planner.destinations.last_axis(value))
        axis = planner.outlook.axis(value, planner) if axis is None else axis
        if axis is not None:
            loop = group.loops[id(value)][axis]
            found.append({letters.out[loop]: 1} if loop is not None else {})
    return found


class _Product:
    """One contraction on its way to become work."""

    def __init__(
        self, planner: Planner, group: Group, letters: Letters, choice: Choice, places: tuple[Place, Place], width: int
    ) -> None:
        self.planner, self.group, self.letters, self.choice, self.width = planner, group, letters, choice, width
        self.left, self.right = choice.left, 1 - choice.left
        self.places = places

    def _step(self, side: int, letter: str) -> int:
        return stride(self.letters.inputs[side], self.places[side], letter)

    def _order(self) -> tuple[int, ...]:
        """The axes of the result: batch, then what is read number by number, then what is read as vectors."""
        letters, out = self.letters, self.letters.out
        moving = letters.free(self.right) if not self.choice.dot else letters.free(1)
        still = letters.free(self.left) if not self.choice.dot else letters.free(0)
        if self.choice.dot:
            return tuple(range(len(out)))
        if not any(is_window(value) for value in self.group.nodes[0].values):
            still = "".join(sorted(still, key=lambda x: -self._step(self.left, x)))  # loops of rows stay one loop
        inner = sorted(moving, key=lambda x: -self._step(self.right, x))
        if inner and self.choice.n in inner:
            inner.append(inner.pop(inner.index(self.choice.n)))
        return tuple(out.index(x) for x in (*letters.batch, *still, *inner))

    def append(self, stored: list[Any]) -> None:
        """Places for the results, the program of the epilogue, the loops."""
        planner, group = self.planner, self.group
        along = None if self.choice.dot else self.letters.out.index(self.choice.n)
        program = Program(group, planner.fusion, planner.locate, planner.number, along, planner.relay)
        for value in stored:
            axes = group.loops[id(value)]
            order = tuple(axes.index(i) for i in self._order() if i in axes)
            place = planner.destinations.of(value, order)
            if not self.choice.dot and self._n_stride(value, place) not in (0, 1):
                place = planner.destinations.detour(value, order)
            planner.found[id(value)] = place
            program.store(value, place)
        self._work(program)
        for value in stored:
            planner.destinations.arrive(value)
            planner.turn(value)

    def _n_stride(self, value: Any, place: Place) -> int:
        """How far apart neighbours along the vectors lie in a place."""
        loop = self.letters.out.index(self.choice.n)
        axes = self.group.loops[id(value)]
        n = self.letters.sizes[self.choice.n]
        return 1 if n == 1 else place.strides[axes.index(loop)] if loop in axes else 0

    def _work(self, program: Program) -> None:
        letters, choice, out = self.letters, self.choice, self.letters.out
        operands = [(place, strides) for place, strides in program.operands]
        sums = self._sums()
        if choice.dot:
            self._append_dot(program, operands, sums)
            return

        def walks(loop: str) -> list[int]:
            return [
                self._step(self.left, loop),
                self._step(self.right, loop),
                *(s[out.index(loop)] for _, s in operands),
            ]

        run = self._vector_run(walks)
        rest = [x for x in out if x not in run and letters.sizes[x] != 1]
        rest.sort(key=lambda x: -max((abs(s[out.index(x)]) for _, s in operands), default=0))
        merged = [[rest[i] for i in g] for g in coalesced([letters.sizes[x] for x in rest], _columns(rest, walks))]
        candidates = [g for g in merged if all(self._step(self.right, x) == 0 for x in g)]
        m = max(candidates, key=self._rank, default=[])
        outer = [g for g in merged if g is not m]
        n = run[-1]
        whole = Contraction(
                outer=tuple(letters.count("".join(g)) for g in outer),
                m=letters.count("".join(m)) if m else 1,
                n=letters.count("".join(run)),
                k=tuple(letters.count("".join(g)) for g in sums),
                a=self._operand(self.left, outer, m, sums),
                b=self._operand(self.right, outer, [n] if letters.sizes[n] != 1 else [], sums, unit=True),
                body=tuple(program.lines),
                operands=tuple(
                    Operand(p.buffer, p.offset, (
                        *(s[out.index(g[-1])] if g else 0 for g in (*outer, m)),
                        s[out.index(n)] if letters.sizes[n] != 1 else 1,
                    )) for p, s in operands
                ),
                stores=tuple(Store(*s) for s in program.stores),
        )  # fmt: skip
        if self.width:
            self.planner.record(by_panels(whole, self.width), "contract")
            return
        fewer = self._scarce(fewer_products(whole)) or self._sparse(whole)
        if fewer is not None:
            self.planner.record(fewer, "contract")
            return
        for row in inside(whole, list(self._frames([*outer, m, run], sums))):
            self.planner.record(along_rows(row) or row, "contract")

    def _scarce(self, fewer: Winograd | None) -> Product | None:
        """The same without the zeros of what was sent back, where hardly anything else is there."""
        if fewer is None or not left_out():
            return fewer
        sent = self.group.nodes[0].inputs[self.right if fewer.back else self.left]
        return (scarce(fewer) if mostly_zero(sent) else None) or fewer

    def _sparse(self, whole: Contraction) -> Sparse | None:
        """The same without the zeros of what is read number by number, where that has many."""
        return sparse(whole) if left_out() and often_zero(self.group.nodes[0].inputs[self.left]) else None

    def _frames(self, loops: list[list[str]], sums: list[list[str]]) -> Iterator[tuple[Frame | Before, int, int]]:
        """Loops over results with loops of the sum of which they need but a part: outer ones over positions of windows
        in a frame of zeros, with those over their taps; any over the places of a triangle of zeros."""
        node = self.group.nodes[0]
        for value, names in zip(node.values, self.letters.inputs, strict=True):
            known = self.planner.triangles.get(id(value))
            for i, position in enumerate(loops):
                for j, tap in enumerate(sums):
                    if len(position) == len(tap) == 1 and position[0] in names and tap[0] in names:
                        axes = names.index(position[0]), names.index(tap[0])
                        found = (frame(value, *axes) if i < len(loops) - 2 else None) or before(known, *axes)
                        if found is not None:
                            yield found, i, len(loops) + j

    def _rank(self, group: list[str]) -> tuple[int, int]:
        """Rows of a tile: enough of them, and close together."""
        return min(self.letters.count("".join(group)), 12), -abs(self._step(self.left, group[-1]))

    def _operand(
        self, side: int, outer: list[list[str]], last: list[str], sums: list[list[str]], unit: bool = False
    ) -> Operand:
        place = self.places[side]
        steps = [self._step(side, g[-1]) for g in outer]
        steps.append(self._step(side, last[-1]) if last else int(unit))
        return Operand(place.buffer, place.offset, (*steps, *(self._step(side, g[-1]) for g in sums)))

    def _sums(self) -> list[list[str]]:
        """The summed loops, merged where both inputs allow it, the one with the shortest steps last."""
        letters = self.letters
        names = [x for x in letters.summed if letters.sizes[x] != 1]
        side = self.right if not self.choice.dot else 0
        names.sort(key=lambda x: (-abs(self._step(side, x)), -abs(self._step(1 - side, x))))
        if self.choice.dot:  # vectors run along a loop in which both inputs take steps of 1
            names.sort(key=lambda x: self._step(0, x) == self._step(1, x) == 1)
        else:
            names.sort(key=lambda x: -abs(self._step(self.left, x)))
        columns = [[self._step(i, x) for x in names] for i in (0, 1)]
        return [[names[i] for i in g] for g in coalesced([letters.sizes[x] for x in names], columns)]

    def _vector_run(self, walks: Any) -> list[str]:
        """The letters that run together as vectors, outermost first."""
        run, sizes = [self.choice.n], self.letters.sizes
        while sizes[run[0]] != 1:
            behind = [sizes[run[0]] * s for s in walks(run[0])]
            free = (x for x in self.letters.free(self.right) if x not in run and sizes[x] != 1)
            following = next((x for x in free if walks(x) == behind), None)
            if following is None:
                break
            run.insert(0, following)
        return run

    def _spread(self, side: int, loop: str) -> tuple[int, int]:
        return self.letters.sizes[loop], -abs(self._step(side, loop))

    def _append_dot(self, program: Program, operands: list[Any], sums: list[list[str]]) -> None:
        """Vectors along the sum; the largest free letters of both sides are the tile."""
        letters, out = self.letters, self.letters.out
        real = [x for x in out if letters.sizes[x] != 1]
        # of equally large ones the one with the shortest steps: neighbours read what has just been read
        m, n = (
            max((x for x in letters.free(i) if x in real), key=lambda x: self._spread(i, x), default="") for i in (0, 1)
        )
        outer = [x for x in real if x not in (m, n)]

        def steps(side: int, own: str) -> tuple[int, ...]:
            head = [self._step(side, x) for x in (*outer, own) if x] + ([] if own else [0])
            return (*head, *(self._step(side, g[-1]) for g in sums))

        def along(s: list[int]) -> tuple[int, ...]:
            return (*(s[out.index(x)] for x in outer), *(s[out.index(x)] if x else 0 for x in (m, n)))

        a, b = self.places
        dot = Dot(
            outer=tuple(letters.sizes[x] for x in outer), m=letters.sizes.get(m, 1), n=letters.sizes.get(n, 1),
            k=tuple(letters.count("".join(g)) for g in sums),
            a=Operand(a.buffer, a.offset, steps(0, m)), b=Operand(b.buffer, b.offset, steps(1, n)),
            body=tuple(program.lines), operands=tuple(Operand(p.buffer, p.offset, along(s)) for p, s in operands),
            stores=tuple(Store(*s) for s in program.stores),
        )  # fmt: skip
        fewer = gradient_along_rows(dot)
        if fewer is not None:
            self.planner.record(fewer, "dot")
            return
        shards = self.planner.graph.parted[1]
        for block in [dot] if shards > 1 and dot.k[0] == shards else blocks(dot):  # a shard fits the cache
            self.planner.record(block, "dot")


def by_panels(work: Contraction, width: int) -> Contraction:
    """The same with a loop over panels of b outside."""

    def look(operand: Operand) -> Operand:
        return operand._replace(strides=(width * operand.strides[-1], *operand.strides))

    a = work.a._replace(strides=(0, *work.a.strides))
    b = work.b._replace(strides=(work.k[0] * width, *work.b.strides))
    return replace(
        work, outer=(work.n // width,), n=width, a=a, b=b, operands=tuple(map(look, work.operands)),
        form=None, reading=None, slide=None,
    )  # fmt: skip


def blocks(dot: Dot) -> list[Dot]:
    """A dot whose operands do not fit the cache, as several: each adds its part of the sum to what is there."""
    size = 4 * volume(dot.k) * (dot.m + dot.n * max(1, volume(dot.outer) // 8))
    count = min(dot.k[0], -(-size // CACHE)) if len(dot.k) > 1 else 1
    if count < 2 or len(dot.body) != 1 or len(dot.stores) != 1:
        return [dot]
    first = len(dot.outer) + 1
    adding = (*dot.body, ("load", 0), ("add", 0, 1))
    found = []
    for start, length in pieces(dot.k[0], count):
        part = replace(
            dot, k=(length, *dot.k[1:]), a=dot.a.moved(first, start), b=dot.b.moved(first, start),
            body=adding if start else dot.body, stores=(Store(0, 2 if start else 0),),
        )  # fmt: skip
        found.append(part)
    return found


def _columns(names: list[str], walks: Any) -> list[list[int]]:
    return [list(column) for column in zip(*(walks(x) for x in names), strict=True)] if names else []
