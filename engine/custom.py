"""A user's own operation, with its own forward, backward and jvp: `class Cube(Function)`."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from engine.autodiff import no_grad
from engine.errors import GraphError
from engine.forward import DualLevel, levels
from engine.graph import Mode, Node, current_mode, freed, reset_mode, set_mode
from engine.inplace import adopt
from engine.ops.op import words
from engine.saved import innermost
from engine.sweep import Kept
from engine.tensor import Tensor, wrap

F = TypeVar("F", bound=Callable[..., Any])


class FunctionCtx:
    """What a Function's forward leaves for its backward: saved tensors, and anything set as an attribute."""

    def __init__(self, wanted: tuple[bool, ...] = ()) -> None:
        self.needs_input_grad = wanted
        self.materialize_grads = True
        self._given: tuple[Any, ...] = ()
        self._saved: list[Any] | None = []
        self._forward: tuple[Any, ...] | None = None
        self._nodes: list[Any] = []
        self._moving = False
        self.dirty_tensors: tuple[Tensor, ...] = ()
        self._flat: frozenset[int] = frozenset()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs, outputs or others; backward refuses them if they were changed in place meanwhile."""
        self._given = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`."""
        self._forward = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that inputs were changed in place (and are returned)."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that outputs have no gradient."""
        self._flat = frozenset(id(t) for t in tensors)

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True) or None for an output without a gradient."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The kept tensors, in order."""
        if self._moving:
            return self._given if self._forward is None else self._forward
        if self._saved is None:
            raise freed()
        return tuple(None if entry is None else entry(self) for entry in self._saved)

    def _seal(self, outputs: list[Any]) -> None:
        """Forward is done: hold what was given in a way that makes no circle of references."""
        self._saved = [None if t is None else _entry(t, outputs) for t in self._given]
        self._given, self._flat, self.dirty_tensors = (), frozenset(), ()


def _entry(t: Tensor, outputs: list[Any]) -> Callable[[FunctionCtx], Tensor]:
    """How a kept tensor is found again: with its history, and refused where it was written to."""
    a, cell, version, place = t.array, t._cell, t._cell[0], next((i for i, y in enumerate(outputs) if y is t), None)
    edge = t if place is None and t._node is None else t._node
    marks, hooks = t.__dict__.get("_tangents"), innermost()
    kept: Any = a if hooks is None else hooks.keep(t.detach())

    def found(context: FunctionCtx) -> Tensor:
        if kept is a and cell[0] != version:
            raise GraphError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"[{a.dtype} {words(a.shape)}], saved by save_for_backward",
                f"version {version}",
                f"version {cell[0]}",
            )
        if isinstance(edge, Tensor) and kept is a:
            return edge
        again: Tensor = kept.unpack(kept.packed) if isinstance(kept, Kept) else wrap(a)
        node = edge if place is None else context._nodes[place]() if place < len(context._nodes) else None
        if isinstance(node, Node):
            again._node, again._requires_grad = node, True
        if marks:
            again.__dict__["_tangents"] = marks
        again._cell = cell
        return again

    return found


class _OwnOp:
    """Stands for a Function in the graph: its vjp is the user's backward."""

    jvp, reads_output = None, 0

    def __init__(self, function: type[Function], context: FunctionCtx, inputs: tuple[Any, ...], place: int) -> None:
        self.name, self._function, self.context, self._place = function.__name__, function, context, place
        self.node_name = f"{self.name}Backward"
        self._inputs = [t.array.shape if isinstance(t, Tensor) else None for t in inputs]
        self.outputs: list[tuple[Any, Any] | None] = []

    def release(self) -> None:
        """The walk is over: let go of saved tensors."""
        self.context._saved = None

    def vjp(self, g: Any, y: Any, *inputs: Any) -> tuple[Any, ...]:
        """What the user's backward gives; zeros (or None) for outputs without a gradient."""
        known = g.parts if isinstance(g, _Bundle) else {self._place: g}
        like = next(iter(known.values()))
        zeros = self.context.materialize_grads
        gradients = [
            known[i] if i in known else like.new_zeros(kind[0]).to(kind[1]) if kind and zeros else None
            for i, kind in enumerate(self.outputs)
        ]
        given = self._function.backward(self.context, *gradients)
        slopes = tuple(given) if isinstance(given, tuple | list) else (given,)
        expected = len(self._inputs)
        if len(slopes) < expected or any(s is not None for s in slopes[expected:]):
            raise GraphError(
                f"function {self.node_name} returned an incorrect number of gradients "
                f"(expected {expected}, got {len(slopes)})",
                hint="Return None for an input without one.",
            )
        for i, (slope, shape) in enumerate(zip(slopes, self._inputs, strict=False)):
            self._check(i, slope, shape)
        return slopes[:expected]

    def _check(self, place: int, slope: Any, shape: Any) -> None:
        if slope is None or shape is None:
            return
        if not isinstance(slope, Tensor):
            raise GraphError(f"{self.node_name}: gradient {place}", "a Tensor or None", type(slope).__name__)
        try:
            fits = np.broadcast_shapes(slope.array.shape, shape) == slope.array.shape
        except ValueError:
            fits = False
        if not fits:
            raise GraphError(
                f"Function {self.node_name} returned an invalid gradient at index {place} - "
                f"got {words(slope.array.shape)} but expected shape compatible with {words(shape)}"
            )


