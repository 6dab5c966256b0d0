"""Finite differences: the function is called, nothing is known of its inside. Cheap to write, never exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from engine.autodiff import no_grad
from engine.derivative.cost import Cost, Count, Derivative, as_inputs, as_output, reverse
from engine.errors import ArgumentError
from engine.func import jvp
from engine.tensor import Tensor, wrap

Function = Callable[..., Any]
EPS = float(np.finfo(np.float64).eps)
STEPS = {"forward": EPS ** (1 / 2), "backward": EPS ** (1 / 2), "central": EPS ** (1 / 3), "richardson": 0.1}
"""The step (for numbers of size 1) at which truncation and rounding are about equal."""


def differences(f: Function, *xs: Any, kind: str = "central", step: float | None = None, levels: int = 5) -> Derivative:
    """The Jacobian from values of f near the point.

    kind: forward (f(x+h) - f(x)) / h, an error of order h; backward: the same to the other side; central
    (f(x+h) - f(x-h)) / 2h, of order h^2; richardson: central at h, h/2, h/4, ... and the limit of their polynomial.
    Source: Richardson, The Approximate Arithmetical Solution by Finite Differences, 1911.

    >>> round(engine.derivative.differences(lambda x: x ** 3, 2.0).number, 6)
    12.0
    """
    if kind not in STEPS:
        raise ArgumentError("differences: kind", " or ".join(STEPS), kind)
    inputs, calls = as_inputs(xs), Calls(f)
    with no_grad(), Count() as count:
        value = calls(inputs)
        tables = [_table(calls, inputs, k, value, kind, step, levels) for k in range(len(inputs))]
    cost = Cost(calls.count, calls.count, dict(count.operations))
    return Derivative(f"{kind} differences", value, tuple(tables), cost)


class Calls:
    """A function of tensors that gives an array and counts how often it is called."""

    def __init__(self, f: Function) -> None:
        self._f, self.count = f, 0

    def __call__(self, inputs: Sequence[Tensor]) -> Any:
        self.count += 1
        return np.array(as_output(self._f(*inputs)).array, copy=True)

    def moved(self, inputs: Sequence[Tensor], which: int, place: tuple[int, ...], by: float) -> Any:
        """The value with one number moved."""
        x = inputs[which].array.copy()
        x[place] += by
        return self([wrap(x) if i == which else t for i, t in enumerate(inputs)])


def _table(
    calls: Calls, inputs: tuple[Tensor, ...], which: int, value: Any, kind: str, step: float | None, levels: int
) -> Any:
    x, columns = inputs[which].array, []
    for place in np.ndindex(x.shape):
        h = STEPS[kind] * max(1.0, abs(float(x[place]))) if step is None else step
        columns.append(_slope(partial(calls.moved, inputs, which, place), value, kind, h, levels))
    return np.stack(columns, -1).reshape((*value.shape, *x.shape)) if columns else np.zeros((*value.shape, *x.shape))


def _slope(at: Callable[[float], Any], value: Any, kind: str, h: float, levels: int) -> Any:
    if kind == "forward":
        return (at(h) - value) / h
    if kind == "backward":
        return (value - at(-h)) / h
    if kind == "central":
        return (at(h) - at(-h)) / (2 * h)
    row: list[Any] = []
    for level in range(levels):
        new = [(at(h) - at(-h)) / (2 * h)]
        for order, known in enumerate(row, 1):
            new.append(new[-1] + (new[-1] - known) / (4**order - 1))
        row, h = new[: level + 1], h / 2
    return row[-1]


class StepErrors(NamedTuple):
    """The error of a difference against its step: a V in two logarithms. All are arrays of one length but `best`.

    truncation: what the neglected terms of Taylor's series give; rounding: what the last digit of f gives; best: the
    step with the smallest error.

    >>> [len(row) for row in engine.derivative.error_by_step(lambda x: x.sin(), 1.0)[:4]]
    [65, 65, 65, 65]
    """

    steps: Any
    errors: Any
    truncation: Any
    rounding: Any
    best: float


def error_by_step(f: Function, x: float, kind: str = "forward", steps: Any = None) -> StepErrors:
    """How far a difference is from the derivative (by reverse mode) for many steps: ready to plot, both axes in logs.

    >>> curve = engine.derivative.error_by_step(lambda x: x.exp(), 1.0)
    >>> 1e-9 < curve.best < 1e-7
    True
    """
    sizes = np.logspace(-16, 0, 65) if steps is None else np.asarray(steps, float)
    exact = reverse(f, x).number
    found = np.array([differences(f, x, kind=kind, step=float(h)).number for h in sizes])
    errors = np.abs(found - exact)
    value, second, third = (abs(d) for d in _taylor(f, x))
    truncation = third * sizes**2 / 6 if kind in ("central", "richardson") else second * sizes / 2
    return StepErrors(sizes, errors, truncation, EPS * value / sizes, float(sizes[int(np.argmin(errors))]))


def _taylor(f: Function, x: float) -> tuple[float, float, float]:
    """(f, f'', f''') at x, by forward mode over forward mode."""
    point, one = as_inputs((x,))[0], wrap(np.ones(()))

    def slope(g: Function) -> Function:
        return lambda t: jvp(lambda u: as_output(g(u)), (t,), (one,))[1]

    second = slope(slope(f))
    return (float(as_output(f(point)).array), float(second(point).array), float(slope(second)(point).array))
