"""The face of the compiled tier: a training step that is watched, then replayed; many steps with one native call."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.compiler.again import MISSED, Again, again
from engine.compiler.explain import Report, Row, report, rows
from engine.compiler.graph.ir import CompilerError
from engine.compiler.kernels.work import shards
from engine.compiler.machine.cores import set_cores
from engine.compiler.run.batches import (
    argument_tuple,
    arrays_of,
    is_finite,
    joined,
    raised,
    stretches,
    table_of,
    unstacked,
)
from engine.compiler.run.runner import addresses
from engine.compiler.trace.events import Reason
from engine.compiler.trace.guard import signature
from engine.compiler.trace.undo import Undo
from engine.compiler.variant import TRIES, Variant, uncollected
from engine.compiler.watch import Watch
from engine.errors import ArgumentError
from engine.graph import current_mode
from engine.tensor import Tensor, wrap
from engine.tree import mapped

KINDS = 64
"""Kinds of arguments that have programs, e.g. sizes of batches."""
MOST, SECONDS = 12, 10.0
"""Programs of one step for arguments of one kind; a step that needs more in so short a time changes all the time, and
stays eager."""


class Step:
    """A compiled step: call it like the function that it was made of.

    tier: what the last call ran on ("eager", "numpy", "native"); finite: whether the last step was (see `guard`).
    """

    def __init__(self, function: Callable[..., Any], guard: str | None = None, threads: int | None = None) -> None:
        if guard not in (None, "finite"):
            raise ArgumentError("compile(guard)", "None or 'finite'", repr(guard))
        self.function, self.guard, self.threads = function, guard, threads
        self.variants: dict[Any, list[Variant]] = {}
        self.notes: list[Reason] = []
        self.newest: Variant | None = None
        self.finite, self.tier = True, "eager"
        self._batches: tuple[Any, ...] | None = None
        self._again: Again | None = None
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__doc__ = getattr(function, "__doc__", None)
        self.__wrapped__ = function
        self.own = frozenset(vars(self))
        if threads is not None and threads > 1:
            set_cores(threads)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """As a method: one compiled step for each object."""
        if owner is None:
            return self
        bound = Step(self.function.__get__(owner), self.guard, self.threads)
        owner.__dict__[self.__name__] = bound
        return bound

    # ------------------------------------------------------------------------------------------------- calling
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """One step. Eager where it can not be replayed, and at first, unless its code is straight; see `explain`."""
        quick = self._again
        if quick is not None and not kwargs:
            found = quick.one(args)
            if found is MISSED:
                found = quick.look(args)
            if found is not MISSED:
                self.newest, self.finite, self.tier = quick.variant, quick.well[0], "native"
                return found
        if current_mode().recorders:
            return self.function(*args, **kwargs)
        variant = self._variant(signature((args, kwargs) if kwargs else args))
        if variant.bound is not None:
            return self._replay(variant, args, kwargs)
        with uncollected():  # the objects of a program would be looked at again and again
            if variant.foresee(args, kwargs):
                return self._replay(variant, args, kwargs)
        return self._eager(variant, args, kwargs)

    def _variant(self, key: Any) -> Variant:
        if len(self.variants) >= KINDS and key not in self.variants:
            return self._hopeless("it is called with ever new kinds of arguments")
        known = self.variants.setdefault(key, [])
        for place, variant in enumerate(known):
            if not variant.changed():
                if place:
                    known.insert(0, known.pop(place))
                self.newest = variant
                return variant
        left = [variant.left for variant in known[:TRIES]]
        why = left[0] if len(left) == TRIES and all(left) else ""
        if not why and len(known) == MOST and time.monotonic() - min(v.born for v in known) < SECONDS:
            why = f"it changes from call to call: {known[0].changed()}"
        del known[MOST - 1 :]
        fresh = self._hopeless(why) if why else Variant(self)
        known.insert(0, fresh)
        self.newest = fresh
        return fresh

    def _hopeless(self, sentence: str) -> Variant:
        variant = self.newest = Variant(self)
        variant.reasons = [Reason(sentence)]
        return variant

    def _replay(self, variant: Variant, args: Any, kwargs: Any) -> Any:
        bound = variant.current()
        self.tier = bound.runner.tier
        result, self.finite = bound.step(arrays_of((args, kwargs) if kwargs else args))
        if kwargs or self._again is None or not self._again.fits(variant, bound):
            self._again = None if kwargs else again(variant, bound, args)
        return result

    def _eager(self, variant: Variant, args: Any, kwargs: Any) -> Any:
        self.tier, self.finite = "eager", True
        if self.guard is None:
            if variant.reasons:
                return self.function(*args, **kwargs)
            return variant.watch(args, kwargs, None).result
        undo = Undo()
        trace = variant.watch(args, kwargs, undo)
        self.finite = is_finite(trace)
        if not self.finite:
            undo.run()
        return trace.result

    def prepare(self, *args: Any, **kwargs: Any) -> str:
        """Make the program for such arguments; nothing is left of the steps that this takes. The tier, or "eager"."""
        variant = self._variant(signature((args, kwargs) if kwargs else args))
        with uncollected():
            variant.foresee(args, kwargs)
        while variant.bound is None and not variant.reasons:
            undo = Undo()
            before = [(leaf, leaf.grad) for leaf, _ in (variant.old.slopes if variant.old else [])]
            trace = variant.watch(args, kwargs, undo, clear=True)
            undo.run()
            for leaf, g in before or [(leaf, None) for leaf, _ in trace.slopes]:
                leaf.grad = g
        return variant.tier

    def waiting(self) -> bool:
        """Whether machine code for the newest program is still being made; meanwhile NumPy or slower code stands in."""
        variant = self.newest
        return variant is not None and variant.bound is not None and variant.current() is not variant.bound

    @property
    def prepared(self) -> str:
        """What the newest program runs on: "eager", "numpy" or "native"."""
        return "eager" if self.newest is None else self.newest.tier

    @property
    def shards(self) -> int:
        """Into how many parts the newest program cuts a batch whose sums are added in the end."""
        bound = None if self.newest is None else self.newest.bound
        return shards(bound.runner.plan) if bound is not None and bound.runner.tier == "native" else 1

    def why(self) -> str:
        """Why the newest program is not native code, as far as there is a reason."""
        reasons = [] if self.newest is None else [*self.newest.reasons, *self.notes]
        return str(reasons[0]) if reasons else ""

    def wait(self, seconds: float = 60.0) -> bool:
        """Compile what the newest program still lacks, now; whether it is native."""
        variant = self.newest
        if variant is None or variant.bound is None or variant.bound.runner.tier != "native":
            return False
        try:
            variant.bound.runner.table.wait()
            variant.bound.runner.keep(now=True)
        except CompilerError as defect:
            self.notes.append(Reason(f"no native code: {defect}"))
            variant.give_up()
        return variant.tier == "native"

    # ----------------------------------------------------------------------------------------------- many steps
    def run(self, batches: Any, *more: Any) -> Any:
        """Many steps: what each returns, stacked. batches: argument tuples, or tensors (one or a tuple of them) whose
        first axis counts the batches. With a guard it ends at the first step that is not finite, whose results are the
        last ones.
        """
        if (
            more
            or isinstance(batches, Tensor | np.ndarray)
            or (isinstance(batches, tuple) and batches and all(isinstance(t, Tensor | np.ndarray) for t in batches))
        ):
            stacks = (batches, *more) if more or not isinstance(batches, tuple) else batches
            found = self._stacked([t.array if isinstance(t, Tensor) else t for t in stacks])
            if found is not None:
                return found
            batches = unstacked(stacks)
        parts: list[Any] = []
        self.finite = True
        for some in stretches(batches):
            place = 0
            while place < len(some) and self.finite:
                place += self._stretch(some, place, parts)
            if not self.finite:
                break
        return joined(parts)

    def _stacked(self, stacks: list[Any]) -> Any:
        """All steps on dense arrays that lie one behind the other, without Python in between; None where that is not
        so simple."""
        args = tuple(wrap(a[0]) for a in stacks if len(a) and a.flags.c_contiguous)
        variant = self._variant(signature(args)) if len(args) == len(stacks) else None
        bound = None if variant is None or variant.bound is None else variant.current()
        if bound is None or bound.runner.alone:
            return None
        steps = np.arange(len(stacks[0]), dtype=np.int64)[:, None]
        table = addresses([stacks]) + steps * np.array([a.strides[0] for a in stacks], np.int64)
        self.tier = "native"
        result, _, self.finite = bound.many(table, len(steps))
        return result

    def _stretch(self, batches: list[Any], place: int, parts: list[Any]) -> int:
        """The next steps that one program can do; how many it was."""
        known = self._known(batches) if place == 0 else None
        if known is not None:
            variant, table, count, _ = known
        else:
            args = argument_tuple(batches[place])
            key = signature(args)
            variant = self._variant(key)
            bound = None if variant.bound is None else variant.current()
            if bound is None or bound.runner.alone:
                parts.append(mapped(raised, self(*args)))
                return 1
            table, held = table_of(batches, place, key)
            count = len(held)
            if place == 0 and count == len(batches):
                self._batches = (batches, list(batches), variant, table, held)
        self.tier = "native"
        result, done, finite = variant.current().many(table, count)
        self.finite = finite
        parts.append(result)
        return int(done) + (not finite)

    def _known(self, batches: list[Any]) -> Any:
        """What is remembered of the very list of batches that was run last."""
        if self._batches is None or self._batches[0] is not batches:
            return None
        _, copied, variant, table, held = self._batches
        if len(copied) != len(batches) or not all(map(operator.is_, copied, batches)):
            return None
        if any(t.array is not a for t, a in held.sources.values()) or variant.changed():
            return None
        self.newest = variant
        return variant, table, len(batches), None

    # ------------------------------------------------------------------------------------------------- looking
    def watch(self, *args: Any, **kwargs: Any) -> Watch:
        """The next step on these arguments, from inside; see `Watch`. Raises: CompilerError if it stays eager."""
        self.prepare(*args, **kwargs)
        variant = self.newest
        if variant is None or variant.bound is None:
            raise CompilerError("watch", "a step that can be replayed", self.why())
        return Watch(variant.bound.program, arrays_of((args, kwargs) if kwargs else args))

    def value_of(self, number: int, *args: Any, **kwargs: Any) -> Any:
        """What the call of this number makes of these arguments; numbers are those of `records` and `watch`."""
        return self.watch(*args, **kwargs)[number]

    @property
    def records(self) -> list[Row]:
        """The records of the newest program in the order in which they run."""
        return [] if self.newest is None or self.newest.bound is None else rows(self.newest)

    def explain(self) -> Report:
        """What ran where, and why: prints as a page, and is data."""
        return report(self)
