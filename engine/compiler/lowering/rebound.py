"""An op whose attributes hold arrays that the step computes, such as the positions in `x[i]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.compiler.graph.ir import Value
from engine.tree import mapped


class Rebound:
    """An op whose attributes hold arrays that the step computes: they come as further inputs."""

    def __init__(self, op: Any, attrs: dict[str, Any], count: int) -> None:
        self.op, self.attrs, self.count, self.name = op, attrs, count, op.name

    def forward(self, xp: Any, *arrays: Any) -> Any:
        """The op, with its attributes filled in."""
        late = iter(arrays[len(arrays) - self.count :])
        attrs = {name: _filled(value, late) for name, value in self.attrs.items()}
        return self.op.forward(xp, *arrays[: len(arrays) - self.count], **attrs)


def _filled(value: Any, late: Any) -> Any:
    fill: Callable[[Any], Any] = lambda v: next(late) if isinstance(v, Value) else v
    return mapped(fill, value) if isinstance(value, tuple | list) else fill(value)
