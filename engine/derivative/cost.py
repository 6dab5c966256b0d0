"""What a derivative costs: one record for every way to compute it, and forward and reverse mode counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract, is_array
from engine.autodiff import enable_grad, grad
from engine.errors import ArgumentError
from engine.forward import cut, pushed
from engine.graph import Mode, Recorder, current_mode, reset_mode, set_mode
from engine.ops.op import Op
from engine.sweep import nodes_behind
from engine.tensor import Tensor, wrap
from engine.tree import leaves

Function = Callable[..., Any]
FREE = frozenset(("cast", "clone", "filled", "put_view", "index", "reshape", "permute", "expand"))
"""Operations that move numbers and compute none."""


class Cost(NamedTuple):
    """calls: how often the function ran; passes: how often its steps were walked for the derivative.

    operations: elementary operations on numbers, by name; kept_values and kept_bytes: what had to be remembered.

    >>> engine.derivative.Cost(1, 1, {"mul": 2, "add": 1}).total
    3
    """

    calls: int
    passes: int
    operations: dict[str, int]
    kept_values: int = 0
    kept_bytes: int = 0

    @property
    def total(self) -> int:
        """All elementary operations."""
        return sum(self.operations.values())


class Derivative(NamedTuple):
    """A value, its Jacobian (*output, *input) for each input, the way it was computed, and the cost.

    >>> found = engine.derivative.reverse(lambda x, y: x * y, 2.0, 3.0)
    >>> found.way, [float(j) for j in found.jacobians], found.cost.passes
    ('reverse mode', [3.0, 2.0], 1)
    """

    way: str
    value: Any
    jacobians: tuple[Any, ...]
    cost: Cost

    @property
    def number(self) -> float:
        """The derivative, where it is one number."""
        if len(self.jacobians) != 1 or self.jacobians[0].size != 1:
            raise ArgumentError("number", "one input and one output of one number", [j.shape for j in self.jacobians])
        return float(self.jacobians[0].reshape(()))


class Count(Recorder):
    """Counts the elementary operations inside of its `with` block.

    >>> with engine.derivative.Count() as count: _ = engine.ones(3) * 2 + 1
    >>> dict(count.operations)
    {'mul': 3, 'add': 3}
    """

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()

    def __enter__(self) -> Count:
        mode = current_mode()
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self)))
        return self

    def __exit__(self, *_: object) -> None:
        reset_mode(self._token)

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        self.operations.update(work(op, [getattr(t, "array", t) for t in inputs], output.array))


def work(op: type[Op], inputs: list[Any], output: Any) -> dict[str, int]:
    """How many elementary operations one op takes: products count their multiplications and additions."""
    if op.view or op.name in FREE:
        return {}
    size, first = int(output.size), int(getattr(inputs[0], "size", 1)) if inputs else 0
    if op.name in ("matmul", "linear"):
        inner = inputs[0].shape[-1]
        return {"mul": size * inner, "add": size * (inner - 1)}
    if op.name.startswith("conv"):
        inner = inputs[1].size // max(inputs[1].shape[0], 1)
        return {"mul": size * inner, "add": size * (inner - 1)}
    if op.__module__.endswith(".reduce") and first > size:
        return {"add" if op.name in ("sum", "mean") else op.name: first - size}
    return {op.name: size}


def as_inputs(xs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Numbers and lists as float64 tensors; tensors as they are, without their history."""
    if not xs:
        raise ArgumentError("derivative", "a function and the point at which to differentiate it", "no point")
    return tuple(cut(x) if isinstance(x, Tensor) else wrap(np.asarray(x, np.float64)) for x in xs)


def as_output(result: Any) -> Tensor:
    """What a function gave as one tensor; several numbers in a row become a vector."""
    parts = [y if isinstance(y, Tensor) else wrap(np.asarray(float(y))) for y in leaves(result)]
    if len(parts) == 1:
        return parts[0]
    flat = [y.reshape((-1,)) for y in parts]
    return flat[0].cat_with(*flat[1:], dim=0)


def forward(f: Function, *xs: Any) -> Derivative:
    """The Jacobian by forward mode: one pass for each number that goes in; nothing is kept.

    >>> engine.derivative.forward(lambda x: x ** 3, 2.0).number
    12.0
    """
    inputs, count = as_inputs(xs), Count()
    columns: list[list[Any]] = [[] for _ in inputs]
    value = None
    with count:
        for k, x in enumerate(inputs):
            for place in np.ndindex(x.array.shape):
                unit = wrap(np.zeros_like(x.array))
                unit.array[place] = 1
                moves = tuple(unit if j == k else None for j in range(len(inputs)))
                value, move = pushed(lambda *a: as_output(f(*a)), inputs, moves)
                columns[k].append(move(value).array)
    shape = () if value is None else value.array.shape
    tables = tuple(np.stack(c, -1).reshape((*shape, *x.array.shape)) for c, x in zip(columns, inputs, strict=True))
    passes = sum(x.array.size for x in inputs)
    return Derivative("forward mode", None if value is None else value.array, tables, _cost(passes, passes, count))


def reverse(f: Function, *xs: Any) -> Derivative:
    """The Jacobian by reverse mode: one walk back for each number that comes out; what the rules read is kept.

    >>> engine.derivative.reverse(lambda x: x ** 3, 2.0).number
    12.0
    """
    inputs, count, rows = [x.requires_grad_() for x in as_inputs(xs)], Count(), []
    with count, enable_grad():
        y = as_output(f(*inputs))
        values, size = kept(y)
        for place in np.ndindex(y.array.shape):
            unit = wrap(np.zeros_like(y.array))
            unit.array[place] = 1
            live = y.requires_grad
            rows.append(grad(y, inputs, unit, True, materialize_grads=True) if live else [x * 0 for x in inputs])
    tables = tuple(
        np.stack([row[k].array for row in rows]).reshape((*y.array.shape, *x.array.shape)) for k, x in enumerate(inputs)
    )
    return Derivative("reverse mode", y.array, tables, _cost(1, y.array.size, count, values, size))


def _cost(calls: int, passes: int, count: Count, values: int = 0, size: int = 0) -> Cost:
    return Cost(int(calls), int(passes), dict(count.operations), values, size)


def kept(y: Tensor) -> tuple[int, int]:
    """(number of values, bytes) that the graph behind a tensor keeps for its gradient rules."""
    arrays = {
        id(a): a
        for node in nodes_behind([y.grad_fn])
        for a in (*(node.saved or ()), node.out)
        if is_array(a) and not isinstance(a, Abstract)
    }
    return sum(int(a.size) for a in arrays.values()), sum(int(a.nbytes) for a in arrays.values())
