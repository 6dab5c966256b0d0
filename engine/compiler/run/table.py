"""A plan as something that runs: checked, laid out for one thread or for many, walked K steps a call."""

from __future__ import annotations

import ctypes
import functools
import math
import threading
import time
from typing import Any, NamedTuple

import numpy as np

from engine.compiler.code.driver import Driver
from engine.compiler.code.library import Library, library
from engine.compiler.kernels.work import Access, Call, Plan, cost
from engine.compiler.machine.cores import cores
from engine.compiler.machine.memory import address
from engine.compiler.plan.places import Place
from engine.compiler.run import team
from engine.compiler.run.native import Feed, Native, driver
from engine.compiler.run.pace import LONG, SOON, STRIKES, Pace
from engine.compiler.run.whole import inlined
from engine.compiler.schedule.threads import Bases, Piece, Stretch, check, schedule

TINY = 20_000.0
"""Nanoseconds: a step that is shorter becomes one function, when so many steps a call are asked for:"""
MANY = 16
FIRST = 4
"""The call at which tables for many threads are made: the first steps behind an edit shall not wait for them."""
QUICK = 200
"""Single steps that go the quick way before somebody asks whether the number of threads should be looked at again."""
ALWAYS = 10**9
"""Instead of their number: the step never has more than one thread, and does not count where threads are shared."""
LOOK = 50_000.0
"""Nanoseconds between two looks at the clock."""


class Ran(NamedTuple):
    """What a call did. steps: done in full; stopped: the guard stopped the one after these; results: the scalar outputs
    of these steps (and of the stopped one), float32 [steps, outputs]."""

    steps: int
    stopped: bool
    results: Any


