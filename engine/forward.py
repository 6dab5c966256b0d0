"""Forward mode: dual numbers that travel beside the values, and the derivatives made of both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract
from engine.autodiff import enable_grad, grad, no_grad, unbroadcast, zeros_like
from engine.errors import ArgumentError, GraphError, ShapeError
from engine.graph import Mode, current_mode, reset_mode, set_mode
from engine.ops.op import Op, words
from engine.sweep import Sweep
from engine.tensor import Tensor, apply


class DualLevel:
    """Within it, tensors made by `make_dual` carry a tangent, and so does everything computed from them."""

    _open: list[DualLevel] = []  # noqa: RUF012

    def __init__(self) -> None:
        self.tangents: dict[int, tuple[Tensor, Tensor]] = {}

    def __enter__(self) -> DualLevel:
        mode = current_mode()
        self._below = mode.recorders
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self)))
        DualLevel._open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        DualLevel._open.pop()
        reset_mode(self._token)

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """Compute the output's tangent, if any input has one."""
        found = [self.tangents.get(id(t)) if isinstance(t, Tensor) else None for t in inputs]
        if output.array.dtype.kind != "f" or op.vjp is None or not any(found):
            return
        token = set_mode(Mode(current_mode().grad, self._below))
        try:
            moved = tangent(op, inputs, attrs, output, [None if f is None else f[1] for f in found])
        finally:
            reset_mode(token)
        self.tangents[id(output)] = (output, moved)


def tangent(
    op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], y: Tensor, moves: list[Tensor | None]
) -> Tensor:
    """How the output moves when the inputs do, from the op's one word and its vjp."""
    if op.jvp == "linear":
        return apply(op, tuple(_still(t) if m is None else m for t, m in zip(inputs, moves, strict=True)), attrs)
    terms = [_term(op, inputs, attrs, y, i, m) for i, m in enumerate(moves) if m is not None]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _still(t: Any) -> Any:
    return zeros_like(t) if isinstance(t, Tensor) else 0 if isinstance(t, int | float) else t


def _term(op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], y: Tensor, i: int, move: Tensor) -> Tensor:
    """What the move of one input contributes."""
    if op.jvp == "multilinear":
        return apply(op, (*inputs[:i], move, *inputs[i + 1 :]), attrs)
    if op.jvp == "elementwise":
        term = _slopes(op, move.expand(y.shape), y, inputs, attrs)[i]
        return zeros_like(y) if term is None else term() if callable(term) else term
    return _transposed(op, inputs, attrs, y, i, move)


def _transposed(
    op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], y: Tensor, i: int, move: Tensor
) -> Tensor:
    """The transpose of u -> vjp(u), which is linear in u: a sweep over the sweep."""
    higher = current_mode().grad
    with enable_grad():
        u = zeros_like(y).requires_grad_()
        g = _slopes(op, u, y, inputs, attrs)[i]
        g = g() if callable(g) and not isinstance(g, Tensor) else g
        if g is None:
            return zeros_like(y)
        g = unbroadcast(g, inputs[i].array.shape)
    if not g.requires_grad:
        return zeros_like(y)
    (found,) = grad(g, u, move, create_graph=higher, retain_graph=True, materialize_grads=True)
    return found  # type: ignore[no-any-return]


