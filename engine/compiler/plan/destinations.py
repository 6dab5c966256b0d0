"""Where results go: straight into the cell that holds them after the step, into the middle of a padded array, into a
part of several side by side, or into memory of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Node, Source, Value
from engine.compiler.graph.shapes import made_of, regrouped
from engine.compiler.plan.free import root
from engine.compiler.plan.fusion import Group
from engine.compiler.plan.parted import shards_first
from engine.compiler.plan.places import Place, dense

Planner = Any
"""`engine.compiler.plan.planner.Planner`, which stands above this file."""

Order = tuple[int, ...]
ROWS = ("gather", "scatter")
"""Kinds that write row by row, and only so."""
GRADIENT = "grad"
"""The name of cells that hold gradients: they may be written before the step is known to be finite."""


class Destinations:
    """Decides for every stored value of a planner where it lies."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        graph, fusion = planner.graph, planner.fusion
        self.written: list[tuple[Source, Value]] = list(graph.writes)
        self.part_of: dict[int, tuple[Node, int]] = {}
        self.unrolled: set[int] = set()
        self.detours: dict[int, Place] = {}
        self.cells = {id(cell): planner.found[id(cell)] for cell, _ in self.written}
        self.direct: dict[int, Source] = self._direct()
        for node in graph.nodes:
            if node.kind is ir.Pad or node.kind is ir.Concat:
                for number, part in enumerate(node.values):
                    base = unrolled(part)
                    if base.shape != part.shape and self._may_lie_inside(base, ROWS):
                        if self.part_of.setdefault(id(base), (node, number)) == (node, number):
                            self.unrolled.add(id(base))
                    elif self._may_lie_inside(base := unboxed(part)) or _is_frame_of_frame(node, base):
                        self.part_of.setdefault(id(base), (node, number))
        self.before: dict[int, Value] = self._before()
        self.merged: dict[int, list[Order]] = {}
        for node in graph.nodes:
            parts = made_of(node.output.shape, node.inputs[0].shape) if node.kind is ir.Reshape else None
            if parts is not None and len(parts) < len(node.inputs[0].shape):
                self.merged[id(node.inputs[0])] = parts
        self.done: set[int] = set()
        self.commits = {id(fusion.of[id(v)]) for c, v in graph.writes if c.name != GRADIENT and id(v) in fusion.of}
        self.guarded = False

    def _may_lie_inside(self, value: Value, kinds: tuple[str, ...] = ()) -> bool:
        group = self.planner.fusion.of.get(id(value))
        made = group is not None and group.kind in ("map", "reduce", "contract", "concat", *kinds)
        return made and id(value) not in self.direct and value.dtype == np.dtype("f4")

    def _direct(self) -> dict[int, Source]:
        """Values that may be written into their cell at once: whoever reads the cell's old content runs before."""
        fusion, graph = self.planner.fusion, self.planner.graph
        order = {id(g): i for i, g in enumerate(fusion.groups)}
        last: dict[int, int] = {}
        for i, group in enumerate(fusion.groups):
            for value in fusion.loads(group):
                last[id(value)] = i
        kept = {id(root(v)) for v in graph.roots()}
        found: dict[int, Source] = {}
        for cell, value in graph.writes:
            owner = fusion.of.get(id(value))
            if owner is None or id(cell) in kept or id(value) in found or value.dtype != np.dtype("f4"):
                continue
            here, read = order[id(owner)], last.get(id(cell), -1)
            if read < here or (read == here and self._reads_in_place(owner, cell, value)):
                found[id(value)] = cell
        return found

    def _before(self) -> dict[int, Value]:
        """For values of which the last reader makes, place by place, a part of several side by side: that part. They
        lie where it will: what a step saved where its gradient goes, so that less memory is fetched."""
        fusion, found = self.planner.fusion, dict[int, Value]()
        last = {id(value): group for group in fusion.groups for value in fusion.loads(group)}
        made = {id(node.output): i for i, group in enumerate(fusion.groups) for node in group.nodes}
        kept = {id(root(v)) for v in self.planner.graph.roots()}
        for group in fusion.groups:
            parts = [node.output for node in group.nodes if self._is_free_part(node.output, group)]
            for value in sorted(fusion.loads(group), key=lambda v: made.get(id(v), -1)) if parts else ():
                alone = last[id(value)] is group and id(value) not in kept and id(value) not in self.part_of
                if parts and alone and self._may_lie_inside(value) and _read_in_place(group, value, fusion.free):
                    found[id(value)] = parts.pop(0)
        return found

    def _is_free_part(self, value: Value, group: Group) -> bool:
        """Whether it lies beside others in memory that is nothing else before."""
        if group.kind not in ("map", "contract") or id(value) not in self.part_of or value.shape != group.sizes:
            return False
        while id(value) in self.part_of:
            node, _ = self.part_of[id(value)]
            if node.kind is not ir.Concat or id(value) in self.unrolled or id(node.output) in self.direct:
                return False
            value = node.output
        return True

    def _reads_in_place(self, group: Group, cell: Source, value: Value) -> bool:
        """Whether a group reads a cell at just the places that it writes."""
        if group.kind == "contract":
            return all(root(v) is not cell for v in group.nodes[0].values)
        if group.kind == "reduce":  # read once, where it is written, when all sums are known
            same = [v.shape == cell.shape for node in group.nodes for v in node.values if root(v) is cell]
            return all(same) and group.reduced.isdisjoint(group.loops[id(value)])
        return group.kind == "map" and not any(_turned(v, cell) for node in group.nodes for v in node.values)

    # ------------------------------------------------------------------------------------------------- places
    def fixed(self, value: Value) -> Place | None:
        """The place of a result that has to go to one place: a cell, or its part of a flat array, row by row."""
        cell = self.direct.get(id(value))
        if cell is not None:
            found: Place = self.cells[id(cell)]
            return found
        if id(value) not in self.unrolled:
            return None
        node, number = self.part_of[id(value)]
        place = self._part(node, self._whole(node, (0,)), number)
        rows = dense(place.buffer, value.shape)
        return Place(place.buffer, place.offset, value.shape, tuple(s * place.strides[0] for s in rows.strides))

    def last_axis(self, value: Value) -> int | None:
        """Of one of several parts side by side: the axis that should be innermost, so that all of them lie alike."""
        node, _ = self.part_of.get(id(value), (None, 0))
        if node is None or node.kind is not ir.Concat:
            return None
        whole = self.planner.found.get(id(node.output))
        if whole is None or len(whole.shape) != len(value.shape):
            return len(value.shape) - 1
        return min(range(len(whole.shape)), key=lambda i: (whole.shape[i] == 1, abs(whole.strides[i]), -i))

    def of(self, value: Value, order: Order, exact: bool = False) -> Place:
        """Where to store a value; `order` is a wish for its axes. exact: dense, in row-major order."""
        place = self.fixed(value)
        if place is not None:
            self.done.add(id(value))
            return place
        order = shards_first(value.shape, order, self.planner.graph.parted)
        after = self.before.get(id(value), value) if order == tuple(range(len(order))) else value
        whole = None if exact else self.part_of.get(id(after))
        if whole is not None:
            self.done.add(id(value))
            return self._inside(*whole, after, order)
        dtype = np.dtype("f4") if value.dtype == ir.TRUTH else value.dtype
        name = value.node.kind.name if value.node else ""
        return dense(
            self.planner.buffer(value.size, dtype, name), value.shape, None if exact else self._merging(value, order)
        )

    def _merging(self, value: Value, order: Order) -> Order:
        """An order in which axes that somebody wants as one lie together, unless another axis were innermost then."""
        parts = self.merged.get(id(value))
        if parts is None:
            return order
        last = sorted((max((order.index(i) for i in axes if value.shape[i] != 1), default=-1), axes) for axes in parts)
        together = tuple(i for _, axes in last for i in axes)
        return together if together[-1:] == order[-1:] else order

    def detour(self, value: Value, order: Order) -> Place:
        """Memory of its own for a value whose fixed place does not suit; `arrive` moves it there."""
        fixed = self.of(value, order)
        self.detours[id(value)] = fixed
        return dense(self.planner.buffer(value.size, "f4", "detour"), value.shape, order)

    def arrive(self, value: Value) -> None:
        """After the work that made it: on to its fixed place if it took a detour."""
        fixed = self.detours.pop(id(value), None)
        if fixed is not None:
            self.planner.move(self.planner.found[id(value)], fixed)

    def _inside(self, whole: Node, number: int, value: Value, order: Order) -> Place:
        """The place of a value in what it is a part of, axes of size 1 aside; several of its axes may be one there."""
        part = whole.inputs[number]
        merged = made_of(part.shape, value.shape)
        if merged is None:
            raise ir.CompilerError("destinations", f"{value} with axes of its own in {whole}")
        last = [max((order.index(i) for i in axes if value.shape[i] != 1), default=-1) for axes in merged]
        place = self._part(whole, self._whole(whole, tuple(sorted(range(len(last)), key=lambda i: last[i]))), number)
        strides = regrouped(part.shape, place.strides, value.shape)
        if strides is None:
            raise ir.CompilerError("destinations", f"the memory of {value} in {whole}")
        return Place(place.buffer, place.offset, value.shape, strides)

    def _whole(self, node: Node, order: Order) -> Place:
        """The memory of a padded array or of several side by side; filled once with what surrounds the parts."""
        planner, value = self.planner, node.output
        if id(value) not in planner.found:
            place = self.fixed(value)
            nested = place is None and id(value) in self.part_of
            if nested:
                self.done.add(id(value))
                place = self._inside(*self.part_of[id(value)], value, order)
            if place is None:
                buffer = planner.buffer(value.size, "f4", node.kind.name)
                if node.kind is ir.Pad:
                    buffer.own, buffer.fill = True, node.attrs.get("value", 0.0)
                place = dense(buffer, value.shape, order)
            elif node.kind is ir.Pad and not nested:
                self._fill(place, node)
            planner.found[id(value)] = place
        found: Place = planner.found[id(value)]
        return found

    def _fill(self, place: Place, node: Node) -> None:
        value = node.attrs.get("value", 0.0)
        self.planner.call(lambda: np.full(place.shape, value, "f4"), (), (place,), "fill")

    def _part(self, node: Node, outer: Place, number: int) -> Place:
        """Where an input of a pad or a concat lies in it."""
        if node.kind is ir.Pad:
            low, inner = node.attrs["low"], node.attrs["inner"]
            offset = outer.offset + sum(a * s for a, s in zip(low, outer.strides, strict=True))
            strides = tuple(s * (i + 1) for s, i in zip(outer.strides, inner, strict=True))
            return Place(outer.buffer, offset, node.inputs[0].shape, strides)
        axis = node.attrs["axis"]
        before = sum(part.shape[axis] for part in node.inputs[:number])
        return Place(
            outer.buffer, outer.offset + before * outer.strides[axis], node.inputs[number].shape, outer.strides
        )

    def assemble(self, node: Node) -> None:
        """A pad or a concat: what does not lie in it yet is copied."""
        known = id(node.output) in self.planner.found
        outer = self._whole(node, () if known else self._order(node))
        for number, part in enumerate(node.inputs):
            base = unrolled(part) if id(unrolled(part)) in self.unrolled else unboxed(part)
            if self.part_of.get(id(base)) != (node, number) or id(base) not in self.done:
                self.planner.move(self.planner.locate(part), self._part(node, outer, number))

    def _order(self, node: Node) -> Order:
        """The axes of what is assembled, as they lie in its first part."""
        if len(node.output.shape) == 1:  # and to look where a flat part lies might copy it
            return (0,)
        first = self.planner.locate(node.inputs[0])
        return tuple(sorted(range(len(first.shape)), key=lambda i: -first.strides[i]))

    # ------------------------------------------------------------------------------------------------- commits
    def commit_if_due(self, group: Group) -> None:
        """The first group that changes a cell other than a gradient: from here on a step must be finite."""
        if not self.guarded and id(group) in self.commits:
            self._guard()

    def _guard(self) -> None:
        self.guarded = True
        self.planner.plan.guard = len(self.planner.plan.rows)

    def finish(self) -> None:
        """Cells that were not written at once."""
        planner, changed = self.planner, {id(cell) for cell, _ in self.written}
        for value in (*planner.graph.outputs, *planner.graph.finite, *(v for _, v in self.written)):
            if id(root(value)) in changed:  # the old content is wanted, so it moves away before the cell changes
                planner.found[id(value)] = planner.copy(planner.locate(value), tuple(range(len(value.shape))))
        late = [(cell, value) for cell, value in self.written if self.direct.get(id(value)) is not cell]
        values = [(cell, planner.locate(value)) for cell, value in late]
        if not self.guarded:
            self._guard()
        for cell, place in values:
            planner.move(place, self.cells[id(cell)])


