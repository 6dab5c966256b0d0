"""From a graph to rows: every group of nodes becomes work for a kernel, every stored value a place in memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Source, Value
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.rows import Rows
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import Buffer, Call, Operand, Plan, Record, cost
from engine.compiler.machine.cores import cores
from engine.compiler.plan.bands import arrange
from engine.compiler.plan.beside import sum_beside
from engine.compiler.plan.destinations import Destinations
from engine.compiler.plan.free import held, root
from engine.compiler.plan.fusion import Fusion, Group
from engine.compiler.plan.loops import nest_of
from engine.compiler.plan.outlook import Outlook
from engine.compiler.plan.places import Place, dense, spread, through
from engine.compiler.plan.pricing import COPY, along_channels, relaid_axes, traced
from engine.compiler.plan.product import product_works
from engine.compiler.plan.program import Program
from engine.compiler.plan.scratch import allocate
from engine.compiler.plan.triangles import triangles
from engine.compiler.plan.wishes import innermost, wishes

LONG = 256
"""Columns that pass all rows at a time where a matrix is turned."""
Steps = tuple[int, ...]
"""An axis: its size, the stride in what is read, in what is written."""


class Planner:
    """Lowers one graph; `plan` holds the rows as they come."""

    def __init__(self, graph: Graph, shards: int) -> None:
        self.graph, self.plan, self.shards = graph, Plan(), shards
        self.fusion = Fusion(graph)
        self.found: dict[int, Place] = {}
        self.relaid: dict[Any, Place] = {}
        self.origin: tuple[Node, ...] = ()
        self.used = Counter(id(held(v)) for n in graph.nodes if n.kind is ir.Contract for v in n.values)
        self.channels = along_channels(graph)
        self.wishes = wishes(graph, self.channels)
        self.triangles = triangles(graph)
        for source in graph.sources:
            self.found[id(source)] = self._source(source)
        self.outlook = Outlook(graph)
        self.destinations = Destinations(self)

    # ------------------------------------------------------------------------------------------------- memory
    def buffer(self, count: int, dtype: Any = "f4", name: str = "", **more: Any) -> Buffer:
        """New scratch memory."""
        made = Buffer(max(count, 1), np.dtype(dtype), name, **more)
        self.plan.buffers.append(made)
        return made

    def number(self, n: int) -> Place:
        """Memory that holds a whole number."""
        return dense(self.buffer(1, ir.WORD, "number", own=True, fill=n), ())

    def _source(self, source: Source) -> Place:
        dtype = np.dtype("f4") if source.dtype == ir.TRUTH and source.role == "constant" else source.dtype
        if source.role == "input":
            made = self.buffer(source.size, dtype, source.name, slot=source.slot, shape=source.shape)
            return dense(made, source.shape)
        if source.role == "scalar":
            place = dense(self.buffer(16, dtype, source.name), ())
            self.plan.scalars.append((place.buffer, 0, source.read))
            return place
        array = source.array
        if source.role == "constant":
            array = np.ascontiguousarray(array, dtype)
        if not array.flags.c_contiguous:
            raise ir.CompilerError("plan", f"the memory of {source} has gaps")
        made = self.buffer(source.size, dtype, source.name, array=array.reshape(-1), lasting=True)
        return dense(made, source.shape)

    # ------------------------------------------------------------------------------------------------- locating
    def locate(self, value: Value) -> Place:
        """Where a stored value, or a view of one, lies; copied into plain order where a view can not be had."""
        known = self.found.get(id(value))
        if known is not None:
            return known
        node = value.node
        if node is None or not node.kind.view:
            raise ir.CompilerError("plan", f"{value} was never stored")
        place = through(node, self.locate(node.inputs[0]))
        if place is None:
            inner = node.inputs[0]
            copied = self.copy(self.locate(inner), tuple(range(len(inner.shape))))
            place = through(node, copied)
        if place is None:
            raise ir.CompilerError("plan", f"{node} of dense memory")
        self.found[id(value)] = place
        return place

    def copy(self, place: Place, order: tuple[int, ...]) -> Place:
        """The same numbers in new memory, dense in the order of the axes."""
        target = dense(self.buffer(math.prod(place.shape), place.dtype, "copy"), place.shape, order)
        self.move(place, target)
        return target

    def move(self, source: Place, target: Place) -> None:
        """A row that copies."""
        if source.dtype != np.dtype("f4"):
            self.call(lambda a: a, (source,), (target,))
            return
        walks = [(source, source.strides), (target, target.strides)]
        nest = nest_of(source.shape, len(source.shape), (("load", 0),), walks, [(1, 0)])
        self.record(self._transposition(source, target) or nest, "copy")

    def _transposition(self, source: Place, target: Place) -> Transposition | None:
        """A copy whose innermost axes differ on both sides."""
        axes = [i for i, n in enumerate(source.shape) if n != 1]
        j = [i for i in axes if source.strides[i] == 1]
        i = [i for i in axes if target.strides[i] == 1]
        if len(i) != 1 or len(j) != 1 or i == j or min(source.shape[i[0]], source.shape[j[0]]) < 4:
            return None
        from_loops = sorted((a for a in axes if a not in (*i, *j)), key=lambda a: -target.strides[a])
        return transposition_of(source, target, from_loops, i[0], j[0])

    def relay_price(self, value: Value, axis: int) -> float:
        """What `relay` would cost, in nanoseconds; what several products use is paid for by all of them."""
        base, moved = traced(value, axis, pieces=True)
        if (id(base), relaid_axes(len(base.shape), moved)) in self.relaid:
            return 0.0
        shared = max(1, self.used.get(id(held(value)), 1))
        return COPY * min(base.size, root(base).size) / shared

    def relay(self, value: Value, axis: int) -> Place:
        """A value laid out so that `axis` is innermost; copies of the same memory are shared."""
        base, moved = traced(value, axis, pieces=True)
        known = (id(base), relaid_axes(len(base.shape), moved)) in self.relaid
        if not known and self.locate(value).buffer is not self.locate(base).buffer:
            return self._laid(value, axis)  # of a copy that is there, and has fewer axes than the base
        found = self.replayed(value, base, self._laid(base, moved))
        if found.strides[axis] != 1:  # a reshape on the way had to copy
            found = self._laid(value, axis)
        return found

    def _laid(self, value: Value, axis: int) -> Place:
        """A copy with an axis innermost; the same one for everybody."""
        order = relaid_axes(len(value.shape), axis)
        key = (id(value), order)
        if key not in self.relaid:
            place = self.locate(value)
            if len(order) == 2:
                target = spread(lambda n: self.buffer(n, place.dtype, "copy"), place.shape, order)
                self.move(place, target)
            else:
                target = self.copy(place, order)
            self.relaid[key] = target
        return self.relaid[key]

    def turn(self, value: Value) -> None:
        """Lay a stored value out as it is wished for, if it is not."""
        axis, place = self.wishes.get(id(value)), self.found[id(value)]
        if axis is not None and place.strides[axis] != 1 and value.shape[axis] != 1:
            self.found[id(value)] = self.copy(place, relaid_axes(len(place.shape), axis))

    def replayed(self, value: Value, base: Value, place: Place) -> Place:
        """The views from `base` to `value`, of another copy of the base."""
        if value is base:
            return place
        inner = self.replayed(value.node.inputs[0], base, place)
        found = through(value.node, inner)
        if found is None:
            found = through(value.node, self.copy(inner, tuple(range(len(inner.shape)))))
        if found is None:
            raise ir.CompilerError("plan", f"{value.node} of dense memory")
        return found

    # ------------------------------------------------------------------------------------------------- rows
    def record(self, work: Any, note: str = "") -> None:
        """Append work for a kernel."""
        self.plan.rows.append(Record(work, self.origin, note))

    def call(
        self, function: Callable[..., Any], reads: Iterable[Place], writes: Iterable[Place], note: str = ""
    ) -> None:
        """Append Python."""
        self.plan.rows.append(Call(function, tuple(reads), tuple(writes), self.origin, note))

    def rows(self) -> Plan:
        """All groups in order, then what is left to write: rows without memory."""
        for group in self.fusion.groups:
            self.origin = tuple(group.nodes)
            self.destinations.commit_if_due(group)
            self._group(group)
        self.origin = ()
        self.destinations.finish()
        plan, graph = self.plan, self.graph
        plan.finite = [(_operand(self.locate(v)), v.shape) for v in graph.finite]
        plan.outputs = [(self.locate(v), v.dtype) for v in graph.outputs]
        plan.effects = [(f, [self.locate(v) for v in values]) for f, values in graph.effects]
        plan.places = dict(self.found)
        del self.destinations  # it holds this object, which holds what memory there is
        return plan

    def _group(self, group: Group) -> None:
        node = group.nodes[0]
        if group.kind == "contract":
            product_works(self, group)
        elif group.kind in ("map", "reduce"):
            self._nest(group)
        elif group.kind in ("gather", "scatter") and node.output.dtype == np.dtype("f4"):
            self._rows(node)
        elif group.kind in ("pad", "concat") and node.output.dtype == np.dtype("f4"):
            self.destinations.assemble(node)
        else:
            for each in group.nodes:
                self._python(each)

    def _nest(self, group: Group) -> None:
        """A map or a reduction, and everything that was fused with it."""
        program = Program(group, self.fusion, self.locate, self.number)
        stored = [n.output for n in group.nodes if id(n.output) in self.fusion.stored]
        for node in group.nodes:  # in their order, so that no reading reaches far back into a chain
            program.read(node.output, group.loops[id(node.output)])
        for value in stored:
            place = self.destinations.of(value, self._wish(program, value))
            self.found[id(value)] = place
            program.store(value, place)
        if program.stores:
            self._straighten(program)
            self.record(nest_from(program), group.kind)

    def _straighten(self, program: Program) -> None:
        """Operands that lie across the vectors of what is stored are laid out along them first."""
        written = {number for number, _ in program.stores}
        sizes = program.group.sizes
        real = [i for i, n in enumerate(sizes) if n != 1]
        stores = [program.operands[n][1] for n in written]
        full = [steps for steps in stores if all(steps[i] for i in real)]
        along = [i for steps in full for i in real if steps[i] == 1]
        if not along:
            return
        loop = max(along, key=lambda i: sum(steps[i] == 1 for _, steps in program.operands))
        for number, (place, strides) in enumerate(program.operands):
            loops = [i for i, s in enumerate(strides) if s and sizes[i] != 1 and i != loop] + [loop]
            volume = math.prod(sizes[i] for i in loops)
            if number in written or strides[loop] in (0, 1) or place.dtype != np.dtype("f4") or volume < 2048:
                continue
            key = (id(place.buffer), place.offset, tuple(sizes[i] for i in loops), tuple(strides[i] for i in loops))
            if key not in self.relaid:
                source = Place(place.buffer, place.offset, key[2], key[3])
                self.relaid[key] = self.copy(source, tuple(range(len(loops))))
            straight = self.relaid[key]
            steps = dict(zip(loops, straight.strides, strict=True))
            program.operands[number] = (straight, [steps.get(i, 0) for i in range(len(sizes))])

    def _wish(self, program: Program, value: Value) -> tuple[int, ...]:
        """The order of axes in which the operands that cover a value's loops mostly lie."""
        loops = program.group.loops[id(value)]
        plain = tuple(range(len(loops)))
        votes: dict[tuple[int, ...], int] = {}
        for _, strides in program.operands:
            along = [strides[i] if i is not None else 0 for i in loops]
            if all(s or n == 1 for s, n in zip(along, value.shape, strict=True)):
                order = tuple(sorted(plain, key=lambda i: -abs(along[i]) if value.shape[i] != 1 else 0))
                votes[order] = votes.get(order, 0) + 1
        best = max(votes, key=lambda o: votes[o], default=plain)
        axis = self.wishes.get(id(value))
        return best if axis is None else innermost(best, axis)

    def _rows(self, node: Node) -> None:
        scatter = node.kind is ir.Scatter
        first, index = (self.locate(v) for v in node.values)
        target = self.destinations.of(node.output, tuple(range(len(node.output.shape))), exact=True)
        self.found[id(node.output)] = target
        rows, table = (first, target) if scatter else (target, first)
        count = len(index.shape)
        width = math.prod(rows.shape[count:])
        if index.dtype != np.dtype("i8"):
            self._python(node)
            return
        if scatter and _flat_tail(rows, len(rows.shape) - count) is None:
            rows = self.copy(rows, tuple(range(len(rows.shape))))
        if not scatter and _flat_tail(table, len(table.shape) - 1) is None:
            table = self.copy(table, tuple(range(len(table.shape))))
        self.record(rows_of(scatter, index, rows, table, count, width), node.kind.name)

    def _python(self, node: Node) -> None:
        """The node's own array code on views of its operands."""
        value = node.output
        places = [self.locate(v) if isinstance(v, Value) else None for v in node.inputs]
        truth = [isinstance(v, Value) and v.dtype == ir.TRUTH for v in node.inputs]
        target = self.found.get(id(value)) or self.destinations.of(value, tuple(range(len(value.shape))), exact=True)
        self.found[id(value)] = target
        kind, attrs, given = node.kind, node.attrs, node.inputs

        def run(*arrays: Any) -> Any:
            found = iter(arrays)
            operands = [v if p is None else next(found) for v, p in zip(given, places, strict=True)]
            cast = [a != 0 if t else a for a, t in zip(operands, truth, strict=True)]
            return kind.run(*cast, **attrs)

        self.call(run, [p for p in places if p is not None], (target,), node.origin.op or kind.name)


