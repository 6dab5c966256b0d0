"""What is remembered of a computation: nodes, views, and the mode that says whether anything is."""

from __future__ import annotations

import itertools
import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from engine.array import quiet
from engine.ops.op import Op

if TYPE_CHECKING:
    from engine.tensor import Tensor


class Recorder(Protocol):
    """Something that wants to know of every op: a trace, dual numbers, a profile."""

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """Called after the op ran."""


class Mode:
    """What `apply` does besides computing: record history (grad), and tell the recorders."""

    __slots__ = ("grad", "recorders")

    def __init__(self, grad: bool = True, recorders: tuple[Recorder, ...] = ()) -> None:
        self.grad, self.recorders = grad, recorders


_MODE: ContextVar[Mode | None] = ContextVar("mode", default=None)


def current_mode() -> Mode:
    """The mode of this thread; the first call in a thread turns NumPy's floating-point warnings off."""
    mode = _MODE.get()
    if mode is None:
        quiet()
        mode = Mode()
        _MODE.set(mode)
    return mode


read_mode = _MODE.get
set_mode = _MODE.set
reset_mode = _MODE.reset


class Node:
    """One recorded run of an op.

    edges: for each input the node or leaf that its gradient goes to, or None. saved: for each input what the gradient
    rule reads: the array, or an Abstract where it reads no values, or (shape, dtype) where it reads nothing; out: the
    same for the output. guards: (version cell, version) of everything that must not be changed before backward. seq:
    creation number; inputs are older.
    """

    __slots__ = ("__weakref__", "attrs", "edges", "guards", "hooks", "op", "out", "retained", "saved", "seq")
    _count = itertools.count(1)

    def __init__(
        self, op: Any, attrs: dict[str, Any], edges: list[Any], saved: Any, guards: list[Any], out: Any
    ) -> None:
        self.op, self.attrs, self.edges, self.saved, self.guards, self.out = op, attrs, edges, saved, guards, out
        self.hooks: Any = None
        self.retained: Any = None
        self.seq = next(Node._count)

    def free(self) -> None:
        """Let go of what the gradient rule reads; the node can not be walked again."""
        self.saved = None
        self.out = None

    def name(self) -> str:
        """The op's name in PyTorch's manner, e.g. MulBackward0."""
        return "".join(part.capitalize() for part in self.op.name.split("_")) + "Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes (or leaves) that gradients go to from here."""
        return tuple((edge, 0) for edge in self.edges if edge is not None)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class View:
    """How a tensor looks into the memory of another: the base, and the ops from there to here."""

    __slots__ = ("base", "path", "seen")

    def __init__(self, base: Tensor, path: tuple[Any, ...], seen: int) -> None:
        self.base, self.path, self.seen = base, path, seen


class Size(tuple[int, ...]):
    """A shape: a tuple that prints as PyTorch's and counts its elements."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"engine.Size({list(self)})"


class Handle:
    """Takes a hook away again: `handle.remove()`."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook
        hooks.append(hook)

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self._hooks[:] = [h for h in self._hooks if h is not self._hook]
