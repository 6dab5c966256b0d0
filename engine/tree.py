"""Trees of tuples, lists and dicts: what functions take and give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def is_branch(tree: Any) -> bool:
    """Whether something holds others: a tuple, a list or a dict."""
    return isinstance(tree, (tuple, list, dict))


def leaves(tree: Any) -> list[Any]:
    """Everything in the tree that holds no others, in order."""
    if not is_branch(tree):
        return [tree]
    return [leaf for part in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(part)]


def rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    """The same tree with other leaves."""
    if not is_branch(tree):
        return next(values)
    if isinstance(tree, dict):
        return type(tree)((key, rebuilt(part, values)) for key, part in tree.items())
    parts = [rebuilt(part, values) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """The tree of f(leaf)."""
    return rebuilt(tree, iter([f(leaf) for leaf in leaves(tree)]))


def spread(prefix: Any, tree: Any) -> list[Any]:
    """For each leaf of the tree its value in a tree of the same form, or in one that stops earlier."""
    if not is_branch(tree):
        return [prefix]
    if not is_branch(prefix):
        return [prefix] * len(leaves(tree))
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    if len(prefix) != len(tree):
        raise ValueError(f"expected a tree of {len(tree)} parts, got {len(prefix)}")
    return [value for key in keys for value in spread(prefix[key], tree[key])]
