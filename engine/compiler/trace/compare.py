"""Two traces of one step: what is the same in both will be so again; what differs can not be replayed.

So constants, numbers in attributes and the order of ops need no analysis of Python: they are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.compiler.trace.events import Draw, Event, Reason, Stepped, Trace
from engine.compiler.trace.numbers import Number
from engine.elements import Abstract
from engine.tensor import Tensor
from engine.tree import leaves

ndarray = np.ndarray
ARRAYS = (ndarray, Abstract)
"""What stands for an array in a trace; hollow where nothing was computed."""
MEMORY = ("copied", "written")
"""What is told of memory that is written to: first, which."""
DEEP = (ndarray, list, tuple, dict, Stepped)
"""What has to be looked into, or followed."""


class Differs(Exception):
    """The two traces are not of one program."""

    def __init__(self, sentence: str, line: str = "") -> None:
        super().__init__(sentence)
        self.reason = Reason(sentence, line)


class Comparison:
    """Walks two traces together. cells: the arrays of the newer one that lived before it, by id, with the tensor that
    owns them (or None); constants: those that were made inside, always with the same numbers. lasting: the ids of
    tensors and arrays that live from step to step, where that is known (then one trace may be given twice); left: the
    leaves of gradients, by the ids of their arrays, that the older step leaves behind; known: the ids of all leaves
    that it gave a gradient."""

    def __init__(self, old: Trace, new: Trace, lasting: set[int] | None = None) -> None:
        self.old, self.new, self.lasting = old, new, lasting
        new.movable = old.movable  # when the newer one began, the older one held memory as well
        self.numbers: dict[int, int] = {}
        self.again: dict[int, int] = {}
        self.cells: dict[int, tuple[Any, Tensor | None]] = {}
        self.constants: dict[int, Any] = {}
        self.known = {id(leaf) for leaf, _ in old.slopes}
        self.left = {} if old is new else {id(g): leaf for leaf, g in (*old.slopes, *new.found) if g is not None}
        self.line = ""

    def run(self) -> Comparison:
        """The comparison. Raises: Differs."""
        if self.old is self.new:
            return self._alone()
        if self.old.samples != self.new.samples:
            raise Differs("the kinds of random numbers that are drawn change from step to step")
        if len(self.old.arguments) != len(self.new.arguments):
            raise Differs("another number of arguments")
        for a, b in zip(self.old.arguments, self.new.arguments, strict=True):
            self.enter(a, b)
        if len(self.old.events) != len(self.new.events):
            line = next((e.line for e, _ in _unlike(self.old, self.new)), "")
            raise Differs("the step did not do the same things twice", line)
        for a, b in zip(self.old.events, self.new.events, strict=True):
            self.line = b.line
            self.event(a, b)
        self.line = ""
        self.same(_plain(self.old.returned), _plain(self.new.returned), "what the step returns")
        if len(self.old.slopes) != len(self.new.slopes):
            raise Differs("other tensors got gradients")
        for (t, a), (u, b) in zip(self.old.slopes, self.new.slopes, strict=True):
            if t is not u and not self.passes(u):
                raise Differs("other tensors got gradients")
            self.same(a, b, "a gradient")
        return self

    def passes(self, leaf: Tensor) -> bool:
        """Whether a leaf is of the step's own making: nobody knows it afterwards, nor its gradient."""
        key = id(leaf.array)
        made = key in self.again and key not in self.cells and all(a is not leaf.array for a in self.new.given)
        return made and not (id(leaf) in self.lasting if self.lasting is not None else id(leaf) in self.known)

    def _alone(self) -> Comparison:
        """What there is to know where one trace tells all: which arrays live, and which are constants."""
        for a in self.new.arguments:
            self.enter(a, a)
        for event in self.new.events:
            self.line = event.line
            if event.what == "op":
                op, inputs, attrs, made = event.facts
                for x in (*inputs, *attrs.values()):
                    if x.__class__ in DEEP and id(x) not in self.numbers:
                        self.same(x, x, f"an input of {op.name}")
                self.enter(made, made)
            else:
                self.facts(event, event)
        self.same(_plain(self.new.returned), _plain(self.new.returned), "")
        self.same([a for _, a in self.new.slopes], [a for _, a in self.new.slopes], "")
        return self

    def enter(self, a: Any, b: Any) -> None:
        """Two arrays that stand for each other from now on."""
        self.numbers[id(a)] = self.again[id(b)] = len(self.numbers) + len(self.again)

    def event(self, a: Event, b: Event) -> None:
        """Two events at the same place."""
        if a.what != b.what or a.backward != b.backward:
            raise Differs("the step did not do the same things twice", b.line)
        if a.what == "op":
            (op, inputs, attrs, made), (op2, inputs2, attrs2, made2) = a.facts, b.facts
            if op is not op2 or made.shape != made2.shape or made.dtype != made2.dtype:
                raise Differs("the step did not do the same things twice", b.line)
            self.same(inputs, inputs2, f"an input of {op.name}")
            self.same(attrs, attrs2, f"an attribute of {op.name}")
            self.enter(made, made2)
        else:
            self.facts(a, b)

    def facts(self, a: Event, b: Event) -> None:
        """What two events besides ops speak of."""
        what = f"what was {a.what}"
        if a.what in MEMORY and isinstance(a.facts[0], ndarray):
            self.arrays(a.facts[0], b.facts[0], what, overwritten=True)
            self.same(a.facts[1:], b.facts[1:], what, fresh=a.what == "copied")
        elif a.what == "accumulated" and self.passes(b.facts[0]):
            self.arrays(a.facts[0].array, b.facts[0].array, what)
            self.same(a.facts[1:], b.facts[1:], what, fresh=True)
        else:
            self.same(a.facts, b.facts, what, fresh=a.what in ("accumulated", "measured"))

    def same(self, x: Any, y: Any, what: str, fresh: bool = False) -> None:
        """Two facts of any kind. fresh: an array here may be new, made by the event itself."""
        if x is y and not isinstance(x, DEEP):
            return
        if isinstance(x, ndarray) and isinstance(y, ndarray):
            self.arrays(x, y, what, fresh)
        elif isinstance(x, list | tuple) and isinstance(y, list | tuple) and len(x) == len(y):
            for a, b in zip(x, y, strict=True):
                self.same(a, b, what, fresh)
        elif isinstance(x, dict) and isinstance(y, dict) and list(x) == list(y):
            self.same(list(x.values()), list(y.values()), what, fresh)
        elif isinstance(x, Stepped) and isinstance(y, Stepped) and x.optimizer is y.optimizer:
            self.same(x.moved, y.moved, what)
        elif not _equal(x, y):
            raise Differs(f"{what} changes from step to step: {_short(x)}, then {_short(y)}", self.line)

    def arrays(self, x: Any, y: Any, what: str, fresh: bool = False, overwritten: bool = False) -> None:
        """Two arrays: both computed at the same place, or both from before the step, or made inside and equal; one that
        is overwritten may hold anything, as what `empty` makes, unless it is read later."""
        mine, its = self.numbers.get(id(x)), self.again.get(id(y))
        if mine is not None or its is not None:
            if mine != its:
                raise Differs(f"{what} came from elsewhere the second time", self.line)
            return
        owner, now = self.old.owners.get(id(x)), self.new.owners.get(id(y))
        if self._lives(x, y, owner, now):
            self.cells[id(y)] = (y, now)
        elif fresh:
            pass
        elif x.shape == y.shape and x.dtype == y.dtype and np.array_equal(x, y, equal_nan=y.dtype.kind == "f"):
            self._expect_own_memory(y, what)
            self.constants[id(y)] = y
        elif not overwritten:
            raise Differs(f"{what} was made outside of ops and differs from step to step", self.line)
        self.enter(x, y)

    def _lives(self, x: Any, y: Any, owner: Tensor | None, now: Tensor | None) -> bool:
        """Whether an array was there before the step, and will be after it, as the gradients that a step leaves."""
        if self.lasting is not None:
            return id(y) in self.lasting or id(now) in self.lasting
        return x is y or (owner is not None and owner is now) or id(y) in self.left

    def _expect_own_memory(self, y: Any, what: str) -> None:
        """An array that looks by hand into memory that the step computes is no constant, whatever it held twice."""
        base = y.base
        if isinstance(base, ndarray) and id(base) in self.again:
            raise Differs(f"{what} looks into an array of the step without an op", self.line)


def _unlike(old: Trace, new: Trace) -> Iterator[tuple[Event, Event]]:
    for a, b in zip(new.events, old.events, strict=False):
        if a.what != b.what or (a.what == "op" and a.facts[0] is not b.facts[0]):
            yield a, b


def _plain(result: Any) -> list[Any]:
    return [t.array if isinstance(t, (Tensor, Number)) else t for t in leaves(result)]


def _equal(x: Any, y: Any) -> bool:
    if isinstance(x, Draw) or isinstance(y, Draw):
        return bool(x == y)
    if isinstance(x, float) and isinstance(y, float) and math.isnan(x):
        return math.isnan(y)
    if x is y:
        return True
    try:
        return type(x) is type(y) and bool(x == y)
    except Exception:
        return False


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) < 60 else text[:57] + "..."