def rows_of(scatter: bool, index: Place, rows: Place, table: Place, count: int, width: int) -> Rows:
    """Gather or scatter, the row's axes as one."""
    rows_strides = (*rows.strides[:count], 1)
    return Rows(
        scatter, index.shape, width, table.shape[0],
        Operand(table.buffer, table.offset, (table.strides[0], 1)), Operand(index.buffer, index.offset, index.strides),
        Operand(rows.buffer, rows.offset, rows_strides),
    )  # fmt: skip


def _flat_tail(place: Place, axes: int) -> int | None:
    """The size of the last axes if they lie without gaps."""
    step = 1
    for n, s in zip(reversed(place.shape[len(place.shape) - axes :]), reversed(place.strides), strict=False):
        if n != 1 and s != step:
            return None
        step *= n
    return step


def transposition_of(source: Place, target: Place, outer: list[int], i: int, j: int) -> Transposition:
    """Rows become columns, under loops over the other axes; axes that go on where rows or columns end are a part of
    them, as long as one is left for samples. Long columns pass all rows some at a time."""
    steps: list[Steps] = list(zip(source.shape, source.strides, target.strides, strict=True))
    loops = [steps[a] for a in outer]
    last = [_grown(steps[a], loops) for a in (i, j)]
    if not loops and last[1][0] > LONG and last[1][0] % LONG == 0:
        count, *along = last[1]
        loops, last[1] = [(count // LONG, *(LONG * s for s in along))], (LONG, *along)
    sizes, from_, to = zip(*loops, *last, strict=True)
    return Transposition(sizes, Operand(source.buffer, source.offset, from_), Operand(target.buffer, target.offset, to))


def _grown(axis: Steps, others: list[Steps]) -> Steps:
    """An axis with those of the others that go on where it ends."""
    size, *along = axis
    following = [x for x in others[1:] if x[1:] == tuple(size * s for s in along)]
    if not following:
        return axis
    others.remove(following[0])
    return _grown((size * following[0][0], *along), others)


def nest_from(program: Program) -> Nest:
    """The loops of a group around its program."""
    group = program.group
    loops = [i for i in range(len(group.sizes)) if i not in group.reduced] + sorted(group.reduced)
    operands = [(place, tuple(strides[i] for i in loops)) for place, strides in program.operands]
    sizes = tuple(group.sizes[i] for i in loops)
    counted = {loops.index(i) for i in program.counted}
    return nest_of(
        sizes, len(sizes) - len(group.reduced), _renumbered(program.lines, loops), operands, program.stores, counted
    )


def _renumbered(lines: Iterable[Any], loops: list[int]) -> tuple[Any, ...]:
    return tuple(("iota", loops.index(line[1])) if line[0] == "iota" else line for line in lines)


def _operand(place: Place) -> Operand:
    return Operand(place.buffer, place.offset, place.strides)


def plan(graph: Graph, shards: int | None = None) -> Plan:
    """The rows of a graph and the memory that they work in. Raises: CompilerError.

    shards: into how many parts a batch may be cut whose sums are added in the end; None: as many as there are cores.

    >>> from engine.compiler.graph import ir
    >>> g = ir.Graph(); x = g.source("input", (4,), "f4", slot=0); g.outputs = [g.map("tanh", x)]
    >>> len(plan(g).rows)
    1
    """
    shards = shards or cores()
    return furnished(Planner(graph, shards).rows(), shards, graph.parted[1])


def furnished(plan: Plan, shards: int, parted: int) -> Plan:
    """Rows with their bands, and with memory."""
    plan.cost = plan.cost or cost(plan)
    sum_beside(plan)
    arrange(plan, plan.cost, shards, parted)
    plan.checked = plan.checked and not plan.bands
    allocate(plan)
    return plan
