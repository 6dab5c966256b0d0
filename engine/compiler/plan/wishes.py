"""Which axis of a value should be innermost: convolutions want the batch there, or the channels, and so does everything
that they exchange values with."""

from __future__ import annotations

from collections.abc import Iterator

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Value
from engine.compiler.graph.shapes import same_axis
from engine.compiler.plan.pricing import batch_letter, is_window, positions, traced

Axis = int


def wishes(graph: Graph, channels: bool) -> dict[int, Axis]:
    """For each value that has a wish, by its id: the axis that should be innermost. channels: see `along_channels`."""
    of_windows = _of_channels if channels else _of_windows
    found: dict[int, Axis] = {}
    waiting: list[tuple[Value, Axis]] = []
    users: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for value in node.values:
            users.setdefault(id(value), []).append(node)
        if node.kind is ir.Contract:
            waiting.extend(of_windows(node))
    while waiting:
        value, axis = waiting.pop()
        if id(value) in found:
            continue
        found[id(value)] = axis
        if value.node is not None:
            waiting.extend(_inwards(value.node, axis))
        for node in users.get(id(value), []):
            waiting.extend(outwards(node, value, axis))
    return found


def _of_windows(node: Node) -> Iterator[tuple[Value, Axis]]:
    """What a product with windows over a batch wants of its operands and of its result."""
    sides = (node.attrs["left"], node.attrs["right"])
    for value, names in zip(node.values, sides, strict=True):
        letter = batch_letter(value, names)
        if letter:
            yield traced(value, names.index(letter))
            if letter in node.attrs["out"]:
                yield node.output, node.attrs["out"].index(letter)
            for other, others in zip(node.values, sides, strict=True):
                if other is not value and letter in others:
                    yield traced(other, others.index(letter))


def _of_channels(node: Node) -> Iterator[tuple[Value, Axis]]:
    """What a product with windows wants where vectors run along channels: pictures with the channels innermost."""
    sides = (node.attrs["left"], node.attrs["right"])
    for value, names, other, others in zip(node.values, sides, node.values[::-1], sides[::-1], strict=True):
        if not is_window(value):
            continue
        moving = positions(value)
        yield traced(value, max(i for i in range(len(names)) if i not in moving))
        free = [x for x in others if x not in names]
        if free and names[0] in node.attrs["out"]:
            yield node.output, node.attrs["out"].index(free[-1])
        elif free:
            yield traced(other, others.index(free[-1]))


def _inwards(node: Node, axis: Axis) -> Iterator[tuple[Value, Axis]]:
    """From what a node makes to what it reads."""
    kind, value = node.kind, node.output
    if kind in (ir.Map, ir.Cast, ir.Slice, ir.Pad, ir.Concat):
        yield from ((v, axis) for v in node.values if len(v.shape) == len(value.shape))
    elif kind is ir.Permute:
        yield node.inputs[0], node.attrs["order"][axis]
    elif kind is ir.Expand:
        inner = axis - (len(value.shape) - len(node.inputs[0].shape))
        if inner >= 0 and node.inputs[0].shape[inner] == value.shape[axis]:
            yield node.inputs[0], inner
    elif kind is ir.Window and axis < len(value.shape) - 1:
        yield node.inputs[0], axis
    elif kind is ir.Reshape:
        moved = same_axis(node.inputs[0].shape, value.shape, axis)
        if moved is not None:
            yield node.inputs[0], moved


def outwards(node: Node, value: Value, axis: Axis) -> Iterator[tuple[Value, Axis]]:
    """From what a node reads to what it makes."""
    kind = node.kind
    if kind in (ir.Map, ir.Cast, ir.Slice, ir.Pad, ir.Concat, ir.Window):
        yield node.output, axis
    elif kind is ir.Permute:
        yield node.output, node.attrs["order"].index(axis)
    elif kind is ir.Expand:
        yield node.output, axis + len(node.output.shape) - len(value.shape)
    elif kind is ir.Reshape:
        moved = same_axis(node.output.shape, value.shape, axis)
        if moved is not None:
            yield node.output, moved


def innermost(order: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """An order of axes with one of them moved to the end."""
    return (*(i for i in order if i != axis), axis)
