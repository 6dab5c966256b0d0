"""What operations over one, two or three spatial axes share: sizes per axis, and one definition for all ranks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from engine.array import Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import function, words

Call = Callable[..., Any]


def sizes(where: str, value: Any, n: int) -> Shape:
    """One whole number per spatial axis, from one number or n of them."""
    given = tuple(value) if isinstance(value, tuple | list) else (value,)
    given = given * n if len(given) == 1 else given
    if len(given) != n or not all(hasattr(k, "__index__") for k in given):
        raise ArgumentError(where, f"a whole number, or {n} of them", repr(value))
    return tuple(int(k) for k in given)


def pair(where: str, value: Any) -> Shape:
    """(height, width) from one number or two."""
    return sizes(where, value, 2)


def out_size(n: int, k: int, stride: int, padding: int, dilation: int) -> int:
    """Positions that a window of k taps has on n places."""
    return (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1


def batched(where: str, input: Any, n: int) -> tuple[Any, bool]:
    """The input with a batch axis in front of (channel, *space), and whether it had to be added."""
    if input.ndim not in (n + 1, n + 2):
        hint = "The axes are (batch, channel, *space); the batch may be left out."
        raise ShapeError(where, f"an input with {n + 1} or {n + 2} dims", words(input.shape), hint)
    return (input.unsqueeze(0), True) if input.ndim == n + 1 else (input, False)


def ranked(*examples: str, first: int = 1) -> Callable[[Call], Call]:
    """Register `f(n, input, ...)` once per rank, as f1d, f2d, f3d, each with its own example."""

    def register(f: Call) -> Call:
        signature = inspect.signature(f)
        shown = signature.replace(parameters=list(signature.parameters.values())[1:])
        for n, example in enumerate(examples, first):
            function(_of_rank(f, n, shown, f"{(f.__doc__ or '').rstrip()}\n\n    >>> {example}\n    "))
        return f

    return register


def _of_rank(f: Call, n: int, signature: inspect.Signature, text: str) -> Call:
    def call(*arguments: Any, **named: Any) -> Any:
        return f(n, *arguments, **named)

    call.__name__ = call.__qualname__ = f.__name__.replace("_nd", f"{n}d")
    call.__doc__, call.__module__ = text, f.__module__
    setattr(call, "__signature__", signature)  # noqa: B010
    return call
