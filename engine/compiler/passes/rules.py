"""The table of rewriting rules by kind of node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.compiler.graph.ir import KINDS, LONG, SCALARS, Fill, Kind, Map, Reduce, Source, Value

Rule = Callable[..., Value | None]

RULES: dict[Any, list[tuple[Rule, frozenset[Any], bool]]] = {}
"""By the kind of node, or by (kind, function) for maps and reductions: rules, each with the kinds of which an input has
to be for it to be tried (none: always), and whether it asks who reads a value.

rule(builder, *inputs, **attrs): a value that means the same as the node would, or None."""

CONSTANT = "constant"
COUNT = "count"
WHOLE, NUMBER = "whole number", "number"
"""In the place of a kind: an input that is a constant source; a value of int64; an int, or a float, beside values."""

MARKS: dict[Any, int] = {}
"""A bit for each kind of input."""


def rewrites(
    *kinds: type[Kind], of: Iterable[Any] = (), fns: Iterable[str] = (), readers: bool = False
) -> Callable[[Rule], Rule]:
    """Enter a function as a rule for nodes of these kinds (maps and reductions: of these functions, else of all) that
    have an input made by a node of one of the kinds `of`. A rule of several kinds is told which one, after the builder.
    readers: it asks who reads a value, so that it may find later what it did not find before.
    """

    def entered(f: Rule) -> Rule:
        for kind in kinds:
            rule = f if len(kinds) == 1 else _of_kind(f, kind)
            known = FUNCTIONS.get(kind)
            for key in [kind] if known is None else [(kind, fn) for fn in fns or known]:
                RULES.setdefault(key, []).append((rule, frozenset(of), readers))
        return f

    return entered


MARKS.update({kind: 1 << i for i, kind in enumerate((*KINDS, CONSTANT, COUNT, WHOLE, NUMBER))})
_CONSTANT, _COUNT, _WHOLE, _NUMBER = (MARKS[kind] for kind in (CONSTANT, COUNT, WHOLE, NUMBER))
_FITTING: dict[Any, tuple[Rule, ...]] = {}


def fitting(what: Any, inputs: Iterable[Any], again: bool = False) -> tuple[Rule, ...]:
    """The rules to try for a node: `what` is its kind, or (kind, function); again: where all have been tried before."""
    marks = 0
    for x in inputs:
        if not isinstance(x, Value):
            marks |= _WHOLE if isinstance(x, int) else _NUMBER
            continue
        if x.node is not None:
            marks |= MARKS[x.node.kind]
        elif isinstance(x, Source) and x.role == "constant":
            marks |= _CONSTANT
        if x.dtype == LONG:
            marks |= _COUNT
    found = _FITTING.get((what, marks, again))
    if found is None:
        of = {kind for kind, mark in MARKS.items() if mark & marks}
        asked = [(rule, wanted) for rule, wanted, readers in RULES.get(what, ()) if readers or not again]
        found = tuple(rule for rule, wanted in asked if not wanted or not wanted.isdisjoint(of))
        _FITTING[what, marks, again] = found
    return found


FUNCTIONS: dict[Any, Iterable[str]] = {Map: tuple(SCALARS), Reduce: tuple(Reduce.RUN)}


def _of_kind(f: Rule, kind: type[Kind]) -> Rule:
    def rule(b: Any, *inputs: Any, **attrs: Any) -> Any:
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
