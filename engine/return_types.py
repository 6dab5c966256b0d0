"""Named results: what `max(dim)`, `sort`, `svd` and their like return, printed as PyTorch prints them."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any


@cache
def kind_of(name: str, fields: tuple[str, ...]) -> Any:
    """The class of an operation's results, a tuple with names."""
    plain: Any = namedtuple(name, fields)  # type: ignore[misc]

    def shown(self: Any) -> str:
        parts = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self, strict=True))
        return f"engine.return_types.{name}(\n{parts})"

    rules = {"__repr__": shown, "__reduce__": lambda self: (_again, (name, fields, tuple(self)))}
    return type(name, (plain,), {"__slots__": (), "__module__": __name__, **rules})


def _again(name: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return kind_of(name, fields)(*values)


def named(name: str, results: Any) -> Any:
    """Results with field names in the class that bears the operation's name; anything else as it is."""
    if not isinstance(results, tuple):
        return results
    fields = getattr(results, "_fields", None)
    return results if fields is None or type(results).__name__ == name else kind_of(name, fields)(*results)
