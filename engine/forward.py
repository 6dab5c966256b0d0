"""Forward mode: tangents that travel with the values, level by level, from each op's one word and its vjp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from engine.autodiff import enable_grad, grad, unbroadcast, zeros_like
from engine.errors import GraphError, ShapeError
from engine.graph import Mode, Node, Recorder, current_mode, reset_mode, set_mode
from engine.ops.elementwise import Cast
from engine.ops.op import Op, words
from engine.tensor import Tensor, apply, wrap
from engine.tree import leaves, mapped


class DualLevel(Recorder):
    """Within it, tensors made by `dual` carry a tangent, and so does everything computed from them.

    Levels nest. A tangent lies with its tensor, by level; a view has that of its base, seen through the same view, so
    that writes in place are seen as in the values. What a node saves keeps its tangent for a backward walk inside.
    """

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Node, tuple[list[Tensor | None], Tensor | None]] = WeakKeyDictionary()

    def __enter__(self) -> DualLevel:
        mode = current_mode()
        self._below = mode.recorders
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self)))
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.clear()
        reset_mode(self._token)

    def get(self, t: Any) -> Tensor | None:
        """The tangent of a tensor; None for a constant."""
        if not isinstance(t, Tensor):
            return None
        marks = getattr(t, "_tangents", None)
        if t._view is None:
            return None if marks is None else marks.get(self)
        source = self.get(t._view.base)
        if source is None:
            return None
        known = None if marks is None else marks.get(self)
        if known is None or known[0] is not source:
            known = (source, self.quietly(source.via, t._view.path))
            _marks(t)[self] = known
        return known[1]  # type: ignore[no-any-return]

    def set(self, t: Tensor, tangent: Tensor | None) -> None:
        """Give a tensor that is no view its tangent."""
        if tangent is not None:
            _marks(t)[self] = tangent
        else:
            _marks(t).pop(self, None)

    def dual(self, t: Tensor, tangent: Tensor) -> Tensor:
        """The same memory and history, with a tangent at this level."""
        twin = wrap(t.array)
        twin._cell, twin._node, twin._requires_grad = t._cell, t.grad_fn, t.requires_grad
        if twin._requires_grad and twin._node is None:
            twin = t.reshape(t.shape)
            twin._view = None
        for level in self._below:
            if isinstance(level, DualLevel):
                level.set(twin, level.get(t))
        self.set(twin, tangent)
        return twin

    def quietly(self, f: Callable[..., Any], *arguments: Any) -> Any:
        """Run something that only the levels below hear of."""
        token = set_mode(Mode(current_mode().grad, self._below))
        try:
            return f(*arguments)
        finally:
            reset_mode(token)

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """Compute the output's tangent, if any input has one."""
        if output.array.dtype.kind != "f" or op.vjp is None:
            return
        moves = [self.get(t) for t in inputs]
        if all(m is None for m in moves):
            return
        if output._view is None:
            self.set(output, self.quietly(tangent, op, inputs, attrs, output, moves))
        if output._node is not None:
            self._kept[output._node] = (moves, self.get(output))

    def copied(self, old: Tensor, new: Tensor) -> None:
        self.set(new, self.get(old))

    def written(self, target: Tensor, value: Tensor) -> None:
        moved = self.get(value)
        if moved is None and self.get(target) is None and (target._view is None or self.get(target._view.base) is None):
            return
        self.quietly(self._rewrite, target, zeros_like(target) if moved is None else moved)

    def _rewrite(self, target: Tensor, moved: Tensor) -> None:
        moved = moved if moved.array.dtype == target.array.dtype else apply(Cast, (moved,), {"dtype": target.dtype})
        moved = moved.expand(target.shape)
        if target._view is None:
            self.set(target, moved)
        else:
            base = target._view.base
            known = self.get(base)
            source = zeros_like(base) if known is None else known
            self.set(base, source.put_view(moved, path=target._view.path))

    def enter(self, node: Node, inputs: list[Any], output: Any) -> None:
        kept = self._kept.get(node)
        if kept is not None:
            for t, move in zip((*inputs, output), (*kept[0], kept[1]), strict=False):
                if isinstance(t, Tensor) and move is not None:
                    self.set(t, move)


def _marks(t: Tensor) -> dict[DualLevel, Any]:
    return t.__dict__.setdefault("_tangents", {})  # type: ignore[no-any-return]


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


