"""What a step leaves behind in Python: lists that grow, attributes that are set, numbers that Python or NumPy draws.

A replayed step would leave nothing, and draw nothing. Looked at are the variables that its functions find outside of
themselves, what these hold where they are lists or the like, and the attributes of those that are no part of the
engine: a trainer's own, those of modules that somebody wrote.
"""

from __future__ import annotations

import pickle
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from engine.compiler.trace.guard import PLAIN, variables
from engine.compiler.trace.plain import is_ours
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.optim.schedule import LRScheduler
from engine.tensor import Tensor

HOLDING = (list, dict, set, deque)
FOLLOWED = (LRScheduler, Tensor)
"""What is written to is looked at elsewhere, whoever wrote the class."""
MOST = 1000
"""Objects that are looked at at most; what a step writes to is near to it."""
OURS = frozenset(vars(Module()))
"""Attributes that every module has."""
KEPT = "the step writes to {}, which a replay would not: let it return what is to be kept"
DRAWN = "the step draws from {}, which a replay would not: draw with engine.rand and the like, or outside of it"
SET = "the step changes a setting of {}, which a replay would not: let a schedule do it"

Reading = tuple[str, str, Callable[[], list[Any]]]
"""(what a step does that changes it: one of these sentences, its name, how to read it)."""


class Outside:
    """Whatever of Python a step could write to, as it is now."""

    def __init__(self, step: Any) -> None:
        numpys = partial(np.random.get_state, legacy=False)
        read: list[Reading] = [
            (DRAWN, "Python's random numbers", partial(_summed, random.getstate)),
            (DRAWN, "NumPy's random numbers", partial(_summed, numpys)),
            *_reachable(step, set()),
        ]
        self.readings = [(*reading, reading[-1]()) for reading in read]

    def changed(self, scheduled: bool) -> str:
        """What the step did to something that is not as before; empty where all is the same. scheduled: a schedule took
        a step, and set rates."""
        for sentence, name, look, before in self.readings:
            if scheduled and sentence is SET:
                continue
            now = look()
            if len(now) != len(before) or not all(map(_is_same, now, before)):
                return sentence.format(name)
        return ""


def _copy(what: Any) -> list[Any]:
    return [*what, *what.values()] if isinstance(what, dict) else list(what)


def _summed(state: Callable[[], Any]) -> list[Any]:
    """The state of a generator, which may be long, as one number."""
    return [hash(pickle.dumps(state()))]


def _settings(optimizer: Optimizer) -> list[Any]:
    return [v for group in optimizer.param_groups for name, v in group.items() if name != "params"]


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (a.__class__ in PLAIN and a.__class__ is b.__class__ and a == b)


def _reachable(function: Any, seen: set[int]) -> Iterator[Reading]:
    """All that a function can write to."""
    owner = [("self", function.__self__)] if isinstance(function, MethodType) else []
    places = getattr(function, "__defaults__", None) or ()
    named = getattr(function, "__kwdefaults__", None) or {}
    defaults = [("a default", what) for what in (*places, *named.values())]
    for name, what in (*owner, *defaults, *((name, what) for name, what, _ in variables(function))):
        yield from _held(name, what, seen)


def _held(name: str, what: Any, seen: set[int]) -> Iterator[Reading]:
    if id(what) in seen or len(seen) > MOST or isinstance(what, (ModuleType, type, *FOLLOWED)):
        return
    seen.add(id(what))
    if isinstance(what, HOLDING):
        yield KEPT, repr(name), partial(_copy, what)
    elif isinstance(what, Optimizer):
        yield SET, repr(name), partial(_settings, what)
    elif isinstance(what, random.Random):
        yield DRAWN, repr(name), partial(_summed, what.getstate)
    elif isinstance(what, np.random.Generator):
        yield DRAWN, repr(name), partial(_summed, partial(getattr, what.bit_generator, "state"))
    elif isinstance(what, (FunctionType, MethodType)):
        yield from () if is_ours(what) else _reachable(what, seen)
    elif isinstance(what, Module):
        for path, module in what.named_modules():
            if not is_ours(type(module)):
                yield from _attributes(".".join(filter(None, (name, path))), module, OURS, seen)
    elif hasattr(what, "__dict__") and not is_ours(type(what)):
        yield from _attributes(name, what, frozenset(), seen)


def _attributes(name: str, owner: Any, known: frozenset[str], seen: set[int]) -> Iterator[Reading]:
    """An object's own attributes, what is held by them, and what its methods can write to."""
    yield KEPT, f"an attribute of {name!r}", partial(_copy, vars(owner))
    for key, what in [*vars(owner).items()]:
        if key not in known:
            yield from _held(f"{name}.{key}", what, seen)
    for method in vars(type(owner)).values():
        if isinstance(method, FunctionType):
            yield from _reachable(method, seen)