def _read_in_place(group: Group, value: Value, free: set[int]) -> bool:
    """Whether maps of a group read a value at just the places that they write, and nothing else does."""
    plain = tuple(range(len(group.sizes)))

    def reads(x: Value, turned: bool) -> bool:
        turned, x = turned or x.root is not x, x.root
        if x is value:
            return turned
        return x.node is not None and id(x.node) in free and any(reads(y, turned) for y in x.node.values)

    return value.shape == group.sizes and not any(
        reads(x, node.kind is ir.Contract or group.loops[id(node.output)] != plain)
        for node in group.nodes for x in node.values
    )  # fmt: skip


def _is_frame_of_frame(node: Node, inner: Value) -> bool:
    """Whether a padded array lies in another one with the same number around it."""
    both = node.kind is ir.Pad and inner.node is not None and inner.node.kind is ir.Pad
    return both and len({n.attrs.get("value", 0.0) for n in (node, inner.node) if n is not None}) == 1


def unboxed(value: Value) -> Value:
    """A value without the reshapes that only add or remove axes of size 1, or make one axis of several."""
    found = value
    while found.node is not None and found.node.kind is ir.Reshape:
        found = found.node.inputs[0]
        if made_of(value.shape, found.shape) is not None:
            value = found
    return value


def unrolled(value: Value) -> Value:
    """What a flat value is the rows of, one behind the other; a value with more axes as it is."""
    if len(value.shape) == 1:
        while value.node is not None and value.node.kind is ir.Reshape:
            value = value.node.inputs[0]
    return value


def _turned(value: Value, cell: Source) -> bool:
    """Whether a value is a view of the cell that looks at it in another order."""
    turned = False
    while value.node is not None and value.node.kind.view:
        turned = turned or value.node.kind is not ir.Reshape
        value = value.node.inputs[0]
    return turned and value is cell