def _slopes(op: type[Op], g: Tensor, y: Tensor, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    if op.vjp is None:
        raise GraphError(op.name, "an op with a gradient", "one without")
    return op.vjp(g, y, *inputs, **attrs)


# ------------------------------------------------------------------------------------------- torch.autograd.forward_ad
class UnpackedDual(NamedTuple):
    """A value and its tangent (None where it has none)."""

    primal: Tensor
    tangent: Tensor | None


def dual_level() -> DualLevel:
    """`with dual_level():` opens a level for dual numbers."""
    return DualLevel()


def _level() -> DualLevel:
    if not DualLevel._open:
        raise GraphError("make_dual", "an open dual level", "none", "Write it inside of `with dual_level():`.")
    return DualLevel._open[-1]


def make_dual(primal: Tensor, tangent: Tensor) -> Tensor:
    """The value with a direction of movement."""
    if primal.array.shape != tangent.array.shape:
        raise ShapeError("make_dual", f"a tangent of shape {words(primal.array.shape)}", words(tangent.array.shape))
    dual: Tensor = primal.reshape(primal.shape)
    _level().tangents[id(dual)] = (dual, tangent)
    return dual


def unpack_dual(dual: Tensor) -> UnpackedDual:
    """The value and the tangent of a dual number."""
    entry = _level().tangents.get(id(dual))
    return UnpackedDual(dual, None if entry is None else entry[1])


# -------------------------------------------------------------------------------------- derivatives of functions
def _tuple(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, tuple | list) else (given,)


def jvp(function: Callable[..., Any], inputs: Any, v: Any) -> tuple[Any, Any]:
    """(f(x), how f(x) moves when x moves along v): one pass, no history needed."""
    with dual_level() as level:
        duals = [make_dual(x, t) for x, t in zip(_tuple(inputs), _tuple(v), strict=True)]
        result = function(*duals)
        found = [level.tangents.get(id(y)) for y in _tuple(result)]
        moves = [zeros_like(y) if f is None else f[1] for y, f in zip(_tuple(result), found, strict=True)]
    return result, tuple(moves) if isinstance(result, tuple | list) else moves[0]


def vjp(function: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """(f(x), the gradients of the inputs for the gradient v of the output)."""
    leaves = _fresh(inputs, create_graph)
    with enable_grad():
        y = function(*leaves)
    found = grad(y, leaves, v, create_graph=create_graph, materialize_grads=True)
    return y if create_graph else _cut(y), found if isinstance(inputs, tuple | list) else found[0]


def _cut(y: Any) -> Any:
    return y.detach() if isinstance(y, Tensor) else tuple(t.detach() for t in y)


def _fresh(inputs: Any, create_graph: bool) -> list[Tensor]:
    if create_graph:
        return [x if x.requires_grad else x.detach().requires_grad_() for x in _tuple(inputs)]
    return [x.detach().requires_grad_() for x in _tuple(inputs)]


def jacobian(function: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """All partial derivatives of a function of one or several tensors with one tensor as its value.

    The result has the shape (*output, *input); several inputs give a tuple.
    """
    leaves = _fresh(inputs, create_graph)
    with enable_grad():
        y = function(*leaves)
        rows = [_row(y, i, leaves, create_graph) for i in range(y.numel())]
    pieces = [_stacked([row[k] for row in rows], y, x) for k, x in enumerate(leaves)]
    return tuple(pieces) if isinstance(inputs, tuple | list) else pieces[0]


def _row(y: Tensor, i: int, leaves: list[Tensor], create_graph: bool) -> tuple[Any, ...]:
    if not y.requires_grad:
        return tuple(zeros_like(x) for x in leaves)
    chosen = y.reshape((-1,))[i]
    return grad(chosen, leaves, create_graph=create_graph, retain_graph=True, materialize_grads=True)


def _stacked(rows: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    flat = [r.reshape((1, -1)) for r in rows]
    whole = flat[0].cat_with(*flat[1:], dim=0) if flat else y.new_zeros((0, x.numel()))
    return whole.reshape((*y.shape, *x.shape))  # type: ignore[no-any-return]


def hessian(function: Callable[..., Any], inputs: Tensor) -> Tensor:
    """All second derivatives of a function with one number as its value: (*input, *input)."""

    def slope(x: Tensor) -> Tensor:
        (g,) = grad(function(x), x, create_graph=True, materialize_grads=True)
        return g  # type: ignore[no-any-return]

    return jacobian(slope, inputs)  # type: ignore[no-any-return]


def hvp(function: Callable[..., Any], inputs: Tensor, v: Tensor) -> tuple[Any, Tensor]:
    """(f(x), Hessian times v): the gradient of the gradient's product with v."""
    x = inputs.detach().requires_grad_()
    with enable_grad():
        y = function(x)
        if y.numel() != 1:
            raise ArgumentError("hvp", "a function whose value is one number", f"shape {words(y.shape)}")
        (g,) = grad(y, x, create_graph=True)
        if not g.requires_grad:
            return y.detach(), zeros_like(x)
        (product,) = grad(g, x, v, materialize_grads=True)
    return y.detach(), product


def finite(*values: Any) -> bool:
    """Whether every number of the tensors is finite."""
    with no_grad():
        return all(isinstance(t.array, Abstract) or bool(np.isfinite(t.array).all()) for t in values)


__all__ = ["DualLevel", "Sweep", "dual_level", "hessian", "hvp", "jacobian", "jvp", "make_dual", "unpack_dual", "vjp"]
