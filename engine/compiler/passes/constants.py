"""What is known when the graph is built is worked out then."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.graph.ir import (
    SCALARS,
    Cast,
    Concat,
    Contract,
    Expand,
    Fill,
    Map,
    Pad,
    Permute,
    Reduce,
    Reshape,
    Slice,
    Source,
    Value,
    Window,
)  # fmt: skip
from engine.compiler.passes.rules import CONSTANT, made_by, number_in, rewrites

MOST = 1 << 17
"""Constants with more elements than this are not worked out beforehand."""


@rewrites(Permute, Slice, Reshape, Expand, Window, of=[Fill])
def view_of_one_number(b: Any, kind: Any, x: Any, **attrs: Any) -> Any:
    """A look at one number everywhere is one number everywhere."""
    return b.fill(kind.infer(x, **attrs)[0], number_in(x), x.dtype) if made_by(x, Fill) else None


@rewrites(Cast)
def cast_of_one_number(b: Any, x: Any, dtype: Any) -> Any:
    """A number is cast at once; a value that has the type stays."""
    if x.dtype == np.dtype(dtype):
        return x
    return b.fill(x.shape, np.asarray(number_in(x), x.dtype).astype(dtype).item(), dtype) if made_by(x, Fill) else None


@rewrites(Map, of=[Fill])
def map_of_numbers(b: Any, *inputs: Any, fn: str) -> Any:
    """A function of numbers is a number; one of a value and of one number everywhere takes the number."""
    values = [v for v in inputs if isinstance(v, Value)]
    fills = [made_by(v, Fill) for v in inputs]
    if not any(fills):
        return None
    shape, dtype = Map.infer(*inputs, fn=fn)
    if all(made_by(v, Fill) for v in values):
        found = SCALARS[fn][0](*(np.asarray(number_in(v), v.dtype) if isinstance(v, Value) else v for v in inputs))
        return b.fill(shape, np.asarray(found, dtype).item(), dtype)
    taken = [number_in(v) if filled else v for v, filled in zip(inputs, fills, strict=True)]
    same = Map.infer(*taken, fn=fn)[1] == dtype and fn != "hash"
    return b.add(Map, *taken, fn=fn) if same and not (fn == "where" and fills[0]) else None


@rewrites(Map, of=[Fill], fns=["where"])
def chosen_by_one_truth(b: Any, *inputs: Any, fn: str) -> Any:
    """A choice that is the same everywhere."""
    if number_in(inputs[0]) is None:
        return None
    shape, dtype = Map.infer(*inputs, fn=fn)
    taken = inputs[1] if number_in(inputs[0]) else inputs[2]
    return taken if isinstance(taken, Value) else b.fill(shape, taken, dtype)


@rewrites(Pad)
def frame_of_the_same(b: Any, x: Any, low: Any, high: Any, inner: Any, value: float = 0.0) -> Any:
    """A frame around what already is that number; a frame of no width."""
    if not any((*low, *high, *inner)):
        return x
    if made_by(x, Fill) and number_in(x) == value:
        return b.fill(Pad.infer(x, low, high, inner)[0], value, x.dtype)
    return None


@rewrites(Map, Cast, Reduce, Permute, Slice, Reshape, Pad, Concat, Contract, of=[CONSTANT])
def worked_out(b: Any, kind: Any, *inputs: Any, **attrs: Any) -> Any:
    """Nodes of constants (which never change) become constants."""
    values = [v for v in inputs if isinstance(v, Value)]
    if not values or not all(isinstance(v, Source) and v.role == "constant" and v.size <= MOST for v in values):
        return None
    arrays = [v.array if isinstance(v, Source) else v for v in inputs]
    with np.errstate(all="ignore"):
        found = np.asarray(kind.run(*arrays, **attrs)).astype(kind.infer(*inputs, **attrs)[1])
    if found.size and (found == found.flat[0]).all():
        return b.fill(found.shape, found.flat[0].item(), found.dtype)
    return b.constant(np.ascontiguousarray(found).reshape(found.shape))
