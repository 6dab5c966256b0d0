"""Symbolic arrays: array code runs on them as on NumPy's, and every step becomes a node of the graph.

An array is a box around a value: what is written into the box in place is a new value. A box that shares its memory
with another one (a view) cannot be written to here: then the op is left as it is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.compiler.graph.ir import FLOAT, LONG, TRUTH, Shape, Slice, Value
from engine.compiler.graph.sizes import is_open

MANY = 16384
"""Sums of more numbers than this go in two rounds."""


class NoRule(Exception):
    """The graph has no words for what was asked of a symbolic array."""


def _operator(fn: str) -> tuple[Any, Any, Any]:
    """A function of the library as an operator: from the left, from the right, in place."""

    def forwards(a: Array, b: Any) -> Any:
        return getattr(a.library, fn)(a, b)

    def backwards(a: Array, b: Any) -> Any:
        return getattr(a.library, fn)(b, a)

    def inplace(a: Array, b: Any) -> Any:
        return a.put(getattr(a.library, fn)(a, b))

    return forwards, backwards, inplace


class Array:
    """An array of which only shape, element type and the node that makes it are known.

    family: one number, how many boxes look into the same memory; inputs begin with 2, so that nobody writes to them.
    """

    __slots__ = ("family", "library", "value")
    __array_ufunc__ = None

    def __init__(self, library: Any, value: Value, family: list[int] | None = None) -> None:
        self.library, self.value, self.family = library, value, family or [1]

    __add__, __radd__, __iadd__ = _operator("add")
    __sub__, __rsub__, __isub__ = _operator("subtract")
    __mul__, __rmul__, __imul__ = _operator("multiply")
    __truediv__, __rtruediv__, __itruediv__ = _operator("true_divide")
    __pow__, __rpow__, __ipow__ = _operator("power")
    __matmul__, __rmatmul__, __imatmul__ = _operator("matmul")
    __and__, __rand__, __iand__ = _operator("bitwise_and")
    __or__, __ror__, __ior__ = _operator("bitwise_or")
    __xor__, __rxor__, __ixor__ = _operator("bitwise_xor")
    __lt__, __gt__ = _operator("less")[0], _operator("greater")[0]
    __le__, __ge__ = _operator("less_equal")[0], _operator("greater_equal")[0]
    __eq__, __ne__ = _operator("equal")[0], _operator("not_equal")[0]
    __hash__ = None  # type: ignore[assignment]

    # ------------------------------------------------------------------------------------------------- facts
    @property
    def shape(self) -> Shape:
        """The sizes of the axes."""
        return self.value.shape

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.value.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    @property
    def T(self) -> Array:  # noqa: N802
        """The axes in reverse order."""
        return self.transpose()

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        raise NoRule("a decision by value")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise NoRule("numbers of a symbolic array")

    def __setitem__(self, *_: Any) -> None:
        raise NoRule("a write into a part of an array")

    def __iter__(self) -> Any:
        return (self[i] for i in range(self.shape[0]))

    __int__ = __float__ = __index__ = __bool__

    def __neg__(self) -> Any:
        return self.library.negative(self)

    def __invert__(self) -> Any:
        return self.library.invert(self)

    def __abs__(self) -> Any:
        return self.library.abs(self)

    # ------------------------------------------------------------------------------------------- new arrays
    def made(self, value: Value) -> Array:
        """New memory."""
        return Array(self.library, value)

    def seen(self, value: Value) -> Array:
        """The same memory, looked at in another way."""
        self.family[0] += 1
        return Array(self.library, value, self.family)

    def put(self, other: Any) -> Array:
        """Everything in this box replaced, in its own shape and element type."""
        if self.family[0] > 1:
            raise NoRule("a write that others may see")
        graph = self.library.graph
        self.value = graph.expand(graph.cast(self.library.value_of(other), self.dtype), self.shape)
        return self

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """In another element type."""
        if np.dtype(dtype) == self.dtype and not copy:
            return self
        if self.dtype.kind == "f" and np.dtype(dtype) == TRUTH:
            return self.library.not_equal(self, 0)
        return self.made(self.library.graph.cast(self.value, dtype))

    def copy(self, order: str = "K") -> Array:
        """The same numbers in memory of their own."""
        return self.made(self.value)

    # -------------------------------------------------------------------------------------------------- views
    def reshape(self, *shape: Any) -> Array:
        """Another shape; one size may be -1."""
        sizes = tuple(shape[0] if isinstance(shape[0], tuple | list) else shape)
        sizes = tuple([n if is_open(n) else int(n) for n in sizes])
        if -1 in sizes:
            known = math.prod(n for n in sizes if n != -1)
            sizes = tuple(self.size // known if n == -1 else n for n in sizes)
        return self.seen(self.library.graph.reshape(self.value, sizes))

    def transpose(self, *order: Any) -> Array:
        """The axes in another order."""
        given = order[0] if len(order) == 1 and not isinstance(order[0], int) else order
        axes = tuple(a % self.ndim for a in given) if given else tuple(reversed(range(self.ndim)))
        return self.seen(self.library.permuted(self.value, axes))

    def swapaxes(self, first: int, second: int) -> Array:
        """Two axes exchanged."""
        axes = list(range(self.ndim))
        axes[first], axes[second] = axes[second], axes[first]
        return self.transpose(axes)

    def ravel(self) -> Array:
        """All numbers in one row."""
        return self.reshape(-1)

    def __getitem__(self, key: Any) -> Array:
        keys = key if isinstance(key, tuple) else (key,)
        if not all(k is None or k is Ellipsis or type(k) in (int, slice) or isinstance(k, np.integer) for k in keys):
            raise NoRule("a choice by arrays")
        start, size, step, shape = cut(self.shape, keys)
        graph, value = self.library.graph, self.value
        if size != self.shape or any(d != 1 for d in step):
            value = graph.add(Slice, value, start=start, size=size, step=step)
        return self.seen(graph.reshape(value, shape))

    # --------------------------------------------------------------------------------------------- reductions
    def reduced(self, fn: str, axis: Any = None, keepdims: bool = False) -> Array:
        """One number for everything along the axes."""
        axes = (axis,) if isinstance(axis, int) else tuple(range(self.ndim)) if axis is None else tuple(axis)
        axes = tuple(sorted(a % self.ndim for a in axes))
        if fn in ("max", "min", "argmax", "argmin") and not self.size:
            raise NoRule("a choice among none")
        graph, value = self.library.graph, self.value
        if fn == "sum" and len(axes) == self.ndim > 1 and self.size > MANY:
            value = graph.reduce(value, fn, (self.ndim - 1,), True)  # two rounds: the rows, then what is left of them
        return self.made(graph.reduce(value, fn, axes, bool(keepdims)))

    def sum(self, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
        """The sum; whole numbers and truths are counted in int64."""
        wanted = dtype or (LONG if self.dtype.kind in "bi" else self.dtype)
        return self.astype(wanted, copy=False).reduced("sum", axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
        """The product."""
        wanted = dtype or (LONG if self.dtype.kind in "bi" else self.dtype)
        return self.astype(wanted, copy=False).reduced("prod", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The mean of floats."""
        if self.dtype not in (FLOAT, np.float64):
            raise NoRule("the mean of other than float32")
        total = self.reduced("sum", axis, keepdims)
        return total * (1.0 / (self.size / total.size) if self.size else math.nan)

    def max(self, axis: Any = None, keepdims: bool = False) -> Array:
        """The largest number."""
        return self.reduced("max", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Array:
        """The smallest number."""
        return self.reduced("min", axis, keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Array:
        """Where the first largest number stands."""
        return self._place("argmax", axis, keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Array:
        """Where the first smallest number stands."""
        return self._place("argmin", axis, keepdims)

    def _place(self, fn: str, axis: Any, keepdims: bool) -> Array:
        if axis is None:
            return self.ravel().reduced(fn, 0).reshape((1,) * self.ndim if keepdims else ())
        return self.reduced(fn, axis, keepdims)


def along(k: slice, n: int) -> tuple[int, int, int]:
    """The first place of a slice of n places, how many it takes, and its step; sizes may be open."""
    step = 1 if k.step is None else k.step
    if step < 0:
        first, end, step = k.indices(n)
        return first, len(range(first, end, step)), step
    first, end = (
        n if at > n else at if at >= 0 else max(0, at + n) for at in (k.start or 0, n if k.stop is None else k.stop)
    )
    return first, end - first if step == 1 and end >= first else max(0, -(-(end - first) // step)), step


def cut(shape: Shape, keys: tuple[Any, ...]) -> tuple[Shape, Shape, Shape, Shape]:
    """start, size and step of a key for every axis; the shape without axes of whole numbers and with new ones."""
    given = sum(k is not None and k is not Ellipsis for k in keys)
    rest = (slice(None),) * (len(shape) - given)
    at = keys.index(Ellipsis) if Ellipsis in keys else len(keys)
    keys = (*keys[:at], *rest, *keys[at + 1 :])
    axes, sizes = [], iter(shape)
    seen: list[int] = []
    for k in keys:
        if k is None:
            seen.append(1)
            continue
        n = next(sizes)
        if isinstance(k, slice):
            first, size, step = along(k, n)
            axes.append((first if size else 0, size, step))
            seen.append(size)
        else:
            axes.append((range(n)[int(k)], 1, 1))
    start, size_, step_ = zip(*axes, strict=True) if axes else ((), (), ())
    return start, size_, step_, tuple(seen)