class Table:
    """A plan that runs natively. Raises: CompilerError where a row reaches beyond its buffers, NoNativeCode.

    short: what does a single step, once there is nothing to choose; under `lock`, as all that runs.
    ready: whether all kernels are there; they are asked for when a table is made, and compiled in the background.
    """

    def __init__(self, plan: Plan, kernels: Library | None = None) -> None:
        if not plan.checked:
            check(plan)
            plan.checked, plan.cost = True, plan.cost or cost(plan)
        self.plan, self.kernels, self.cost = plan, kernels or library(), plan.cost
        self.pace = Pace(self.cost)
        self.calls = any(isinstance(row, Call) for row in plan.rows)
        self.results = [p for p, _ in plan.outputs if p.shape == () and p.dtype.itemsize == 4 and p.buffer.slot < 0]
        self.lock, self._bases = threading.Lock(), Bases(plan.memory)
        self._made: dict[int, list[Native | Call]] = {}
        self._alone = self._schedule(1)
        self._missing = {
            item.work.key: item.work
            for part in self._alone
            if not isinstance(part, Call)
            for item in part.lines[0]
            if isinstance(item, Piece)
        }
        self._tiny = not self.calls and self.cost < TINY
        self._whole: Native | None = None
        self.short: Any = None
        self._calls = self._left = self._spent = self._share = 0
        self._allowed = math.inf
        self._most: int | None = None
        self._bits = np.zeros((1, max(1, len(plan.scalars))), np.uint32)
        views = {kind: self._bits[0].view(kind) for kind in {b.dtype for b, _, _ in plan.scalars}}
        self._numbers = [(views[b.dtype], i) for i, (b, _, _) in enumerate(plan.scalars)]
        self._last: tuple[Any, Feed] | None = None

    # ------------------------------------------------------------------------------------------------- kernels
    @property
    def ready(self) -> bool:
        """Whether every kernel is there, and the driver."""
        self._missing = {key: work for key, work in self._missing.items() if self.kernels.find(work) is None}
        return Driver.there(self.kernels) and not self._missing

    @property
    def whole(self) -> bool:
        """Whether the step is one function by now."""
        return self._whole is not None

    @property
    def troubles(self) -> dict[str, str]:
        """The kernels that can not be compiled: key -> why."""
        return {key: self.kernels.troubles[key] for key in self._missing if key in self.kernels.troubles}

    def wait(self) -> None:
        """Compile what is missing, now; of a tiny network the whole step as well."""
        self.kernels.need(self._missing.values())
        self._missing = {}
        for count in self.pace.candidates(team.share()):
            self.parts(count)
        if self._tiny:
            self._tiny = False
            self._inline()

    def _inline(self) -> None:
        """The whole step as one function, where it is short enough to be worth it."""
        stretch = inlined(self.plan, self.kernels, self._bases)
        if stretch is not None:
            self._whole = self.short = Native(stretch, self.plan, self.kernels, self.results, self._bases)

    # ------------------------------------------------------------------------------------------------- running
    def run(
        self,
        steps: int = 1,
        inputs: Any = None,
        scalars: Any = None,
        deadline: int = 0,
        threads: int | None = None,
        exactly: int | None = None,
    ) -> Ran:
        """Run until all steps are done, a value of `plan.finite` is not finite, or the deadline is past.

        inputs: int64 [rows, slots], addresses of dense arrays; step k takes row k % rows. scalars: the bits of
        `plan.scalars`, [rows, scalars], likewise (see `bits`); None: each is read once for this call. deadline:
        in nanoseconds of `time.monotonic_ns()`; at least one step is done. threads: at most so many, fewer where
        that is faster; exactly: just so many. The numbers do not depend on it.
        """
        feed = self._feed(inputs, scalars)
        results = np.zeros((steps, len(self.results)), np.float32)
        if steps == 1 and not exactly and threads == self._most and self.quick(self.short):
            with self.lock:
                halted = self.once(self.short, feed.words(1, 0, address(results), 0))
            return Ran(int(not halted), halted, results)
        if self._tiny and steps >= MANY:
            self._tiny = False
            self.kernels.later(f"whole step {id(self)}", self._inline)
        done = stopped = 0
        with self.lock, team.Running():
            feed.deadline = deadline
            while done < steps and not stopped:
                if done and deadline and time.monotonic_ns() > deadline:
                    break
                more, stopped = self._some(steps, done, feed, results, threads, exactly)
                done += more
        if not exactly and not self.calls:
            self._settle(threads)
        return Ran(done, bool(stopped), results[: done + stopped])

    def _settle(self, most: int | None) -> None:
        """A single step has a quick way once the number of threads is settled; after a while it is looked at again."""
        self._share = team.share()
        counts = self.pace.candidates(min(self._share, most or cores()))
        best = self.pace.settled(counts)
        self._most, self._left = most, ALWAYS if self.pace.candidates(cores()) == [1] else QUICK
        if best == 1 and self._whole is not None:
            self.short = self._whole
        else:
            self.short = next(iter(self._made.get(best, ())), None)
        self._spent, self._allowed = 0, QUICK * self.pace.allowed(best, False) if best > 1 else SOON

    def once(self, native: Native, words: bytes) -> bool:
        """A single step the quick way, under `lock`; whether the guard stopped it."""
        if self._left == ALWAYS:
            return native.told(words)
        start = time.perf_counter_ns()
        with team.Running():
            stopped = native.told(words)
        self._spent += time.perf_counter_ns() - start
        return stopped

    def quick(self, native: Native | None, turns: int = 0, spent: int = 0) -> bool:
        """Whether the next single step may go the quick way, which is this one. turns, spent: how many went it since
        this was asked, and the nanoseconds that they took."""
        if native is None or native is not self.short:
            return False
        if self._left == ALWAYS:
            return True
        self._left, self._spent = self._left - turns, self._spent + spent
        done = QUICK - self._left
        if self._spent > self._allowed * max(1.0, done / QUICK):
            self.pace.watch(len(native.states), False, self._spent / done, STRIKES)
            self._left = 0
        elif self._left <= 0 and not self.pace.due() and team.share() == self._share:
            self._left, self._spent = QUICK, 0
        if self._left <= 0 or len(native.states) > team.share():
            self.short = None
            return False
        self._left -= 1
        return True

    def _feed(self, inputs: Any, scalars: Any) -> Feed:
        """What a call gets, in the form that a walk wants; the same one again for the same arrays."""
        if scalars is None:
            scalars = self._read()
        known = self._last
        if known is not None and known[0] is inputs and known[1].scalars is scalars:
            return known[1]
        every = max(1, int(LOOK / max(self.cost, 1.0)))
        found = Feed(_rows(inputs), _rows(scalars, np.uint32), every)
        if inputs is None or found.inputs is inputs:
            self._last = inputs, found
        return found

    def _some(
        self, steps: int, done: int, feed: Feed, results: Any, most: int | None, exactly: int | None
    ) -> tuple[int, int]:
        """Further steps with the number of threads that is best, or whose turn it is to be measured."""
        many = steps > 1
        threads, measuring = (exactly, False) if exactly else self.pace.choose(self._there(most), many)
        blind = (
            feed.deadline and not driver(self.kernels).clock
        )  # the driver has no clock here: Python looks between windows
        count = self.pace.steps(steps - done) if measuring or blind else steps - done
        start = time.perf_counter_ns()
        found = self._walk(threads, count, feed, results, done)
        if found[0] and not exactly:
            tell = self.pace.note if measuring else self.pace.watch
            tell(threads, many, (time.perf_counter_ns() - start) / found[0])
        return found

    def _there(self, most: int | None) -> list[int]:
        """The numbers of threads that may be tried; tables that are not there yet are made in the background."""
        share, self._calls = team.share(), self._calls + 1
        wanted = self.pace.candidates(min(share, most or share))
        if len(wanted) == 1 or (self._calls < FIRST and self.cost < LONG):
            return [1]
        for count in wanted[1:]:
            if count not in self._made:
                self.kernels.later(f"table {id(self)} {count}", functools.partial(self.parts, count))
        return [1, *(count for count in wanted[1:] if count in self._made)]

    def _walk(self, threads: int, steps: int, feed: Feed, results: Any, first: int) -> tuple[int, int]:
        if threads == 1 and self._whole is not None:
            return self._whole.walk(steps, feed, results[first:], first)
        parts = self.parts(threads)
        if len(parts) == 1 and isinstance(parts[0], Native):
            return parts[0].walk(steps, feed, results[first:], first)
        return self._step(parts, feed, results[first:], first)

    def _step(self, parts: list[Native | Call], feed: Feed, results: Any, first: int) -> tuple[int, int]:
        """One step with rows of Python in it."""
        stopped = 0
        for part in parts:
            if isinstance(part, Call):
                self._python(part, feed.inputs[first % len(feed.inputs)])
            elif part.walk(1, feed, results, first)[1]:
                stopped = 1
                break
        results[0] = [place.view(self.plan.memory) for place in self.results]
        return 1 - stopped, stopped

    def _python(self, call: Call, inputs: Any) -> None:
        """A row that is Python, on views of its operands."""
        found = call.function(*(_seen(place, inputs, self.plan.memory) for place in call.reads))
        made = found if isinstance(found, (tuple, list)) else (found,)
        for place, array in zip(call.writes, made, strict=True):
            place.view(self.plan.memory)[...] = array

    def run_until(self, place: int, inputs: Any = None, scalars: Any = None) -> bool:
        """One step up to, without, row `place` of the plan, on one thread; False: the guard stopped before that."""
        feed = self._feed(inputs, scalars)
        feed.deadline = 0
        results = np.zeros((1, len(self.results)), np.float32)
        for part in self._plain:
            if isinstance(part, Native):
                if part.start < place and part.until(place, feed, results):
                    return False
            elif self.plan.rows.index(part) < place:
                self._python(part, feed.inputs[0])
        return True

    def bits(self) -> Any:
        """The scalars as they are now: uint32 [1, scalars]."""
        return self._read().copy()

    def _read(self) -> Any:
        for (_, _, read), (numbers, place) in zip(self.plan.scalars, self._numbers, strict=True):
            numbers[place] = read()
        return self._bits

    def parts(self, threads: int) -> list[Native | Call]:
        """The plan's native stretches and rows of Python, for this many threads."""
        if threads not in self._made:
            self._made[threads] = self._native(self._alone if threads == 1 else self._schedule(threads))
        return self._made[threads]

    @functools.cached_property
    def _plain(self) -> list[Native | Call]:
        """The same, for one thread, every row at once: a band's rows go side by side else."""
        return self._native(self._schedule(1, banded=False)) if self.plan.bands else self.parts(1)

    def _schedule(self, threads: int, banded: bool = True) -> list[Stretch | Call]:
        reads = [Access(p.buffer, p.offset, p.offset + 1, False) for p in self._inside]
        return schedule(self.plan, threads, reads, self._bases, banded)

    def _native(self, stretches: list[Stretch | Call]) -> list[Native | Call]:
        return [
            part if isinstance(part, Call) else Native(part, self.plan, self.kernels, self._inside, self._bases)
            for part in stretches
        ]

    @property
    def _inside(self) -> list[Place]:
        """The results that the driver keeps."""
        return [] if self.calls else self.results


def _rows(table: Any, dtype: Any = np.int64) -> Any:
    """A table with rows, one if nothing else is known."""
    return np.zeros((1, 1), dtype) if table is None or len(table) == 0 else np.ascontiguousarray(table, dtype)


def _seen(place: Place, inputs: Any, own: Any) -> Any:
    """The numbers at a place; of an input, where it lies in this step."""
    if place.buffer.slot < 0:
        return place.view(own)
    memory: Any = (ctypes.c_char * place.buffer.nbytes).from_address(int(inputs[place.buffer.slot]))
    flat = np.frombuffer(memory, place.dtype)
    size = place.dtype.itemsize
    return np.lib.stride_tricks.as_strided(flat[place.offset :], place.shape, [s * size for s in place.strides])
