"""Less memory for more time: a part of a network keeps nothing and is computed again in backward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from engine.autodiff import enable_grad
from engine.errors import GraphError
from engine.rng import default_generator
from engine.saved import saved_tensors_hooks
from engine.tensor import Tensor


class CheckpointError(GraphError):
    """The second computation did not do what the first did."""

    code = "checkpoint"


class _Rerun:
    """What stands for the values of one checkpointed call: numbers, until one is needed."""

    def __init__(self, run: Callable[[], Any], keep_state: bool) -> None:
        self._run, self._count, self._values = run, 0, dict[int, Tensor]()
        self._state = default_generator.get_state() if keep_state else None

    def number(self, _: Tensor) -> int:
        """In the place of a value: which one it is."""
        self._count += 1
        return self._count - 1

    def value(self, number: int) -> Tensor:
        """The value, from a second run of the function where it is not at hand."""
        if number not in self._values:
            self._again()
        return self._values.pop(number)

    def _again(self) -> None:
        found: list[Tensor] = []
        now = default_generator.get_state()
        if self._state is not None:
            default_generator.set_state(self._state)
        with enable_grad(), saved_tensors_hooks(lambda t: found.append(t.detach()), lambda _: found[0]):
            self._run()
        if self._state is not None:
            default_generator.set_state(now)
        if len(found) != self._count:
            raise CheckpointError(
                "A different number of tensors was saved during the original forward and recomputation",
                str(self._count),
                len(found),
            )
        self._values = dict(enumerate(found))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), without keeping what its gradient needs: that is computed again in backward.

    Random numbers are drawn again alike. `use_reentrant` makes no difference here: one way serves every gradient.
    Source: Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016.

    >>> x = engine.tensor(2.0, requires_grad=True)
    >>> engine.utils.checkpoint.checkpoint(lambda x: (x * x).exp(), x, use_reentrant=False).backward(); x.grad
    tensor(218.3926)
    """
    first, second = (nullcontext(), nullcontext()) if context_fn is None else context_fn()

    def run() -> Any:
        with second:
            return function(*args, **kwargs)

    again = _Rerun(run, preserve_rng_state)
    with first, saved_tensors_hooks(again.number, again.value):
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A chain of functions in segments, of which only the inputs are kept (the last segment keeps all).

    >>> x = engine.tensor(2.0, requires_grad=True)
    >>> engine.utils.checkpoint.checkpoint_sequential([engine.exp, engine.sin], 2, x).backward()
    """
    parts = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = max(len(parts) // segments, 1)

    def chain(start: int, end: int) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            for part in parts[start:end]:
                x = part(x)
            return x

        return forward

    last = size * (segments - 1) if len(parts) >= segments else 0
    for start in range(0, last, size):
        input = checkpoint(chain(start, start + size), input, **kwargs)
    return chain(last, len(parts))(input)
