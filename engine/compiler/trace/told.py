"""Numbers that a step takes out of tensors: one that is only returned, as `loss.item()` often is, is a result.

While a plain step is watched, `item()` gives a number that is a float or an int in every respect, and says when
somebody calculates with it, compares it or prints it: then Python decides what comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.tree import leaves, mapped

SILENT = frozenset(
    ["__new__", "__init__", "__init_subclass__", "__subclasshook__", "__class__", "__getattribute__", "__setattr__",
     "__delattr__", "__dir__", "__sizeof__", "__getstate__", "__getformat__"]
)  # fmt: skip
"""Methods that tell nothing of the number."""


class Told:
    """A number that was told: array, which holds it; used, who hears of its use; kind, the type that it stands for."""

    array: Any
    used: Callable[[], None]
    kind: type

    def plain(self) -> Any:
        """The number itself."""
        return getattr(self.kind, f"__{self.kind.__name__}__")(self)


def told(number: Any, array: Any, used: Callable[[], None]) -> Any:
    """A number that says when it is used; None for what is neither a float nor an int."""
    made = KINDS.get(type(number))
    if made is None:
        return None
    found = made(number)
    found.array, found.used = array, used
    return found


def returned(result: Any) -> Any:
    """What a step returns, with numbers as anybody else makes them."""
    if any(isinstance(leaf, Told) for leaf in leaves(result)):
        return mapped(lambda leaf: leaf.plain() if isinstance(leaf, Told) else leaf, result)
    return result


def _heard(method: Any) -> Any:
    def heard(self: Any, *arguments: Any) -> Any:
        self.used()
        return method(self, *arguments)

    return heard


def _telling(kind: type) -> type:
    methods = {name: getattr(kind, name) for name in dir(kind) if name not in SILENT}
    return type(kind.__name__, (Told, kind), {n: _heard(m) for n, m in methods.items() if callable(m)} | {"kind": kind})


KINDS = {kind: _telling(kind) for kind in (float, int)}
