"""A step under one set of circumstances: how it is watched, and the program that comes of it."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import ref

from engine.compiler.graph.ir import CompilerError
from engine.compiler.machine.cpu import NoNativeCode
from engine.compiler.reuse.alike import program_of
from engine.compiler.run.runner import Bound, Native, NumPy
from engine.compiler.trace import home
from engine.compiler.trace.assemble import assemble
from engine.compiler.trace.compare import Comparison, Differs
from engine.compiler.trace.events import Reason, Trace, is_piece, watched
from engine.compiler.trace.guard import Residents, Surroundings, is_bare
from engine.compiler.trace.hollow import watched_hollow
from engine.compiler.trace.outside import Outside
from engine.compiler.trace.plain import foreseen, lasting
from engine.compiler.trace.reach import Reach
from engine.compiler.trace.undo import Undo

if TYPE_CHECKING:
    from engine.compiler.step import Step

PIECE = "its result has a history, which a replay has not: call backward() in it, or call it under no_grad()"
TRIES = 3
"""How many times two traces may differ before a step stays eager."""


class Variant:
    """A step under one set of circumstances: watched, then a program, or eager for a reason."""

    def __init__(self, owner: Step) -> None:
        self._owner = ref(owner)
        self.reasons: list[Reason] = []
        self.around: Surroundings | None = None
        self.old: Trace | None = None
        self.differences = 0
        self.held: dict[int, tuple[int, int]] = {}
        self.left, self.born = "", time.monotonic()
        self.bound: Bound | None = None
        self.fallback: Bound | None = None
        self.residents: list[Residents] = []

    @property
    def owner(self) -> Step:
        """The step; it holds its variants, not they it: a model that nobody needs is gone at once."""
        return self._owner() or _absent("a step")

    # --------------------------------------------------------------------------------------------- circumstances
    def changed(self) -> str:
        """Why it does not apply now; empty where it does."""
        found = "" if self.around is None else self.around.changed()
        for residents in self.residents:
            found = found or residents.changed()
        return found

    @property
    def tier(self) -> str:
        """What the next call runs on: "eager", "numpy" or "native"."""
        return "eager" if self.bound is None else self.current().runner.tier

    # ------------------------------------------------------------------------------------------------- watching
    def watch(self, args: Any, kwargs: Any, undo: Undo | None, clear: bool = False) -> Trace:
        """Run eagerly and see what happens; a second trace that agrees, or one of plain code, becomes a program."""
        step = self.owner.function
        if self.reasons:
            return watched(step, args, kwargs, undo, clear)
        if self.old is not None:
            self.old.movable = home.still_movable(self.held)
        reach = Reach(step, (args, kwargs))
        outside, bare = Outside(reach), {id(leaf) for leaf in reach.leaves() if leaf.grad is None}
        trace = watched(step, args, kwargs, undo, clear)
        with uncollected():
            self.left = outside.changed(any(e.what == "scheduled" for e in trace.events))
            for leaf, before in trace.found:
                if before is not None or id(leaf) in bare:
                    reach.entries.append(("a gradient", before is None, partial(is_bare, leaf)))
            self._learn(trace, reach)
        self.held = home.holders(trace.movable) if self.old is trace else {}
        return trace

    def foresee(self, args: Any, kwargs: Any) -> bool:
        """Watch a plain step without computing it, where that tells enough: whether there is a program now."""
        if self.around is not None or self.reasons:
            return self.bound is not None
        named = foreseen(self.owner.function)
        if named is None:
            return False
        reach = Reach(self.owner.function)
        found = watched_hollow(self.owner.function, args, kwargs)
        if found is None:
            return False
        trace, states = found
        try:
            self._learn(trace, reach, named)
        finally:
            if self.bound is None:
                states.run()
                self.old, self.around = None, self.around if self.reasons else None
        return self.bound is not None

    def _learn(self, trace: Trace, reach: Reach, named: list[Any] | None = None) -> None:
        stepped = [event.facts[0].optimizer for event in trace.events if event.what == "stepped"]
        hooked = [*(leaf for leaf, _ in trace.slopes), *stepped]
        self.around = Surroundings(reach.entries, reach.modules(trace.modules.values()), hooked)
        if is_piece(trace):
            trace.reasons.append(Reason(PIECE))
        if trace.reasons:
            self.reasons = list(dict.fromkeys(trace.reasons))
        elif self.old is not None:
            try:
                if self.left:
                    raise Differs(self.left)  # it would not be left behind any more
                self._build(Comparison(self.old, trace).run())
            except Differs as difference:
                self.differences += 1
                if self.differences == TRIES:
                    self.reasons = [difference.reason]
        elif (kept := lasting(self.owner.function, trace, named)) is not None:
            with suppress(Differs):  # then two traces will tell
                self._build(Comparison(trace, trace, kept).run())
        self.old = None if self.reasons or self.bound is not None else trace

    # ------------------------------------------------------------------------------------------------- building
    def _build(self, comparison: Comparison) -> None:
        finite = self.owner.guard == "finite"
        program, cleared = program_of(comparison, finite), [(leaf, None) for leaf in comparison.new.cleared]
        program.slopes += cleared
        self.residents = [Residents(program)]
        try:
            runner = Native(program, 1 if self.owner.threads == 1 else None)
            self.bound = Bound(program, runner)
            if not runner.anew:
                _grow_old()
        except NoNativeCode as refusal:
            self.owner.notes.append(Reason(str(refusal)))
        except Exception as defect:  # the compiler's own: training goes on without it, and everybody hears of it
            self.owner.notes.append(Reason(f"a defect of the compiler, {type(defect).__name__}: {defect}"))
            warnings.warn(f"{self.owner.__name__} runs on NumPy: {self.owner.notes[-1]}", RuntimeWarning, stacklevel=4)
        if self.bound is not None and self.bound.runner.table.ready:
            return
        standing = None if self.bound is None else self.bound.runner.stand_in()
        if standing is not None:
            self.fallback = Bound(program, standing)
        else:
            simple = assemble(comparison, False, finite)
            simple.slopes += cleared
            self.residents.append(Residents(simple))
            self.fallback = Bound(simple, NumPy(simple))
            self.bound = self.bound or self.fallback

    def current(self) -> Bound:
        """What runs now: native code as soon as all of it is there."""
        bound, fallback = self.bound, self.fallback
        if fallback is None or bound is fallback or bound is None:
            return bound or _absent("a program")
        if bound.runner.table.ready:
            self.fallback = None
            del self.residents[1:]
            return bound
        if bound.runner.table.troubles:
            self.owner.notes += [Reason(f"no native code: {why}") for why in bound.runner.table.troubles.values()]
            self.give_up()
        return fallback

    def give_up(self) -> None:
        """A kernel can not be compiled: NumPy from now on."""
        self.bound = self.fallback or self.bound


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at thousands of new objects again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _grow_old() -> None:
    """What was made since the collector's last look counts as old, as it lives long and holds no garbage; else all of
    it would be looked at next, while somebody waits for the first step."""
    if not gc.get_freeze_count():  # else somebody keeps things out of the collector's sight
        gc.freeze()
        gc.unfreeze()


def _absent(what: str) -> NoReturn:
    raise CompilerError("compile", what)
