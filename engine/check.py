"""Finite differences against the derivatives that the rules give: for tests, and for "check my gradient"."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.autodiff import enable_grad, grad, no_grad, zeros_like
from engine.errors import ArgumentError, GraphError
from engine.forward import pushed
from engine.tensor import Tensor, wrap

Function = Callable[..., Any]


class GradcheckError(GraphError):
    """A derivative does not fit finite differences."""

    code = "gradcheck"


class Misfit(NamedTuple):
    """The entry at which two ways to compute a derivative differ most."""

    input: int
    element: tuple[int, ...]
    computed: float
    measured: float


def _outputs(result: Any) -> list[Tensor]:
    """The outputs that can have a gradient."""
    given = result if isinstance(result, tuple | list) else (result,)
    return [y for y in given if isinstance(y, Tensor) and y.array.dtype.kind == "f"]


def _listed(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)


def measured_jacobians(function: Function, inputs: tuple[Any, ...], which: int, eps: float = 1e-6) -> list[Any]:
    """For each output: d output / d inputs[which] as (elements of the input, elements of the output), by differences.

    Source: central differences, (f(x + h) - f(x - h)) / 2h.
    """
    x = inputs[which].array
    rows: list[list[Any]] = []
    with no_grad():
        for place in np.ndindex(x.shape):
            ends = []
            for step in (eps, -eps):
                moved = x.copy()
                moved[place] += step
                values = [wrap(t.array.copy()) if isinstance(t, Tensor) else t for t in inputs]
                values[which] = wrap(moved)
                ends.append([np.array(y.array, copy=True) for y in _outputs(function(*values))])
            rows.append([(a - b).ravel() / (2 * eps) for a, b in zip(*ends, strict=True)])
    if not rows:
        return [np.zeros((0, y.array.size)) for y in _outputs(function(*inputs))]
    return [np.stack(row) for row in zip(*rows, strict=True)]


def computed_jacobians(function: Function, inputs: tuple[Any, ...], chosen: list[int]) -> list[list[Any]]:
    """For each output and each chosen input the same by reverse mode, one walk for each element of the output."""
    with enable_grad():
        outputs = _outputs(function(*inputs))
    leaves = [inputs[i] for i in chosen]
    return [_rows(y, leaves) for y in outputs]


def _rows(y: Tensor, leaves: list[Tensor]) -> list[Any]:
    tables = [np.zeros((x.array.size, y.array.size)) for x in leaves]
    for k in range(y.array.size if y.requires_grad else 0):
        unit = zeros_like(y)
        unit.array.reshape(-1)[k] = 1
        for table, g in zip(tables, grad(y, leaves, unit, True, allow_unused=True), strict=True):
            if g is not None:
                table[:, k] = g.array.ravel()
    return tables


def moved_jacobians(function: Function, inputs: tuple[Any, ...], which: int) -> list[Any]:
    """The same by forward mode, one pass for each element of the input."""
    x, rows = inputs[which], []
    for place in np.ndindex(x.array.shape):
        unit = zeros_like(x)
        unit.array[place] = 1
        result, move = pushed(function, inputs, tuple(unit if i == which else None for i in range(len(inputs))))
        rows.append([move(y).array.ravel() for y in _outputs(result)])
    return [np.stack(row) for row in zip(*rows, strict=True)]


def misfits(function: Function, inputs: Any, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3) -> list[Misfit]:
    """For each input whose gradient (of the sum of outputs) does not fit what is measured: the worst entry.

    >>> engine.check.misfits(lambda x: x ** 2, engine.tensor([3.0], dtype=engine.float64, requires_grad=True))
    []
    """
    given = _listed(inputs)
    leaves = tuple(t.detach().requires_grad_() if isinstance(t, Tensor) and t.requires_grad else t for t in given)
    chosen = [i for i, t in enumerate(leaves) if isinstance(t, Tensor) and t.requires_grad]
    computed, found = computed_jacobians(function, leaves, chosen), []
    for k, i in enumerate(chosen):
        shape = leaves[i].array.shape
        measured = sum(table.sum(1) for table in measured_jacobians(function, leaves, i, eps)).reshape(shape)
        total = sum(row[k].sum(1) for row in computed).reshape(shape)
        if not np.allclose(total, measured, rtol, atol, equal_nan=True):
            gap = np.abs(total - measured)
            place = tuple(int(n) for n in np.unravel_index(int(np.nanargmax(gap)), shape))
            found.append(Misfit(i, place, float(total[place]), float(measured[place])))
    return found


def gradcheck(
    func: Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients fit finite differences; raises where they do not, or says False. Use float64 inputs.

    >>> x = engine.tensor([1.0, 2.0], dtype=engine.float64, requires_grad=True)
    >>> engine.autograd.gradcheck(lambda x: x ** 3 * x.sin(), (x,))
    True
    """
    given = _listed(inputs)
    chosen = [i for i, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    if not chosen:
        raise ArgumentError(
            "gradcheck expects at least one input tensor to require gradient", "requires_grad=True", "none of them"
        )
    for i in chosen:
        if given[i].array.dtype != np.float64:
            warnings.warn(f"Input #{i} requires gradient and is not float64: the check will likely fail.", stacklevel=2)
    try:
        _compare(func, given, chosen, eps, (rtol, atol), check_backward_ad, check_forward_ad, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _compare(
    func: Function,
    given: tuple[Any, ...],
    chosen: list[int],
    eps: float,
    near: tuple[float, float],
    backward: bool,
    forward: bool,
    nondet_tol: float,
) -> None:
    tables = computed_jacobians(func, given, chosen) if backward else []
    again = computed_jacobians(func, given, chosen) if backward else []
    for first, second in zip(tables, again, strict=True):
        if any(
            not np.allclose(a, b, rtol=0, atol=nondet_tol, equal_nan=True) for a, b in zip(first, second, strict=True)
        ):
            raise GradcheckError("Backward is not reentrant", "the same gradients from two walks", "others")
    for k, i in enumerate(chosen):
        measured = measured_jacobians(func, given, i, eps)
        for j, table in enumerate(measured):
            if backward:
                _fit(f"Jacobian mismatch for output {j} with respect to input {i}", table, tables[j][k], near)
        if forward and given[i].array.size:
            for j, (table, moved) in enumerate(zip(measured, moved_jacobians(func, given, i), strict=True)):
                where = f"Jacobian computed with forward mode mismatch for output {j} with respect to input {i}"
                _fit(where, table, moved, near)


def _fit(where: str, measured: Any, computed: Any, near: tuple[float, float]) -> None:
    if np.allclose(computed, measured, *near, equal_nan=True):
        return
    gap = np.abs(computed - measured)
    place = tuple(int(n) for n in np.unravel_index(int(np.nanargmax(gap)), gap.shape))
    worst = f"element {place[0]} of the input, {place[1]} of the output: {measured[place]:.6g} measured"
    raise GradcheckError(
        f"{where},\nnumerical:{wrap(measured)!r}\nanalytical:{wrap(computed)!r}\n", worst, f"{computed[place]:.6g}"
    )


def gradgradcheck(
    func: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradients of the gradients fit finite differences of the gradients.

    >>> x = engine.tensor([1.0, 2.0], dtype=engine.float64, requires_grad=True)
    >>> engine.autograd.gradgradcheck(lambda x: x ** 3 * x.sin(), (x,))
    True
    """
    given, count = _listed(inputs), len(_listed(inputs))
    with enable_grad():
        outputs = _outputs(func(*given))
    rng = np.random.default_rng(0)
    weights = [] if grad_outputs is None else list(_listed(grad_outputs))
    for y in outputs if grad_outputs is None else ():
        weight = wrap(np.asarray(rng.normal(size=y.array.shape), y.array.dtype))
        weights.append(weight.requires_grad_())

    def slopes(*moved: Any) -> tuple[Any, ...]:
        opened = [t.requires_grad_() if isinstance(t, Tensor) and was.requires_grad and t.is_leaf else t
                  for t, was in zip(moved[:count], given, strict=True)]  # fmt: skip
        with enable_grad():
            leaves = [t for t, was in zip(opened, given, strict=True) if isinstance(t, Tensor) and was.requires_grad]
            pairs = [(y, w) for y, w in zip(_outputs(func(*opened)), moved[count:], strict=True) if y.requires_grad]
            ys, ws = zip(*pairs, strict=True)
            found = grad(ys, leaves, ws, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        slopes,
        (*given, *weights),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
    )
