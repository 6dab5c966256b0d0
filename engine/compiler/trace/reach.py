"""What a step can come to in Python: from the variables that its functions find outside of themselves, from its object
and its arguments, by the names that stand in code.

All of it is looked at before each replay (`guard.py`) and, while a step is watched, afterwards (`outside.py`).
Attributes count where their name stands in code that can be reached; lists, dicts and the like with all that they hold;
NumPy's arrays with their numbers. Not followed are modules of libraries, and what is looked at elsewhere: tensors,
optimisers, schedules, the engine's own modules.
"""

from __future__ import annotations

import dis
import io
import os
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import islice
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from engine.compiler.trace.plain import is_ours
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.optim.schedule import LRScheduler
from engine.tensor import Tensor
from engine.tree import leaves

PLAIN: frozenset[type] = frozenset((bool, int, float, str, type(None)))
ITEMS, HOLDING = (list, tuple, deque, dict, set, np.ndarray), (list, dict, set, deque, io.IOBase)
DRAWING = (random.Random, np.random.Generator)
HOLDERS = (*HOLDING, *DRAWING, Optimizer)
ELSEWHERE = (Tensor, LRScheduler, Optimizer, *DRAWING)
GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "IMPORT_NAME")
MOST, MANY, ROOM = 1000, 256, 4096
"""Objects that are looked at at most, and numbers of a large array; items of a list or dict; bytes of a small array."""
ALWAYS = ("forward", "__call__", "__getitem__", "__iter__", "__enter__", "__exit__", "__getattr__")
"""Methods that run without being named."""
PARTS = ("_parameters", "_buffers", "_modules")
LIBRARIES = (os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(np.__file__)))

Entry = tuple[str, Any, Callable[[], Any]]
"""(what it is called, what it is now, how to read it again)."""


