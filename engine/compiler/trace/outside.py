"""What a step leaves behind in Python: lists that grow, attributes that are set. A replayed step would leave nothing.

Looked at are the variables that its functions find outside of themselves, what these hold where they are lists or the
like, and the attributes of those that are no part of the engine: a trainer's own, those of modules that somebody wrote.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

from engine.compiler.trace.guard import PLAIN, variables
from engine.compiler.trace.plain import is_ours
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.optim.schedule import LRScheduler
from engine.tensor import Tensor

HOLDING = (list, dict, set, deque)
FOLLOWED = (Optimizer, LRScheduler, Tensor)
"""What is written to is looked at elsewhere, whoever wrote the class."""
MOST = 1000
"""Objects that are looked at: who holds more will hardly have a step that writes to one of them alone."""
OURS = frozenset(vars(Module()))
"""Attributes that every module has."""


class Outside:
    """Whatever of Python a step could write to, as it is now."""

    def __init__(self, step: Any) -> None:
        self.held = [(name, what, _copy(what)) for name, what in _reachable(step, set())]

    def changed(self) -> str:
        """The name of something that holds other things than before; empty where all is the same."""
        for name, what, before in self.held:
            now = _copy(what)
            if len(now) != len(before) or not all(map(_is_same, now, before)):
                return name
        return ""


def _copy(what: Any) -> list[Any]:
    return [*what, *what.values()] if isinstance(what, dict) else list(what)


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (a.__class__ in PLAIN and a.__class__ is b.__class__ and a == b)


def _reachable(function: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """(name, list or the like) of all that a function can write to; attributes are a dict."""
    owner = [("self", function.__self__, None)] if isinstance(function, MethodType) else []
    for name, what, _ in owner + variables(function):
        yield from _held(name, what, seen)


def _held(name: str, what: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(what) in seen or len(seen) > MOST or isinstance(what, (ModuleType, type, *FOLLOWED)):
        return
    seen.add(id(what))
    if isinstance(what, HOLDING):
        yield repr(name), what
    elif isinstance(what, (FunctionType, MethodType)):
        yield from () if is_ours(what) else _reachable(what, seen)
    elif isinstance(what, Module):
        for path, module in what.named_modules():
            if not is_ours(type(module)):
                yield from _attributes(".".join(filter(None, (name, path))), module, OURS, seen)
    elif hasattr(what, "__dict__") and not is_ours(type(what)):
        yield from _attributes(name, what, frozenset(), seen)


def _attributes(name: str, owner: Any, known: frozenset[str], seen: set[int]) -> Iterator[tuple[str, Any]]:
    """An object's own attributes, what is held by them, and what its methods can write to."""
    yield f"an attribute of {name!r}", vars(owner)
    for key, what in [*vars(owner).items()]:
        if key not in known:
            yield from _held(f"{name}.{key}", what, seen)
    for method in vars(type(owner)).values():
        if isinstance(method, FunctionType):
            yield from _reachable(method, seen)
