"""The walk along a sequence as one operation: plain array code forwards and backwards, a node in the graph instead of
a dozen for every step.

It computes exactly what `scan` computes step by step in `recurrent.py`; that one is used where somebody wants more than
numbers and first gradients (tangents, shapes, programs), and for gradients of gradients.
"""

from __future__ import annotations

from typing import Any, Protocol

from engine.array import module_of
from engine.autodiff import grad
from engine.custom import Function
from engine.graph import current_mode
from engine.tensor import Tensor, wrap

Arrays = tuple[Any, ...]


class Cell(Protocol):
    """One kind of step on arrays. `step` gives the new states and what `back` needs; `back` gives the gradients of the
    gates' inputs, of what the old state gave to them, and of the old states (as far as they are used directly)."""

    def step(self, xp: Any, x: Any, hidden: Any, states: Arrays) -> tuple[Arrays, Arrays]:
        """x: what the input gives to the gates; hidden: what the old state gives."""

    def back(self, xp: Any, slopes: Arrays, kept: Arrays, states: Arrays) -> tuple[Any, Any, Arrays]:
        """slopes: the gradients of the new states."""


class PlainCell:
    """h' = tanh(x + hidden), or relu."""

    def __init__(self, relu: bool) -> None:
        self.relu = relu

    def step(self, xp: Any, x: Any, hidden: Any, states: Arrays) -> tuple[Arrays, Arrays]:
        """One step."""
        y = x + hidden
        y = xp.maximum(y, 0) if self.relu else xp.tanh(y)
        return (y,), (y,)

    def back(self, xp: Any, slopes: Arrays, kept: Arrays, states: Arrays) -> tuple[Any, Any, Arrays]:
        """Its gradient."""
        (y,) = kept
        g = slopes[0] * (y > 0) if self.relu else slopes[0] * (1 - y * y)
        return g, g, (0,)


class LSTMCell:
    """c' = f c + i g, h' = o tanh(c'), the gates in the order i, f, g, o."""

    def step(self, xp: Any, x: Any, hidden: Any, states: Arrays) -> tuple[Arrays, Arrays]:
        """One step."""
        gates, size = x + hidden, states[1].shape[-1]
        bent = _sigmoid(xp, gates)
        bent[:, 2 * size : 3 * size] = xp.tanh(gates[:, 2 * size : 3 * size])
        i, f, g, o = (bent[:, k * size : (k + 1) * size] for k in range(4))
        cell = f * states[1] + i * g
        high = xp.tanh(cell)
        return (o * high, cell), (bent, high)

    def back(self, xp: Any, slopes: Arrays, kept: Arrays, states: Arrays) -> tuple[Any, Any, Arrays]:
        """Its gradient."""
        bent, high = kept
        size = high.shape[-1]
        i, f, g, o = (bent[:, k * size : (k + 1) * size] for k in range(4))
        down = slopes[1] + slopes[0] * o * (1 - high * high)
        gates = bent * (1 - bent)
        gates[:, 2 * size : 3 * size] = 1 - g * g
        for k, factor in enumerate((down * g, down * states[1], down * i, slopes[0] * high)):
            gates[:, k * size : (k + 1) * size] *= factor
        return gates, gates, (0, down * f)


class GRUCell:
    """n = tanh(x_n + r h_n), h' = n + z (h - n), the gates in the order r, z, n."""

    def step(self, xp: Any, x: Any, hidden: Any, states: Arrays) -> tuple[Arrays, Arrays]:
        """One step."""
        size = states[0].shape[-1]
        opened = _sigmoid(xp, x[:, : 2 * size] + hidden[:, : 2 * size])
        new = xp.tanh(x[:, 2 * size :] + opened[:, :size] * hidden[:, 2 * size :])
        return (new + opened[:, size:] * (states[0] - new),), (opened, new, hidden[:, 2 * size :])

    def back(self, xp: Any, slopes: Arrays, kept: Arrays, states: Arrays) -> tuple[Any, Any, Arrays]:
        """Its gradient."""
        opened, new, proposed = kept
        size = new.shape[-1]
        r, z = opened[:, :size], opened[:, size:]
        down = slopes[0] * (1 - z) * (1 - new * new)
        closing = xp.concatenate((down * proposed, slopes[0] * (states[0] - new)), axis=1) * opened * (1 - opened)
        inside = xp.concatenate((closing, down), axis=1)
        return inside, xp.concatenate((closing, down * r), axis=1), (slopes[0] * z,)


