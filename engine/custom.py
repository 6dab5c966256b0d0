"""A user's own operation, with its own forward and backward: `class Cube(Function)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.array import Abstract
from engine.autodiff import no_grad, zeros_like
from engine.errors import GraphError
from engine.graph import Node, current_mode
from engine.tensor import Tensor, wrap


class Context:
    """What a Function's forward leaves for its backward."""

    def __init__(self) -> None:
        self._saved: list[tuple[Tensor, Any, int]] = []
        self._dirty: tuple[int, ...] = ()
        self.needs_input_grad: tuple[bool, ...] = ()
        self.non_differentiable: tuple[int, ...] = ()

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keep tensors; backward refuses them if they were changed in place meanwhile."""
        self._saved = [(t, t._cell, t._cell[0]) for t in tensors]

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """The kept tensors, in order."""
        for _, cell, version in self._saved:
            if cell[0] != version:
                raise GraphError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation",
                    f"version {version}",
                    f"version {cell[0]}",
                )
        return tuple(t for t, _, _ in self._saved)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that outputs have no gradient."""
        self.non_differentiable = tuple(id(t) for t in tensors)


class _OwnOp:
    """Stands for a Function in the graph: its vjp is the user's backward."""

    jvp = None

    def __init__(self, function: type[Function], context: Context, outputs: list[Tensor], place: int) -> None:
        self.name, self._function, self._context = function.__name__, function, context
        self._shapes, self._place = [Abstract.of(y.array) for y in outputs], place
        self._likes = [y.detach() for y in outputs] if len(outputs) > 1 else []

    def vjp(self, g: Tensor, y: Any, *inputs: Any) -> tuple[Any, ...]:
        """What the user's backward gives, with zeros for the outputs that this node is not about."""
        gradients = (
            [g] if not self._likes else [g if i == self._place else zeros_like(t) for i, t in enumerate(self._likes)]
        )
        given = self._function.backward(self._context, *gradients)
        slopes = given if isinstance(given, tuple) else (given,)
        if len(slopes) < len(inputs):
            raise GraphError(
                self.name,
                f"{len(inputs)} gradients from backward()",
                len(slopes),
                "Return None for an input without one.",
            )
        return slopes


class Function:
    """Subclass it with static `forward(ctx, *inputs)` and `backward(ctx, *gradients)`; call it by `.apply(...)`."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        """The values; runs without history."""
        raise NotImplementedError("a Function needs forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """For each input its gradient, or None."""
        raise NotImplementedError("a Function needs backward(ctx, *gradients)")

    setup_context: Callable[..., None] | None = None

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Run forward, and record that backward belongs to it."""
        context = Context()
        wanted = [isinstance(t, Tensor) and t.requires_grad for t in inputs]
        context.needs_input_grad = tuple(wanted)
        with no_grad():
            result = cls._forward(context, inputs)
        if not (current_mode().grad and any(wanted)):
            return result
        outputs = list(result) if isinstance(result, tuple) else [result]
        recorded = [cls._recorded(context, inputs, outputs, i) for i in range(len(outputs))]
        return tuple(recorded) if isinstance(result, tuple) else recorded[0]

    @classmethod
    def _forward(cls, context: Context, inputs: tuple[Any, ...]) -> Any:
        if cls.setup_context is None:
            return cls.forward(context, *inputs)
        result = cls.forward(*inputs)
        cls.setup_context(context, inputs, result)
        return result

    @classmethod
    def _recorded(cls, context: Context, inputs: tuple[Any, ...], outputs: list[Tensor], place: int) -> Tensor:
        y = outputs[place]
        if id(y) in context.non_differentiable or y.array.dtype.kind != "f":
            return y
        y = wrap(y.array) if any(y is t for t in inputs) else y
        edges = [(t.grad_fn or t) if isinstance(t, Tensor) and t.requires_grad else None for t in inputs]
        saved = [(t.array.shape, t.array.dtype) if isinstance(t, Tensor) else None for t in inputs]
        y._node = Node(_OwnOp(cls, context, outputs, place), {}, edges, saved, [], (y.array.shape, y.array.dtype))
        y._requires_grad = True
        return y
