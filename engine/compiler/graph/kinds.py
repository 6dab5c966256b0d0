"""The kinds of nodes of the compiler's graph: each declares its shape rule and its meaning on NumPy arrays.

Broadcasting, transposing and cutting are kinds of their own, so that a `map` sees operands of one shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from engine.compiler.graph.values import FLOAT, LONG, TRUTH, WORD, Input, Shape, Value, defect
from engine.ops.errorfunction import erf


class Kind:
    """One kind of node. infer(*inputs, **attrs) -> (shape, dtype); run(*arrays, **attrs) -> array."""

    name: ClassVar[str]
    view: ClassVar[bool] = False
    """It only looks at its input's memory in another way."""
    infer: ClassVar[Callable[..., tuple[Shape, Any]]]
    run: ClassVar[Callable[..., Any]]


SCALARS: dict[str, tuple[Callable[..., Any], str]] = {
    "add": (np.add, "same"), "sub": (np.subtract, "same"), "mul": (np.multiply, "same"), "div": (np.divide, "same"),
    "neg": (np.negative, "same"), "abs": (np.abs, "same"), "sign": (np.sign, "same"), "exp": (np.exp, "same"),
    "log": (np.log, "same"), "log1p": (np.log1p, "same"), "expm1": (np.expm1, "same"), "sqrt": (np.sqrt, "same"),
    "tanh": (np.tanh, "same"), "sin": (np.sin, "same"), "cos": (np.cos, "same"), "floor": (np.floor, "same"),
    "erf": (partial(erf, np), "same"), "pow": (np.power, "same"), "max": (np.maximum, "same"),
    "min": (np.minimum, "same"), "gt": (np.greater, "truth"), "ge": (np.greater_equal, "truth"),
    "lt": (np.less, "truth"), "le": (np.less_equal, "truth"), "eq": (np.equal, "truth"), "ne": (np.not_equal, "truth"),
    "and": (np.logical_and, "truth"), "or": (np.logical_or, "truth"), "not": (np.logical_not, "truth"),
    "where": (np.where, "last"),
    "hash": (lambda key, place: _hash(key, place), "word"),
}  # fmt: skip
"""The scalar functions of `map`: meaning on arrays, and the element type of the result. Comparisons with NaN are as in
NumPy; max and min hand NaN on. hash(key, place): see `engine.rng.hashed`; both uint32."""
TRUTHS = frozenset(fn for fn, (_, result) in SCALARS.items() if result == "truth")
"""Those whose results are truths."""


def _hash(key: Any, place: Any) -> Any:
    h = np.bitwise_xor(place, key).astype(WORD)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return h ^ (h >> np.uint32(16))


class Map(Kind):
    """A scalar function at every place; inputs of one shape, or numbers."""

    name = "map"

    @staticmethod
    def infer(*inputs: Input, fn: str) -> tuple[Shape, Any]:
        values = [v for v in inputs if isinstance(v, Value)]
        shape = values[0].shape if values else None
        if shape is None or any([v.shape != shape for v in values]):  # noqa: C419
            raise defect(f"map {fn}: operands of one shape, got {inputs}")
        return shape, Map.element(fn, inputs, values)

    @staticmethod
    def element(fn: str, inputs: tuple[Input, ...], values: Sequence[Value]) -> Any:
        """The element type of the result; values: the inputs that are no numbers."""
        rule = SCALARS[fn][1]
        if rule == "same":
            return values[0].dtype
        if rule == "last":
            return next((v.dtype for v in inputs[1:] if isinstance(v, Value)), FLOAT)
        return TRUTH if rule == "truth" else WORD

    @staticmethod
    def run(*arrays: Any, fn: str) -> Any:
        return SCALARS[fn][0](*arrays)


class Cast(Kind):
    """The same numbers in another element type; floats are cut towards zero, truths become 0 and 1."""

    name = "cast"

    @staticmethod
    def infer(x: Value, dtype: Any) -> tuple[Shape, Any]:
        return x.shape, dtype

    @staticmethod
    def run(x: Any, dtype: Any) -> Any:
        return x.astype(dtype)


class Iota(Kind):
    """The place along an axis (uint32); axis None counts all places in row-major order."""

    name = "iota"

    @staticmethod
    def infer(shape: Shape, axis: int | None) -> tuple[Shape, Any]:
        return shape, WORD

    @staticmethod
    def run(shape: Shape, axis: int | None) -> Any:
        if axis is None:
            return np.arange(math.prod(shape), dtype=WORD).reshape(shape)
        line = np.arange(shape[axis], dtype=WORD)
        return np.broadcast_to(line.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)


