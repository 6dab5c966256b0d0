"""The table of rules: what an op means in the graph's words, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rule = Callable[..., Any]

RULES: dict[str, Rule] = {}
"""Each is the op's `forward` once more, on symbolic arrays; it raises `NoRule` for what it leaves to the array code."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function as the rule of these ops."""

    def entered(f: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, f))
        return f

    return entered
