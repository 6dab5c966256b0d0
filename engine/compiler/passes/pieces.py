"""Pieces before wholes: what is computed of a whole only to be cut is computed of the pieces.

The gates of an LSTM are one matrix, of which every quarter goes another way: cut first, the cell is one loop over one
shape, forward and backward.
"""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph.ir import Concat, Contract, Fill, Graph, Map, Shape, Slice, Value
from engine.compiler.passes.rules import made_by, number_in, rewrites


def only_cut(graph: Graph) -> set[int]:
    """Ids of values of maps that are read by disjoint slices alone, or by such maps.

    A map that reads a product stays whole: it is computed where the product leaves the registers.
    """
    if not any(node.kind is Slice and made_by(node.inputs[0], Map) for node in graph.nodes):
        return set()
    wanted = {id(v) for v in graph.roots()}
    regions: dict[int, set[tuple[Shape, Shape]] | None] = dict.fromkeys(wanted)
    found: set[int] = set()
    for node in reversed(graph.nodes):
        mine = regions.get(id(node.output))
        size = sum(math.prod(size) for _, size in mine or ())
        whole = (
            node.kind is not Map
            or not mine
            or size > node.output.size
            or any(made_by(v, Contract) for v in node.values)
        )
        if not whole:
            found.add(id(node.output))
        for value in node.values:
            asked = _asked(node, None if whole else mine)
            if asked is None or regions.get(id(value), asked) is None:
                regions[id(value)] = None
            else:
                regions[id(value)] = (regions.get(id(value)) or set()) | asked
    return found


def _asked(node: Any, mine: set[tuple[Shape, Shape]] | None) -> set[tuple[Shape, Shape]] | None:
    """The regions of its input that a node reads; None for everything."""
    if node.kind is Slice and set(node.attrs["step"]) == {1} and node.output.size:
        return {(node.attrs["start"], node.attrs["size"])}
    return mine


@rewrites(Slice, of=[Map], readers=True)
def cut_before(b: Any, x: Any, start: Shape, size: Shape, step: Shape) -> Any:
    """The function of pieces."""
    if not made_by(x, Map) or id(x) not in b.cut:
        return None
    key = id(x), start, size
    if key not in b.pieces:
        inputs = (
            b.add(Slice, v, start=start, size=size, step=step) if isinstance(v, Value) else v for v in x.node.inputs
        )
        b.pieces[key] = b.add(Map, *inputs, fn=x.node.attrs["fn"])
    found = b.pieces[key]
    return found


@rewrites(Map, of=[Concat], fns=["mul", "neg"], readers=True)
def function_of_parts(b: Any, *inputs: Any, fn: str) -> Any:
    """A function of parts of which some are nothing: part by part; a factor of nothing leaves nothing."""
    at = next(
        (i for i, v in enumerate(inputs) if made_by(v, Concat) and b.lonely(v) and any(map(_empty, v.node.inputs))),
        None,
    )
    if at is None:
        return None
    axis, begin, parts = inputs[at].node.attrs["axis"], 0, []
    for part in inputs[at].node.inputs:
        first = tuple(begin if i == axis else 0 for i in range(len(part.shape)))
        begin += part.shape[axis]
        if _empty(part):
            parts.append(b.fill(part.shape, 0.0, part.dtype))
            continue
        where = {"start": first, "size": part.shape, "step": (1,) * len(first)}
        cut = [b.add(Slice, v, **where) if isinstance(v, Value) and v is not inputs[at] else v for v in inputs]
        parts.append(b.add(Map, *(part if v is inputs[at] else v for v in cut), fn=fn))
    return b.add(Concat, *parts, axis=axis)


def _empty(v: Any) -> bool:
    return made_by(v, Fill) and number_in(v) == 0
