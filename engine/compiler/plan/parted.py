"""The batch as two axes, so that every shard of it lies by itself where vectors run along the batch.

A convolution along the batch has all images of a batch beside each other in memory: threads that shared them out would
write to the same lines. So the batch's axis becomes (images of a shard, shards): image i belongs to shard i % shards. A
layout with the images innermost then has the shards outermost, each dense, and a band (`bands.py`) takes one each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Shape, Value
from engine.compiler.plan.pricing import along_channels, batch_letter

LEAST = 32
"""Images that a shard should have: two vectors of them."""
WORTH = 50_000_000
"""Products of a step below which the batch stays: one thread does it."""
Rule = Callable[["_Parting", Node], tuple[Value, int | None] | None]


def part_batch(graph: Graph, cores: int) -> int:
    """Split the batch of a graph whose convolutions run along it, in place; into how many shards (1: it stays)."""
    products = [node for node in graph.nodes if node.kind is ir.Contract]
    sizes = {value.shape[0] for node in products for value in _windows(node)}
    if len(sizes) != 1 or cores < 2 or sum(map(_count, products)) < WORTH or along_channels(graph):
        return 1
    (batch,) = sizes
    shards = next((n for n in range(min(cores, batch // LEAST), 1, -1) if batch % n == 0), 1)
    if shards > 1:
        _Parting(graph, batch, shards).run()
        graph.parted = batch // shards, shards
    return shards


def _count(node: Node) -> int:
    """How many products a contraction takes."""
    letters = {x: n for v, s in zip(node.values, _sides(node), strict=True) for x, n in zip(s, v.shape, strict=True)}
    return math.prod(letters.values())


def _sides(node: Node) -> tuple[str, str]:
    return node.attrs["left"], node.attrs["right"]


def shards_first(shape: Shape, order: tuple[int, ...], shards: tuple[int, int]) -> tuple[int, ...]:
    """An order of axes with the shards outermost, where a shape has (images of a shard, shards) among its axes."""
    axis = next((i + 1 for i in range(len(shape) - 1) if shape[i : i + 2] == shards), None)
    return order if axis is None or axis not in order else (axis, *(i for i in order if i != axis))


def _windows(node: Node) -> list[Value]:
    """The operands of a contraction that are windows over a batch."""
    return [value for value, letters in zip(node.values, _sides(node), strict=True) if batch_letter(value, letters)]


class _Parting:
    """Node by node: what goes along the batch is made anew with two axes for it."""

    def __init__(self, graph: Graph, batch: int, shards: int) -> None:
        self.graph, self.batch, self.shards = graph, batch, shards
        self.axis: dict[int, int] = {}
        """For each value that has the batch as an axis (by id): which."""
        self.parted: dict[int, Value] = {}
        self.again: dict[int, Value] = {}
        """Values as the graph had them, made of parted ones."""

    def run(self) -> None:
        graph = self.graph
        nodes, graph.nodes = graph.nodes, []
        for source in graph.sources:
            if source.role == "input" and source.shape and source.shape[0] == self.batch:
                self._note(source, self.split(source, 0), 0)
        for node in nodes:
            graph.origin = node.origin
            found = None
            if any(id(v) in self.axis for v in node.values):
                rule = RULES.get(node.kind)
                found = rule(self, node) if rule else None
            if found is None:
                self._stay(node)
                continue
            value, axis = found
            if axis is None:
                self.again[id(node.output)] = value
            else:
                self._note(node.output, value, axis)
        graph.outputs = [self.whole(v) for v in graph.outputs]
        graph.writes = [(cell, self.whole(v)) for cell, v in graph.writes]
        graph.finite = [self.whole(v) for v in graph.finite]
        graph.effects = [(f, tuple(self.whole(v) for v in values)) for f, values in graph.effects]

    def _note(self, old: Value, new: Value, axis: int) -> None:
        self.axis[id(old)], self.parted[id(old)] = axis, new

    def _stay(self, node: Node) -> None:
        """A node that does not go along: it reads whole values."""
        inputs = tuple(self.whole(v) if isinstance(v, Value) else v for v in node.inputs)
        if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
            self.graph.nodes.append(node)
        else:
            self.again[id(node.output)] = self.graph.add(node.kind, *inputs, **node.attrs)

    # ------------------------------------------------------------------------------------------------- values
    def whole(self, value: Value) -> Value:
        """A value as the graph had it."""
        if id(value) in self.axis and id(value) not in self.again:
            self.again[id(value)] = self.graph.reshape(self.parted[id(value)], value.shape)
        return self.again.get(id(value), value)

    def shape(self, shape: Shape, axis: int) -> Shape:
        """A shape with two axes for the batch."""
        return (*shape[:axis], self.batch // self.shards, self.shards, *shape[axis + 1 :])

    def split(self, value: Value, axis: int) -> Value:
        """A value with two axes instead of one; what is computed from its place alone is computed anew."""
        if id(value) in self.axis and self.axis[id(value)] == axis:
            return self.parted[id(value)]
        node, graph = value.node, self.graph
        if node is not None and node.kind is ir.Fill:
            return graph.add(ir.Fill, shape=self.shape(value.shape, axis), **_rest(node, "shape"))
        if node is not None and node.kind is ir.Iota and node.attrs["axis"] != axis:
            along = node.attrs["axis"]
            along = along if along is None else along + (along > axis)
            return graph.add(ir.Iota, shape=self.shape(value.shape, axis), axis=along)
        if node is not None and node.kind is ir.Expand:
            inner = node.inputs[0]
            own = axis - (len(value.shape) - len(inner.shape))
            if own < 0:
                return graph.expand(self.whole(inner), self.shape(value.shape, axis))
            if inner.shape[own] == 1:
                more = graph.reshape(self.whole(inner), (*inner.shape[:own], 1, *inner.shape[own:]))
                return graph.expand(more, self.shape(value.shape, axis))
        return graph.reshape(self.whole(value), self.shape(value.shape, axis))

    def common(self, node: Node) -> int | None:
        """The one axis along which all inputs that go along the batch have it."""
        axes = {self.axis[id(v)] for v in node.values if id(v) in self.axis}
        return axes.pop() if len(axes) == 1 else None

    def twice(self, numbers: Shape, axis: int, first: int, second: int) -> Shape:
        """A number for each axis, with those of the two new ones."""
        return (*numbers[:axis], first, second, *numbers[axis + 1 :])


def _rest(node: Node, *names: str) -> dict[str, Any]:
    return {name: x for name, x in node.attrs.items() if name not in names}


def _behind(axis: int, batch: int) -> int:
    return axis + (axis > batch)


def _each(p: _Parting, node: Node) -> tuple[Value, int] | None:
    """Place by place: map and cast."""
    axis = p.common(node)
    if axis is None:
        return None
    inputs = [p.split(v, axis) if isinstance(v, Value) else v for v in node.inputs]
    return p.graph.add(node.kind, *inputs, **node.attrs), axis


def _permute(p: _Parting, node: Node) -> tuple[Value, int]:
    axis, order = p.axis[id(node.inputs[0])], node.attrs["order"]
    found: list[int] = []
    for i in order:
        found += [i, i + 1] if i == axis else [_behind(i, axis)]
    return p.graph.add(ir.Permute, p.split(node.inputs[0], axis), order=tuple(found)), order.index(axis)


def _expand(p: _Parting, node: Node) -> tuple[Value, int]:
    x = node.inputs[0]
    axis = p.axis[id(x)] + len(node.output.shape) - len(x.shape)
    return p.graph.expand(p.split(x, p.axis[id(x)]), p.shape(node.output.shape, axis)), axis


def _slice(p: _Parting, node: Node) -> tuple[Value, int] | None:
    x = node.inputs[0]
    axis, attrs = p.axis[id(x)], node.attrs
    if (attrs["start"][axis], attrs["size"][axis], attrs["step"][axis]) != (0, p.batch, 1):
        return None
    start, step = (p.twice(attrs[name], axis, n, n) for name, n in (("start", 0), ("step", 1)))
    return p.graph.add(ir.Slice, p.split(x, axis), start=start, size=p.shape(attrs["size"], axis), step=step), axis


def _reshape(p: _Parting, node: Node) -> tuple[Value, int] | None:
    x, shape = node.inputs[0], node.output.shape
    axis = p.axis[id(x)]
    before = math.prod(x.shape[:axis])
    for i, n in enumerate(shape):
        if math.prod(shape[:i]) == before and n == p.batch:
            return p.graph.reshape(p.split(x, axis), p.shape(shape, i)), i
    return None


def _window(p: _Parting, node: Node) -> tuple[Value, int] | None:
    x, along = node.inputs[0], node.attrs["axis"]
    axis = p.axis[id(x)]
    if along == axis:
        return None
    return p.graph.add(ir.Window, p.split(x, axis), axis=_behind(along, axis), **_rest(node, "axis")), axis


def _pad(p: _Parting, node: Node) -> tuple[Value, int] | None:
    x, names = node.inputs[0], ("low", "high", "inner")
    axis = p.axis[id(x)]
    if any(node.attrs[name][axis] for name in names):
        return None
    widths = {name: p.twice(node.attrs[name], axis, 0, 0) for name in names}
    return p.graph.add(ir.Pad, p.split(x, axis), **widths, **_rest(node, *names)), axis


def _contract(p: _Parting, node: Node) -> tuple[Value, int | None] | None:
    sides = _sides(node)
    pairs = list(zip(node.values, sides, strict=True))
    letters = {s[p.axis[id(v)]] for v, s in pairs if id(v) in p.axis}
    if len(letters) != 1:
        return None
    (letter,) = letters
    shard = next(x for x in "ZYXWVU" if not any(x in s for s in sides))
    both = f"{letter}{shard}"
    inputs = [p.split(v, s.index(letter)) if letter in s else p.whole(v) for v, s in pairs]
    left, right, out = (s.replace(letter, both) for s in (*sides, node.attrs["out"]))
    where = node.attrs["out"].find(letter)
    return p.graph.add(ir.Contract, *inputs, left=left, right=right, out=out), where if where >= 0 else None


def _reduce(p: _Parting, node: Node) -> tuple[Value, int | None] | None:
    x, axes, fn = node.inputs[0], node.attrs["axes"], node.attrs["fn"]
    axis = p.axis[id(x)]
    if axis in axes and fn.startswith("arg"):
        return None
    found = tuple(j for i in axes for j in ((i, i + 1) if i == axis else (_behind(i, axis),)))
    made = p.graph.reduce(p.split(x, axis), fn, found)
    return made, None if axis in axes else axis - sum(i < axis for i in axes)


def _gather(p: _Parting, node: Node) -> tuple[Value, int] | None:
    table, index = node.inputs
    if id(table) in p.axis:
        return None
    axis = p.axis[id(index)]
    return p.graph.add(ir.Gather, p.whole(table), p.split(index, axis)), axis


def _concat(p: _Parting, node: Node) -> tuple[Value, int] | None:
    axis, along = p.common(node), node.attrs["axis"]
    if axis is None or axis == along:
        return None
    return p.graph.add(ir.Concat, *(p.split(v, axis) for v in node.values), axis=_behind(along, axis)), axis


RULES: dict[type[ir.Kind], Rule] = {
    ir.Map: _each, ir.Cast: _each, ir.Permute: _permute, ir.Expand: _expand, ir.Slice: _slice, ir.Reshape: _reshape,
    ir.Window: _window, ir.Pad: _pad, ir.Contract: _contract, ir.Reduce: _reduce, ir.Gather: _gather,
    ir.Concat: _concat,
}  # fmt: skip
"""How each kind goes along the batch; a kind without a rule reads whole values."""
