"""Writes into memory that others may see: in-place ops, with PyTorch's rules about history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.array import Abstract, can_cast
from engine.errors import DTypeError, GraphError, ShapeError
from engine.graph import Mode, Node, current_mode, read_mode, tell
from engine.ops.elementwise import Cast
from engine.ops.op import VALUES, words
from engine.tensor import Tensor, apply, refresh, wrap


def inplace(t: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """t.op_(): compute from the old value, write into the shared memory, move the history of t (and of its base)."""
    mode = read_mode() or current_mode()
    refuse_overlap(t.array)
    if mode.recorders:
        tell("writing", t)
    if not mode.grad:
        return _told(mode, t, _write(t, compute(t)))
    base = None if t._view is None else t._view.base
    refuse_leaf(t, base)
    y = compute(_before(t))
    if y._requires_grad or t._requires_grad or (base is not None and base._requires_grad):
        _rewrite(t, y, base)
    else:
        _write(t, y)
    return _told(mode, t, y)


def refuse_overlap(a: Any) -> None:
    """An expanded tensor has several elements in one place: what should be written there?"""
    if (
        not isinstance(a, Abstract)
        and a.size
        and 0 in a.strides
        and any(n > 1 and s == 0 for n, s in zip(a.shape, a.strides, strict=True))
    ):
        raise GraphError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location",
            hint="Please clone() the tensor before performing the operation.",
        )


def refuse_leaf(t: Tensor, base: Tensor | None) -> None:
    """A leaf that requires a gradient, or a view of one, may not be written to while history is recorded."""
    if t.requires_grad and t._node is None:
        raise GraphError(
            "a leaf Variable that requires grad is being used in an in-place operation",
            hint="Do it under engine.no_grad(), or out of place.",
        )
    if base is not None and base._requires_grad and base._node is None:
        raise GraphError("a view of a leaf Variable that requires grad is being used in an in-place operation")


def adopt(t: Tensor, y: Tensor) -> None:
    """The memory of t was written to by hand: from now on its history is that of y."""
    base = None if t._view is None else t._view.base
    refuse_leaf(t, base)
    _rewrite(t, y, base)


def _told(mode: Mode, t: Tensor, y: Tensor) -> Tensor:
    for recorder in mode.recorders:
        recorder.written(t, y)
    return t


def _before(t: Tensor) -> Tensor:
    """The value that earlier history speaks of, in memory of its own where history needs it."""
    old = wrap(t.array if isinstance(t.array, Abstract) else t.array.copy(order="K"))
    old._node, old._requires_grad = t._node, t._requires_grad
    for recorder in current_mode().recorders:
        recorder.copied(t, old)
    return old


def _write(t: Tensor, y: Tensor) -> Tensor:
    """Put the numbers of y into the memory of t."""
    a, b = t.array, y.array
    if b.dtype is not a.dtype and not can_cast(b.dtype, a.dtype):
        raise DTypeError("in-place", f"a result that fits {t.dtype}", y.dtype, "Write x = x.op() instead of x.op_().")
    if isinstance(b, Abstract) and not isinstance(a, Abstract) and not tell("unknown", t):
        raise GraphError("in-place", "a result with values", "one of which only shape and dtype are known")
    if a is not b and not isinstance(b, Abstract) and not isinstance(a, Abstract):
        try:
            a[...] = b
        except ValueError as refusal:
            sentence = f"output with shape {words(a.shape)} doesn't match the broadcast shape {words(b.shape)}"
            raise ShapeError(sentence, hint=str(refusal)) from None
    t._cell[0] += 1
    if t._view is not None:
        t._view.seen = t._cell[0]
    return y


def _rewrite(t: Tensor, y: Tensor, base: Tensor | None) -> None:
    """Write with history: t now came out of y's op; for a view, the base came out of a write through the view."""
    if y.array.shape != t.array.shape or y.array.dtype != t.array.dtype:
        y = apply(Cast, (y,), {"dtype": t.array.dtype}) if y.array.shape == t.array.shape else y.expand(t.array.shape)
    if base is None or t._view is None:
        _write(t, y)
        _carry(t._node, y._node)
        t._node, t._requires_grad = y._node, y._requires_grad
        _guard_output(t, y)
        return
    whole = _before(base).put_view(y, path=t._view.path)
    _write(t, y)
    _guard_output(t, y)
    base._node, base._requires_grad = whole._node, whole._requires_grad
    t._view.seen -= 1
    refresh(t)


def _carry(old: Node | None, new: Node | None) -> None:
    """A tensor that retains its gradient goes on doing so at its new node."""
    if old is not None and new is not None and old.notes is not None and old.notes.retained is not None:
        new.noted().retained, old.notes.retained = old.notes.retained, None


def _guard_output(t: Tensor, y: Tensor) -> None:
    """As in PyTorch, what an in-place op wrote must stay as it is where the op's gradient reads it."""
    if y._node is not None and y._node.op.reads_output == VALUES:
        y._node.guards.append((t._cell, t._cell[0], y.array))
