"""Finite differences against the derivatives that the rules give: for tests, and for "check my gradient"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.autodiff import enable_grad, grad, no_grad
from engine.errors import GraphError
from engine.forward import jvp
from engine.tensor import Tensor, wrap


class Misfit(NamedTuple):
    """The entry at which two ways to compute a derivative differ most."""

    input: int
    element: tuple[int, ...]
    computed: float
    measured: float


def measured_gradient(
    function: Callable[..., Tensor], inputs: tuple[Tensor, ...], which: int, eps: float = 1e-6
) -> Any:
    """The gradient of `function(*inputs).sum()` by central differences, one element at a time."""
    x = inputs[which].array
    slopes = np.zeros(x.shape)
    with no_grad():
        for place in np.ndindex(x.shape):
            ends = []
            for step in (eps, -eps):
                moved = x.copy()
                moved[place] += step
                values = [wrap(moved) if i == which else t for i, t in enumerate(inputs)]
                ends.append(float(function(*values).array.sum()))
            slopes[place] = (ends[0] - ends[1]) / (2 * eps)
    return slopes


def misfits(
    function: Callable[..., Tensor], inputs: Any, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3
) -> list[Misfit]:
    """For each input whose gradient does not fit what is measured: the worst entry. Use float64 inputs."""
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    leaves = tuple(t.detach().requires_grad_() if t.requires_grad else t for t in given)
    chosen = [i for i, t in enumerate(leaves) if t.requires_grad]
    with enable_grad():
        computed = grad(function(*leaves).sum(), [leaves[i] for i in chosen], materialize_grads=True)
    found = []
    for i, g in zip(chosen, computed, strict=True):
        measured = measured_gradient(function, leaves, i, eps)
        if not np.allclose(g.array, measured, rtol, atol, equal_nan=True):
            found.append(_worst(i, g.array, measured))
    return found


def _worst(which: int, computed: Any, measured: Any) -> Misfit:
    gap = np.abs(computed - measured)
    place = tuple(int(n) for n in np.unravel_index(int(np.nanargmax(gap)), gap.shape))
    return Misfit(which, place, float(computed[place]), float(measured[place]))


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Whether reverse mode and forward mode both fit finite differences; raises where they do not, or says False."""
    wrong = misfits(function, inputs, eps, atol, rtol)
    if wrong and raise_exception:
        w = wrong[0]
        raise GraphError(
            f"gradient of input {w.input} at {list(w.element)}",
            f"{w.measured:.6g} (measured)",
            f"{w.computed:.6g} (computed)",
        )
    return not wrong and _directions_agree(function, inputs, raise_exception, rtol, atol)


def _directions_agree(
    function: Callable[..., Tensor], inputs: Any, raise_exception: bool, rtol: float, atol: float
) -> bool:
    """Along one random direction, forward mode gives what reverse mode gives."""
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    rng = np.random.default_rng(0)
    floats = [i for i, t in enumerate(given) if t.requires_grad]
    moves = {i: wrap(np.asarray(rng.normal(size=given[i].array.shape), given[i].array.dtype)) for i in floats}

    def part(*moved: Tensor) -> Tensor:
        values = list(given)
        for i, t in zip(floats, moved, strict=True):
            values[i] = t
        return function(*values)

    leaves = tuple(given[i].detach() for i in floats)
    forwards = float(jvp(part, leaves, tuple(moves.values()))[1].array.sum())
    with enable_grad():
        fresh = [t.detach().requires_grad_() for t in leaves]
        slopes = grad(part(*fresh).sum(), fresh, materialize_grads=True)
    backwards = sum(float((g.array * moves[i].array).sum()) for i, g in zip(floats, slopes, strict=True))
    if np.isclose(forwards, backwards, rtol, atol):
        return True
    if raise_exception:
        raise GraphError("forward mode", f"{backwards:.6g} (as reverse mode)", f"{forwards:.6g}")
    return False