class Fill(Kind):
    """One number at every place."""

    name = "fill"

    @staticmethod
    def infer(shape: Shape, value: float, dtype: Any) -> tuple[Shape, Any]:
        return shape, dtype

    @staticmethod
    def run(shape: Shape, value: float, dtype: Any) -> Any:
        return np.full(shape, value, dtype)


class Permute(Kind):
    """Axes in another order: axis i of the output is axis order[i] of the input."""

    name, view = "permute", True

    @staticmethod
    def infer(x: Value, order: Shape) -> tuple[Shape, Any]:
        if sorted(order) != list(range(len(x.shape))):
            raise defect(f"permute {order} of {x}")
        return tuple(x.shape[i] for i in order), x.dtype

    @staticmethod
    def run(x: Any, order: Shape) -> Any:
        return x.transpose(order)


class Expand(Kind):
    """Repeated along axes of size 1, and along new axes in front, as NumPy broadcasts."""

    name, view = "expand", True

    @staticmethod
    def infer(x: Value, shape: Shape) -> tuple[Shape, Any]:
        front = len(shape) - len(x.shape)
        if front < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[front:], strict=True)):
            raise defect(f"expand {x} to {shape}")
        return shape, x.dtype

    @staticmethod
    def run(x: Any, shape: Shape) -> Any:
        return np.broadcast_to(x, shape)


class Slice(Kind):
    """From start, every step-th, size many, along each axis; a step may be negative."""

    name, view = "slice", True

    @staticmethod
    def infer(x: Value, start: Shape, size: Shape, step: Shape) -> tuple[Shape, Any]:
        for n, a, s, d in zip(x.shape, start, size, step, strict=True):
            if not (s == 0 or (0 <= a < n and 0 <= a + (s - 1) * d < n)):
                raise defect(f"slice {start} {size} {step} of {x}")
        return size, x.dtype

    @staticmethod
    def run(x: Any, start: Shape, size: Shape, step: Shape) -> Any:
        keys = []
        for a, s, d in zip(start, size, step, strict=True):
            end = a + s * d
            keys.append(slice(a, None if end < 0 else end, d) if s else slice(0, 0))
        return x[tuple(keys)]


class Reshape(Kind):
    """The same numbers in row-major order under another shape."""

    name, view = "reshape", True

    @staticmethod
    def infer(x: Value, shape: Shape) -> tuple[Shape, Any]:
        if math.prod(shape) != x.size:
            raise defect(f"reshape {x} to {shape}")
        return shape, x.dtype

    @staticmethod
    def run(x: Any, shape: Shape) -> Any:
        return x.reshape(shape)


class Window(Kind):
    """Axis `axis` becomes positions (every step-th place) and a new last axis holds the `taps` from there on."""

    name, view = "window", True

    @staticmethod
    def infer(x: Value, axis: int, taps: int, step: int, dilation: int) -> tuple[Shape, Any]:
        count = (x.shape[axis] - dilation * (taps - 1) - 1) // step + 1
        if count < 0:
            raise defect(f"window of {taps} over {x}")
        return (*x.shape[:axis], count, *x.shape[axis + 1 :], taps), x.dtype

    @staticmethod
    def run(x: Any, axis: int, taps: int, step: int, dilation: int) -> Any:
        reach = dilation * (taps - 1) + 1
        seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis)[..., ::dilation]
        return seen[(slice(None),) * axis + (slice(None, None, step),)]


class Pad(Kind):
    """`low` places before, `high` behind, `inner` between two neighbours, along each axis, filled with `value`."""

    name = "pad"

    @staticmethod
    def infer(x: Value, low: Shape, high: Shape, inner: Shape, value: float = 0.0) -> tuple[Shape, Any]:
        if min((*low, *high, *inner), default=0) < 0:
            raise defect(f"pad {low} {high} {inner} of {x}")
        each = zip(x.shape, low, high, inner, strict=True)
        return tuple(a + n + max(n - 1, 0) * i + b for n, a, b, i in each), x.dtype

    @staticmethod
    def run(x: Any, low: Shape, high: Shape, inner: Shape, value: float = 0.0) -> Any:
        shape, _ = Pad.infer(Value(x.shape, x.dtype), low, high, inner)
        out = np.full(shape, value, x.dtype)
        if x.size:
            out[tuple(slice(a, a + n + (n - 1) * i, i + 1) for n, a, i in zip(x.shape, low, inner, strict=True))] = x
        return out


