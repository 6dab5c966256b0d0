"""Products with the zeros of a triangle are left out: in causal attention no place looks at those behind it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Source, Value

LEAST, PARTS = 32, 4
"""Places of a triangle's side, at least; into how many stretches of rows it is cut, at most."""
GRAIN = 16
"""Stretches are multiples of this."""


class Triangle(NamedTuple):
    """Axes of a value: all of it is `beyond` whose place along `other` is behind that along `own`."""

    own: int
    other: int
    beyond: float


class Before(NamedTuple):
    """Results sum up to their own place, or, where they are what is looked at, from it on."""

    looks: bool

    def taps(self, place: int, count: int) -> tuple[int, int]:
        """The first place of the sum and the one behind the last."""
        count = int(count)
        step = -(-count // (PARTS * GRAIN)) * GRAIN
        own = place // step * step
        return (0, min(count, own + step)) if self.looks else (own, count)


def triangles(graph: Graph) -> dict[int, Triangle]:
    """For each value, by its id, that is 0 or -inf beyond a diagonal: where."""
    found: dict[int, Triangle] = {}
    if any(s.role == "constant" and s.dtype == ir.TRUTH and len(s.shape) == 2 for s in graph.sources):
        for node in graph.nodes:
            if node.kind is ir.Map and (made := _made(node.attrs["fn"], node.inputs, found)):
                found[id(node.output)] = made
    return found


def _made(fn: str, inputs: Any, found: dict[int, Triangle]) -> Triangle | None:
    """What a map makes of triangles."""
    if fn == "where":
        return _allowed(inputs[0], inputs[2])
    known = [found.get(id(x)) for x in inputs[: 2 if fn == "mul" else 1]]
    if fn in ("exp", "sub") and known[0] and known[0].beyond:
        return known[0]._replace(beyond=0.0) if fn == "exp" else known[0]
    return next((x for x in known if x and not x.beyond), None) if fn in ("mul", "div") else None


def _allowed(mask: Any, beyond: Any) -> Triangle | None:
    """What a mask lets pass, if it is a constant and allows nothing beyond its diagonal."""
    if not isinstance(mask, Value) or beyond.__class__ is not float or beyond not in (0.0, -math.inf):
        return None
    base, axes = mask.root, len(mask.shape)
    plain = mask is base or (mask.node.kind is ir.Expand and mask.node.inputs[0] is base)
    if not plain or not isinstance(base, Source) or base.role != "constant" or base.shape != mask.shape[-2:]:
        return None
    low = min(base.array.shape) >= LEAST and not np.triu(base.array, 1).any()
    return Triangle(axes - 2, axes - 1, beyond) if low else None


def before(known: Triangle | None, result: int, summed: int) -> Before | None:
    """How sums over one axis of a triangle go, in results along the other."""
    if known is None or known.beyond or {result, summed} != {known.own, known.other}:
        return None
    return Before(result == known.own)
