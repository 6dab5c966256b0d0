"""The table of rewriting rules by kind of node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.compiler.ir import Fill, Kind, Value

Rule = Callable[..., Value | None]

RULES: dict[type[Kind], list[Rule]] = {}
"""rule(builder, *inputs, **attrs): a value that means the same as the node would, or None."""


def rewrites(*kinds: type[Kind]) -> Callable[[Rule], Rule]:
    """Enter a function as a rule for nodes of these kinds; of several kinds it is told which, after the builder."""

    def entered(f: Rule) -> Rule:
        for kind in kinds:
            RULES.setdefault(kind, []).append(f if len(kinds) == 1 else _of_kind(f, kind))
        return f

    return entered


def _of_kind(f: Rule, kind: type[Kind]) -> Rule:
    def rule(b: Any, *inputs: Any, **attrs: Any) -> Value | None:
        return f(b, kind, *inputs, **attrs)

    rule.__name__ = f.__name__
    return rule


def made_by(value: Any, kind: type[Kind]) -> bool:
    """Whether a value is the output of a node of this kind."""
    return isinstance(value, Value) and value.node is not None and value.node.kind is kind


def number_in(value: Any) -> Any:
    """The number that stands everywhere in a value (or the number itself); None where it is not one number."""
    if not isinstance(value, Value):
        return value
    return value.node.attrs["value"] if value.node is not None and made_by(value, Fill) else None
