"""NumPy's functions on symbolic arrays, and the graph's own words for rules: contract, window, framed, iota, hash.

A function that is asked about plain numbers and arrays only is NumPy's own: array code may work out constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.compiler.graph.ir import (
    FLOAT,
    TRUTH,
    Concat,
    Contract,
    Expand,
    Fill,
    Gather,
    Graph,
    Iota,
    Pad,
    Permute,
    Scatter,
    Shape,
    Slice,
    Value,
    Window,
)  # fmt: skip
from engine.compiler.graph.sizes import Size
from engine.compiler.lowering.symbolic import Array, NoRule

DIRECT = {
    "add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "div", "divide": "div", "negative": "neg",
    "abs": "abs", "absolute": "abs", "sign": "sign", "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1",
    "sqrt": "sqrt", "tanh": "tanh", "sin": "sin", "cos": "cos", "floor": "floor", "maximum": "max", "minimum": "min",
    "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "equal": "eq", "not_equal": "ne",
    "logical_and": "and", "logical_or": "or", "logical_not": "not",
}  # fmt: skip
"""NumPy's name: the graph's scalar function."""

FRACTIONAL = frozenset(["div", "exp", "log", "log1p", "expm1", "sqrt", "tanh", "sin", "cos"])
"""Functions that make floats of whole numbers."""

COMPARED = frozenset(["gt", "ge", "lt", "le", "eq", "ne"])
LOGIC = frozenset(["and", "or", "not"])
OF_TRUTHS = {"add": "or", "mul": "and", "max": "or", "min": "and"}
"""What arithmetic of two truth values is."""

REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


def symbolic(values: Any) -> bool:
    """Whether an array of this kind is among the values, or among their parts."""
    return any(isinstance(v, Array) or (isinstance(v, tuple | list) and symbolic(v)) for v in values)


class Ufunc:
    """A scalar function of NumPy's name: called, with `out`, and as a reduction."""

    def __init__(self, library: Library, name: str) -> None:
        self.library, self.name = library, name

    def __call__(self, *operands: Any, out: Any = None) -> Any:
        if not symbolic(operands):
            return getattr(np, self.name)(*operands) if out is None else getattr(np, self.name)(*operands, out=out)
        made = self.library.mapped(DIRECT[self.name], *operands)
        return made if out is None else out.put(made)

    def reduce(self, x: Any, axis: Any = 0, keepdims: bool = False) -> Any:
        """The reduction by this function."""
        if not isinstance(x, Array):
            return getattr(np, self.name).reduce(x, axis=axis, keepdims=keepdims)
        return getattr(x, REDUCTIONS[self.name])(axis=axis, keepdims=keepdims)


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What NumPy's functions do on symbolic arrays, by name; `functions.py` fills it in."""