def levels() -> list[DualLevel]:
    """The open levels, outermost first."""
    return [r for r in current_mode().recorders if isinstance(r, DualLevel)]


def cut(t: Any) -> Any:
    """A tensor without its history, but (unlike `detach()`) with its tangents."""
    if not isinstance(t, Tensor):
        return t
    same = wrap(t.array)
    same._cell = t._cell
    for level in levels():
        level.set(same, level.get(t))
    return same


def input_of(t: Tensor) -> Tensor:
    """What a function is called with to be differentiated there: history from here on, joined to older history."""
    if t.requires_grad and current_mode().grad:
        return t.reshape(t.shape)
    return cut(t).requires_grad_()  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------- torch.autograd.forward_ad
class UnpackedDualTensor(NamedTuple):
    """A value and its tangent (None where it has none).

    >>> engine.autograd.forward_ad.unpack_dual(engine.tensor(3.0))
    UnpackedDualTensor(primal=tensor(3.), tangent=None)
    """

    primal: Tensor
    tangent: Tensor | None


class dual_level:  # noqa: N801
    """`with dual_level():` opens a level for dual numbers; there is one at a time (`func.jvp` nests).

    >>> fw = engine.autograd.forward_ad
    >>> with fw.dual_level():
    ...     x = fw.make_dual(engine.tensor(3.0), engine.tensor(1.0)); print(fw.unpack_dual(x * x).tangent)
    tensor(6.)
    """

    def __enter__(self) -> DualLevel:
        if any(isinstance(r, _Public) for r in current_mode().recorders):
            raise GraphError("Nested forward mode AD is not supported at the moment", hint="func.jvp nests.")
        self._level = _Public()
        return self._level.__enter__()

    def __exit__(self, *_: object) -> None:
        self._level.__exit__()


class _Public(DualLevel):
    """The level that users open by hand."""


def make_dual(tensor: Tensor, tangent: Tensor, *, level: DualLevel | None = None) -> Tensor:
    """The tensor with a tangent: the direction along which everything computed from it is differentiated.

    >>> with engine.autograd.forward_ad.dual_level():
    ...     engine.autograd.forward_ad.make_dual(engine.tensor(3.0), engine.tensor(1.0))
    tensor(3.)
    """
    open_levels = levels()
    if not open_levels:
        raise GraphError(
            "Trying to create a dual Tensor for forward AD but no level exists",
            hint="Write it inside of `with dual_level():`.",
        )
    if tensor.array.dtype.kind != "f":
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if tensor.array.shape != tangent.array.shape:
        raise ShapeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor",
            words(tensor.array.shape),
            words(tangent.array.shape),
        )
    return (level or open_levels[-1]).dual(tensor, tangent)


def unpack_dual(tensor: Tensor, *, level: DualLevel | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a dual number.

    >>> engine.autograd.forward_ad.unpack_dual(engine.tensor(3.0)).tangent is None
    True
    """
    open_levels = [level] if level else levels()
    if not open_levels:
        return UnpackedDualTensor(tensor, None)
    found = open_levels[-1].get(tensor)
    plain = wrap(tensor.array)
    plain._cell, plain._node, plain._requires_grad = tensor._cell, tensor.grad_fn, tensor.requires_grad
    return UnpackedDualTensor(tensor if found is None else plain, found)


# -------------------------------------------------------------------------------------- derivatives of functions
def pushed(function: Callable[..., Any], inputs: tuple[Any, ...], moves: tuple[Any, ...]) -> tuple[Any, Any]:
    """(f(x), for each tensor of f(x) how it moves, by `id`): one pass; inputs whose move is None stand still."""
    with DualLevel() as level:
        duals = [x if m is None else level.dual(x, m) for x, m in zip(inputs, moves, strict=True)]
        result = function(*duals)
        found = {id(y): level.get(y) for y in leaves(result) if isinstance(y, Tensor)}
    for y in leaves(result):
        if isinstance(y, Tensor):
            level.set(y, None)
    return result, lambda y: zeros_like(y) if found.get(id(y)) is None else found[id(y)]


def jvp(function: Callable[..., Any], inputs: Any, v: Any) -> tuple[Any, Any]:
    """(f(x), how f(x) moves when x moves along v): one pass, no history needed."""
    several = isinstance(inputs, tuple | list)
    result, move = pushed(function, tuple(inputs) if several else (inputs,), tuple(v) if several else (v,))
    return result, mapped(move, result)