def _sigmoid(xp: Any, x: Any) -> Any:
    """1 / (1 + e**-x), without overflow."""
    y = xp.tanh(x * 0.5)
    y += 1
    y *= 0.5
    return y


class Walk(Function):
    """apply(cell, sizes, backwards, again, inputs, weight, bias, *states) -> states after each step, side by side.

    inputs: (rows, gates), what the inputs give to the gates; sizes: rows of each step, never growing; weight and bias
    lead from the old hidden state to the gates; states: each (N, H); again: the same walk, step by step.
    """

    @staticmethod
    def forward(ctx: Any, cell: Cell, sizes: Any, backwards: bool, again: Any, *tensors: Any) -> Tensor:
        """All steps; everything that `backward` needs is kept."""
        arrays: list[Any] = [None if t is None else t.array for t in tensors]
        inputs, weight, bias, *first = arrays
        xp, turned = module_of(inputs), weight.T
        states = [s.copy() for s in first]
        ctx.steps = _steps(sizes, backwards)
        ctx.cell, ctx.again, ctx.kept = cell, again, []
        out = xp.empty((len(inputs), sum(s.shape[1] for s in states)), inputs.dtype)
        for start, size in ctx.steps:
            old = tuple(s[:size].copy() for s in states)
            hidden = old[0] @ turned
            new, kept = cell.step(xp, inputs[start : start + size], hidden if bias is None else hidden + bias, old)
            ctx.kept.append((old, kept))
            xp.concatenate(new, axis=1, out=out[start : start + size])
            for state, value in zip(states, new, strict=True):
                state[:size] = value
        ctx.save_for_backward(*tensors)
        return wrap(out)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The walk back; with a graph of its own if gradients of gradients are wanted."""
        tensors, nothing = ctx.saved_tensors, (None,) * 4
        if current_mode().grad:
            wanted = [t for t in tensors if t is not None and t.requires_grad]
            found = iter(grad(ctx.again(*tensors), wanted, gradients[0], create_graph=True, allow_unused=True))
            return (*nothing, *(next(found) if t is not None and t.requires_grad else None for t in tensors))
        return (*nothing, *_walk_back(ctx, gradients[0].array, tensors))


def _walk_back(ctx: Any, out: Any, tensors: tuple[Any, ...]) -> list[Any]:
    arrays: list[Any] = [None if t is None else t.array for t in tensors]
    inputs, weight, bias, *first = arrays
    xp, widths = module_of(inputs), [s.shape[1] for s in first]
    states, slope = [xp.zeros_like(s) for s in first], xp.empty_like(inputs)
    outside = xp.empty_like(inputs)
    before = xp.empty((len(inputs), widths[0]), inputs.dtype)
    for (start, size), (old, kept) in zip(reversed(ctx.steps), reversed(ctx.kept), strict=True):
        rows, column = slice(start, start + size), 0
        for state, width in zip(states, widths, strict=True):
            state[:size] += out[rows, column : column + width]
            column += width
        inner, outer, direct = ctx.cell.back(xp, tuple(s[:size] for s in states), kept, old)
        slope[rows], outside[rows], before[rows] = inner, outer, old[0]
        for state, value in zip(states, direct, strict=True):
            state[:size] = value
        states[0][:size] += outer @ weight
    shift = None if bias is None else wrap(outside.sum(0))
    return [wrap(slope), wrap(outside.T @ before), shift, *map(wrap, states)]


def _steps(sizes: list[int], backwards: bool) -> list[tuple[int, int]]:
    """(first row, number of rows) of each step, in the order of the walk."""
    starts, start = [], 0
    for size in sizes:
        starts.append((start, size))
        start += size
    return starts[::-1] if backwards else starts