class Contract(Kind):
    """Sum of products as in einsum: one letter for each axis of left, right and out; letters not in out are summed."""

    name = "contract"

    @staticmethod
    def infer(a: Value, b: Value, left: str, right: str, out: str) -> tuple[Shape, Any]:
        sizes: dict[str, int] = {}
        for value, letters in ((a, left), (b, right)):
            if not (len(value.shape) == len(letters) == len(set(letters))):
                raise defect(f"contract {left},{right}->{out}: {value}")
            for letter, n in zip(letters, value.shape, strict=True):
                if sizes.setdefault(letter, n) != n:
                    raise defect(f"contract {left},{right}->{out}: {letter} of {a} and {b}")
        return tuple(sizes[letter] for letter in out), a.dtype

    @staticmethod
    def run(a: Any, b: Any, left: str, right: str, out: str) -> Any:
        return np.einsum(f"{left},{right}->{out}", a, b, optimize=True)


class Reduce(Kind):
    """One number for all places along the axes, which disappear: sum max min prod any all, or argmax (one axis)."""

    name = "reduce"
    RUN: ClassVar[dict[str, Callable[..., Any]]] = {
        "sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod, "any": np.any, "all": np.all,
        "argmax": lambda x, axis: np.argmax(x, axis[0]), "argmin": lambda x, axis: np.argmin(x, axis[0]),
    }  # fmt: skip

    @staticmethod
    def infer(x: Value, fn: str, axes: Shape) -> tuple[Shape, Any]:
        if not (len(set(axes)) == len(axes) and all(0 <= i < len(x.shape) for i in axes)):
            raise defect(f"{fn} of {x} over {axes}")
        dtype = {"any": TRUTH, "all": TRUTH, "argmax": LONG, "argmin": LONG}.get(fn, x.dtype)
        return tuple(n for i, n in enumerate(x.shape) if i not in axes), dtype

    @staticmethod
    def run(x: Any, fn: str, axes: Shape) -> Any:
        found = Reduce.RUN[fn](x, axis=axes)
        return found if fn in ("any", "all", "argmax", "argmin") else np.asarray(found, x.dtype)


class Gather(Kind):
    """Rows of a table: out[i..., :] = table[index[i...], :]."""

    name = "gather"

    @staticmethod
    def infer(table: Value, index: Value) -> tuple[Shape, Any]:
        return (*index.shape, *table.shape[1:]), table.dtype

    @staticmethod
    def run(table: Any, index: Any) -> Any:
        return table[index]


class Scatter(Kind):
    """The sum of the rows that go to the same place: out[index[i...], :] += rows[i..., :]; `count` places."""

    name = "scatter"

    @staticmethod
    def infer(rows: Value, index: Value, count: int) -> tuple[Shape, Any]:
        if rows.shape[: len(index.shape)] != index.shape:
            raise defect(f"scatter {rows} by {index}")
        return (count, *rows.shape[len(index.shape) :]), rows.dtype

    @staticmethod
    def run(rows: Any, index: Any, count: int) -> Any:
        out = np.zeros((count, *rows.shape[index.ndim :]), rows.dtype)
        np.add.at(out, index, rows)
        return out


class Concat(Kind):
    """Side by side along an axis."""

    name = "concat"

    @staticmethod
    def infer(*parts: Value, axis: int) -> tuple[Shape, Any]:
        first = parts[0].shape
        front, back = first[:axis], first[axis + 1 :]
        if any([p.shape[:axis] != front or p.shape[axis + 1 :] != back for p in parts]):  # noqa: C419
            raise defect(f"concat {parts}")
        return (*first[:axis], sum(p.shape[axis] for p in parts), *first[axis + 1 :]), parts[0].dtype

    @staticmethod
    def run(*parts: Any, axis: int) -> Any:
        return np.concatenate(parts, axis)


class Python(Kind):
    """An op of the registry that has no rule here: its own array code runs, between two native stretches."""

    name = "python"

    @staticmethod
    def infer(*inputs: Input, op: Any, attrs: dict[str, Any], shape: Shape, dtype: Any) -> tuple[Shape, Any]:
        return shape, dtype

    @staticmethod
    def run(*arrays: Any, op: Any, attrs: dict[str, Any], shape: Shape, dtype: Any) -> Any:
        return np.asarray(op.forward(np, *arrays, **attrs))


KINDS = (Map, Cast, Iota, Fill, Permute, Expand, Slice, Reshape, Window, Pad, Contract, Reduce, Gather, Scatter,
         Concat, Python)  # fmt: skip