class _Bundle:
    """The gradients of several outputs of one Function, on their way to it together."""

    shape, dtype = (), "gradients"

    def __init__(self, parts: dict[int, Tensor]) -> None:
        self.parts = parts

    @property
    def array(self) -> _Bundle:
        """Where a walk looks for shape and dtype."""
        return self

    def __add__(self, other: _Bundle) -> _Bundle:
        both = {i: self.parts[i] + g for i, g in other.parts.items() if i in self.parts}
        return _Bundle({**self.parts, **other.parts, **both})


class _Part:
    """One of several outputs of a Function."""

    jvp, reads_output = None, 0

    def __init__(self, inner: Node, place: int) -> None:
        self.inner, self._place, self.node_name = inner, place, inner.op.node_name
        self.name, self.context = inner.op.name, inner.op.context

    def release(self) -> None:
        """Nothing is kept here."""

    def vjp(self, g: Tensor, y: Any, *_: Any) -> tuple[_Bundle]:
        """On to the Function itself."""
        return (_Bundle({self._place: g}),)


class Function:
    """Subclass it with static `forward(ctx, *inputs)` and `backward(ctx, *gradients)`; call it by `.apply(...)`.

    Or `forward(*inputs)` with `setup_context(ctx, inputs, output)`; `jvp(ctx, *tangents)` for forward mode (without it,
    backward is transposed).

    >>> class Cube(engine.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x): ctx.save_for_backward(x); return x ** 3
    ...     @staticmethod
    ...     def backward(ctx, g): return g * 3 * ctx.saved_tensors[0] ** 2
    >>> x = engine.tensor(2.0, requires_grad=True); Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(*inputs: Any, **named: Any) -> Any:
        """The values; runs without history."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """For each input its gradient, or None."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    setup_context: Callable[..., None] | None = None
    jvp: Callable[..., Any] | None = None

    def __init_subclass__(cls) -> None:
        if "vjp" in cls.__dict__ and "backward" not in cls.__dict__:
            setattr(cls, "backward", cls.__dict__["vjp"])  # noqa: B010

    @classmethod
    def apply(cls, *inputs: Any, **named: Any) -> Any:
        """Run forward, and record that backward belongs to it."""
        context = FunctionCtx(tuple(isinstance(t, Tensor) and t.requires_grad for t in inputs))
        mode, open_levels = current_mode(), levels()
        token = set_mode(Mode(False, tuple(r for r in mode.recorders if not isinstance(r, DualLevel))))
        try:
            result = cls._forward(context, inputs, named)
        finally:
            reset_mode(token)
        outputs = list(result) if isinstance(result, tuple) else [result]
        dirty, flat = {id(t) for t in context.dirty_tensors}, context._flat
        recorded = mode.grad and any(context.needs_input_grad)
        op = _OwnOp(cls, context, inputs, 0)
        op.outputs = [(y.array.shape, y.array.dtype) if isinstance(y, Tensor) else None for y in outputs]
        for level in open_levels:
            cls._move(level, op, inputs, outputs)
        found = [_Result(y, inputs, id(y) in dirty, id(y) in flat) for y in outputs]
        if recorded:
            _tie(op, inputs, found)
        context._seal(outputs)
        for level in open_levels:
            for new, y in zip(found, outputs, strict=True):
                if new.value is not y:
                    level.set(new.value, level.get(y))
        return tuple(r.value for r in found) if isinstance(result, tuple) else found[0].value

    @classmethod
    def _forward(cls, context: FunctionCtx, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if cls.setup_context is None:
            return cls.forward(context, *inputs, **named)
        result = cls.forward(*inputs, **named)
        cls.setup_context(context, inputs, result)
        return result

    @classmethod
    def _move(cls, level: DualLevel, op: _OwnOp, inputs: tuple[Any, ...], outputs: list[Any]) -> None:
        """The tangents of the outputs at one level: from the user's jvp, or from backward by transposition."""
        moves = [level.get(t) for t in inputs]
        if all(m is None for m in moves):
            return
        if cls.jvp is None:
            for i, y in enumerate(outputs):
                if isinstance(y, Tensor):
                    context = op.context
                    context._moving, op._place = True, i
                    level.record(op, inputs, {}, y)  # type: ignore[arg-type]
                    context._moving, op._place = False, 0
            return
        op.context._moving = True
        answer = level.quietly(cls.jvp, op.context, *moves)
        op.context._moving = False
        for y, move in zip(outputs, answer if isinstance(answer, tuple) else (answer,), strict=False):
            if isinstance(y, Tensor) and move is not None:
                level.set(y, move)


class _Result:
    """One output of a forward, and the tensor that the caller gets."""

    def __init__(self, y: Any, inputs: tuple[Any, ...], dirty: bool, flat: bool) -> None:
        self.value, self.dirty = y, dirty
        self.smooth = isinstance(y, Tensor) and not flat and y.array.dtype.kind == "f"
        if isinstance(y, Tensor) and not dirty and (y._view is not None or any(y is t for t in inputs)):
            self.value = wrap(y.array)
            self.value._cell = y._cell


def _tie(op: _OwnOp, inputs: tuple[Any, ...], results: list[_Result]) -> None:
    """Nodes for the outputs: one for a single one, else one for the Function and a small one for each output."""
    edges = [(t.grad_fn or t) if isinstance(t, Tensor) and t.requires_grad else None for t in inputs]
    saved = [(t.array.shape, t.array.dtype) if isinstance(t, Tensor) else None for t in inputs]
    node = Node(op, {}, edges, saved, [], op.outputs[0] or ((), None))
    for i, result in enumerate(results):
        if not result.smooth:
            op.context._nodes.append(lambda: None)
            continue
        y, end = result.value, node
        if len(results) > 1:
            end = Node(_Part(node, i), {}, [node], [((), _Bundle.dtype)], [], op.outputs[i] or ((), None))
        op.context._nodes.append(weakref.ref(end))
        if result.dirty:
            fresh = wrap(y.array)
            fresh._node, fresh._requires_grad = end, True
            adopt(y, fresh)
        else:
            y._node, y._requires_grad = end, True


def once_differentiable(backward: F) -> F:
    """Decorates a backward that is not made of differentiable operations: a second derivative is refused.

    >>> engine.autograd.function.once_differentiable(lambda ctx, g: g)(None, engine.tensor(1.0))
    tensor(1.)
    """

    @wraps(backward)
    def once(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            given = backward(ctx, *gradients)
        needed = [g for g in gradients if isinstance(g, Tensor) and g.requires_grad]
        if not (current_mode().grad and needed):
            return given
        outputs = given if isinstance(given, tuple) else (given,)
        sealed = tuple(_sealed(y, needed) if isinstance(y, Tensor) else y for y in outputs)
        return sealed if isinstance(given, tuple) else sealed[0]

    return once  # type: ignore[return-value]


class _Once:
    """Refuses to be differentiated."""

    name, node_name, jvp = "once_differentiable", "DelayedError", None

    @staticmethod
    def release() -> None:
        """Nothing is kept."""

    @staticmethod
    def vjp(*_: Any) -> Any:
        raise GraphError("trying to differentiate twice a function that was marked with @once_differentiable")


def _sealed(y: Tensor, needed: list[Tensor]) -> Tensor:
    t = wrap(y.array)
    kept = [(g.array.shape, g.array.dtype) for g in needed]
    t._node = Node(_Once, {}, [g.grad_fn or g for g in needed], kept, [], (y.array.shape, y.array.dtype))
    t._requires_grad = True
    return t