class Library:
    """What array code calls `xp`, for symbolic arrays of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __getattr__(self, name: str) -> Any:
        if name in DIRECT:
            return Ufunc(self, name)
        wanted = getattr(np, name)
        if isinstance(wanted, type) or not callable(wanted):
            return wanted
        return _either(self, FUNCTIONS.get(name), wanted)

    # ----------------------------------------------------------------------------------------------- values
    def value_of(self, x: Any) -> Value:
        """The value in a box, or a constant."""
        if isinstance(x, Array):
            return x.value
        array = np.asarray(x)
        if array.dtype == object:
            raise NoRule("numbers among symbolic arrays")
        if array.size == 0 or (array == array.flat[0]).all():
            number = array.flat[0].item() if array.size else 0
            return self.graph.add(Fill, shape=array.shape, value=number, dtype=array.dtype)
        return self.graph.constant(array)

    def array(self, x: Any) -> Array:
        """The box of a value or a constant."""
        return x if isinstance(x, Array) else Array(self, x if isinstance(x, Value) else self.value_of(x))

    def mapped(self, fn: str, *operands: Any) -> Array:
        """A scalar function with NumPy's rules of broadcasting and promotion."""
        common = np.result_type(*(_type_of(x) for x in operands))
        if common == TRUTH and fn in OF_TRUTHS:
            fn = OF_TRUTHS[fn]
        if fn in FRACTIONAL and common.kind != "f":
            common = np.result_type(common, np.float64) if common.itemsize > 2 else np.dtype(np.float16)
        if common.kind == "b" and fn not in COMPARED | LOGIC:
            raise NoRule("arithmetic of truth values")
        return self.noted(fn, *(self._operand(x, TRUTH if fn in LOGIC else common) for x in operands))

    def _operand(self, x: Any, dtype: Any) -> Any:
        """A value of this type, or a number."""
        if not isinstance(x, Array) and np.ndim(x) == 0:
            number = x.item() if isinstance(x, np.generic | np.ndarray) else x
            return bool(number) if dtype == TRUTH else number
        return self.array(x).astype(dtype, copy=False).value

    def noted(self, fn: str, *inputs: Any) -> Array:
        """A scalar function of values and numbers that have the right types."""
        return Array(self, self.graph.map(fn, *inputs))

    # ------------------------------------------------------------------------------------- the graph's own words
    def permuted(self, x: Value, order: Shape) -> Value:
        """The axes in another order; nothing where that is the order they have."""
        return x if order == tuple(range(len(order))) else self.graph.add(Permute, x, order=tuple(order))

    def contract(self, a: Any, b: Any, equation: str) -> Array:
        """The sum of products that an equation such as "nk,mk->nm" names."""
        left, right, out = equation.replace("->", ",").split(",")
        return Array(
            self, self.graph.add(Contract, self.value_of(a), self.value_of(b), left=left, right=right, out=out)
        )

    def window(self, x: Array, axis: int, taps: int, step: int, dilation: int) -> Array:
        """The windows along an axis; their taps are a new last axis."""
        return x.seen(self.graph.add(Window, x.value, axis=axis, taps=taps, step=step, dilation=dilation))

    def framed(self, x: Array, low: Any, high: Any, inner: Any = None, value: float = 0.0) -> Array:
        """A frame of a number around x (before, behind, between neighbours); negative widths cut."""
        inner = inner or (0,) * x.ndim
        if any((*low, *high, *inner)):
            wide = [tuple(n if n > 0 else 0 for n in each) for each in (low, high, inner)]
            if any(n for each in wide for n in each):
                x = x.made(self.graph.add(Pad, x.value, low=wide[0], high=wide[1], inner=wide[2], value=value))
            x = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, a, b in zip(x.shape, low, high, strict=True))]
        return x

    def iota(self, shape: Shape, axis: int | None) -> Array:
        """The places along an axis, uint32."""
        return Array(self, self.graph.add(Iota, shape=tuple(shape), axis=axis))

    def expanded(self, x: Any, shape: Shape) -> Any:
        """Repeated to a shape."""
        x = self.array(x)
        return x.seen(x.value if x.shape == tuple(shape) else self.graph.add(Expand, x.value, shape=tuple(shape)))

    def joined(self, parts: list[Array], axis: int) -> Array:
        """Side by side along an axis."""
        if len(parts) == 1:
            return parts[0]
        return Array(self, self.graph.add(Concat, *(p.value for p in parts), axis=axis))

    def flipped(self, x: Array, axes: Any) -> Array:
        """The order along some axes reversed."""
        if not axes or not x.size:
            return x
        start = tuple(n - 1 if i in axes else 0 for i, n in enumerate(x.shape))
        step = tuple(-1 if i in axes else 1 for i in range(x.ndim))
        return x.seen(self.graph.add(Slice, x.value, start=start, size=x.shape, step=step))

    def gathered(self, table: Array, index: Array) -> Array:
        """The rows that an index names."""
        return Array(self, self.graph.add(Gather, table.value, index.value))

    def scattered(self, rows: Array, index: Array, count: int) -> Array:
        """Rows added up where an index sends them."""
        return Array(self, self.graph.add(Scatter, rows.value, index.value, count=count))

    def same_number(self, a: Any, b: Any) -> Array:
        """Whether places and whole numbers are equal; compared as float32 (exact, for places are below 2**24)."""
        return self.noted("eq", *(self.array(x).astype(FLOAT, copy=False).value for x in (a, b)))


def _type_of(x: Any) -> Any:
    """What NumPy's promotion looks at: the element type, or a Python number."""
    if isinstance(x, Size):
        return x.now.__class__()
    return x if isinstance(x, bool | int | float) else x.dtype


def _either(library: Library, ours: Callable[..., Any] | None, numpys: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if not symbolic((*arguments, *named.values())):
            return numpys(*arguments, **named)
        if ours is None:
            raise NoRule(numpys.__name__)
        out = named.pop("out", None)
        made = ours(library, *arguments, **named)
        return made if out is None else out.put(made)

    return call