class Reach:
    """entries: what a step could read; holders: (name, object) of what it could write to."""

    def __init__(self, step: Any, arguments: Any = ()) -> None:
        self.entries: list[Entry] = []
        self.holders: list[tuple[str, Any]] = []
        self.names = set(ALWAYS)
        self._owners: list[tuple[str, Any, list[Any]]] = []
        self.met: list[Any] = []
        self._seen: set[int] = set()
        self._followed: set[int] = set()
        self._follow(step)
        for leaf in leaves(arguments):
            self._visit("an argument", leaf)
        known: set[str] = set()
        owning = 0
        while len(known) < len(self.names) or owning < len(self._owners):  # each may lead to more of the other
            names, before = self.names - known, owning
            known, owning = set(self.names), len(self._owners)
            for i, owner in enumerate(self._owners[:owning]):
                self._attributes(*owner, names if i < before else known)

    def modules(self, called: Iterable[Module]) -> list[Module]:
        """The modules that it comes to, with their parts; called: some that it must have come to."""
        found = dict.fromkeys(called)
        for module in found:
            self._visit(type(module).__name__, module)
        return [*(found | dict.fromkeys(what for what in self.met if isinstance(what, Module)))]

    def leaves(self) -> Iterator[Tensor]:
        """The tensors that it comes to by itself, by modules, and by optimisers."""
        for what in self.met:
            if isinstance(what, Optimizer):
                yield from (p for group in what.param_groups for p in group["params"])
            elif isinstance(what, Module):
                yield from what.parameters()
            elif isinstance(what, Tensor):
                yield what

    def _follow(self, function: Any) -> None:
        """A function: what it finds outside of itself."""
        if isinstance(function, MethodType):
            self._visit("self", function.__self__)
            function = function.__func__
        if not isinstance(function, FunctionType) or id(function) in self._followed:
            return
        self._followed.add(id(function))
        for part in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._visit("a default", part)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._visit(name, _content(cell), partial(_content, cell))
        (variables, names), space = _named(function.__code__), function.__globals__
        self.names |= names
        for name in variables:
            if name in space:
                self._visit(name, space[name], partial(space.get, name))
            else:  # a module that is imported inside
                self._visit(name, sys.modules.get(name))
        self._owners.append((function.__name__, function, [function.__dict__]))
        self.holders.append((function.__name__, function))

    def _visit(self, name: str, what: Any, read: Callable[[], Any] | None = None) -> None:
        kind = what.__class__
        if len(self.entries) > 4 * MOST:
            return
        if read is not None and kind is not ModuleType:
            self.entries.append((name, what, read))
        if kind in PLAIN or id(what) in self._seen or len(self._seen) > MOST:
            return
        self._seen.add(id(what))
        self.met.append(what)
        if isinstance(what, Module):
            self._object(name, what)
            for key, part in what._modules.items():
                self._visit(f"{name}.{key}", part)
            return
        if isinstance(what, HOLDERS):
            self.holders.append((name, what))
        if isinstance(what, ITEMS):
            self._items(name, what)
        elif isinstance(what, (FunctionType, MethodType)):
            if not is_ours(what):
                self._follow(what)
        elif isinstance(what, partial):
            for part in (what.func, *what.args, *what.keywords.values()):
                self._visit(name, part)
        elif not isinstance(what, ELSEWHERE):
            self._object(name, what)

    def _items(self, name: str, what: Any) -> None:
        if isinstance(what, (set, np.ndarray)):
            self._copied(name, partial(_numbers if isinstance(what, np.ndarray) else frozenset, what))
            return
        if what.__class__ is not tuple:
            self.entries.append((f"the length of {name}", len(what), what.__len__))
        parts = [*islice(what.items() if isinstance(what, dict) else enumerate(what), MANY)]
        if all([part.__class__ in PLAIN for _, part in parts]):  # noqa: C419
            self._copied(name, partial(_first, what.values() if isinstance(what, dict) else what))
            return
        for key, part in parts:
            read = partial(dict.get, what, key) if isinstance(what, dict) else partial(_item, what, key)
            self._visit(f"{name}[{key!r}]", part, None if what.__class__ is tuple else read)

    def _copied(self, name: str, look: Callable[[], Any]) -> None:
        self.entries.append((name, look(), look))

    def _object(self, name: str, what: Any) -> None:
        """Something with attributes. Those of its class count where that is no library's."""
        kind = what if isinstance(what, type) else type(what)
        if isinstance(what, Module) and is_ours(kind):
            return
        held = {} if kind is what else getattr(what, "__dict__", {})
        if isinstance(what, ModuleType):
            spaces = [] if _is_library(what) else [held]
        elif is_ours(kind):
            spaces = [held] if "__wrapped__" in held else []  # what somebody has hung on a compiled step
        else:
            spaces = [held, *_spaces(kind)] if held else _spaces(kind)
            spaces += [held[part] for part in PARTS] if isinstance(what, Module) else []
        self._visit(name, held.get("__wrapped__"))
        if spaces:
            self._owners.append((name, what, spaces))
            if held and not isinstance(what, ModuleType):
                self.holders.append((name, what))

    def _attributes(self, name: str, owner: Any, spaces: list[Any], names: set[str]) -> None:
        if is_ours(type(owner)):
            names = names - spaces[0].get("own", frozenset())
        found: set[str] = set()
        for space in spaces:
            for key in sorted(names & space.keys()):
                held = space[key]
                if (
                    space.__class__ is not dict
                    and hasattr(held, "__get__")
                    and not isinstance(held, MemberDescriptorType)
                ):
                    # what a class computes for each object, also where another class has one of this name
                    self._visit(f"{name}.{key}", getattr(held, "fget", None) or getattr(held, "__func__", held))
                elif key not in found:
                    read = partial(space.get if space.__class__ is dict else partial(getattr, owner), key, None)
                    self._visit(f"{name}.{key}", read(), read)
                found.add(key)


@lru_cache(512)
def _named(code: CodeType) -> tuple[list[str], set[str]]:
    """The names of global variables in code, and all names, functions that are written in it included; texts may be
    names, too: getattr(x, "name")."""
    variables = [i.argval for i in dis.get_instructions(code) if i.opname in GLOBAL]
    names = {*code.co_names, *(text for text in code.co_consts if isinstance(text, str))}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            variables += _named(inner)[0]
            names |= _named(inner)[1]
    return [*dict.fromkeys(variables)], names


def _spaces(kind: type) -> list[Any]:
    """What a class and those that it is made of hold, as far as they are no library's."""
    return [vars(k) for k in kind.__mro__ if not is_ours(k) and not _is_library(sys.modules.get(k.__module__))]


@lru_cache(256)
def _is_library(module: Any) -> bool:
    """Whether a module is the engine's, or one that came with Python or was installed."""
    name, file = getattr(module, "__name__", "__main__"), getattr(module, "__file__", None)
    return name != "__main__" and (file is None or file.startswith(LIBRARIES) or name.split(".")[0] == "engine")


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _numbers(array: Any) -> bytes:
    """What an array holds; of a large one, what it holds at many places."""
    if array.nbytes <= ROOM:
        return bytes(array.tobytes())
    return bytes(array.flat[:: -(-array.size // MOST)].tobytes())


def _first(items: Any) -> tuple[Any, ...]:
    return tuple(islice(items, MANY))


def _item(held: Any, place: int) -> Any:
    """An item of a list; of none where it has become shorter."""
    return held[place] if place < len(held) else None
