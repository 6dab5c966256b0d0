"""Native rows in memory: for each thread its table, its arguments, the state that the driver walks it by."""

from __future__ import annotations

import functools
from array import array
from itertools import accumulate
from typing import Any

import numpy as np

from engine.compiler.code.driver import LENGTH, LETTER, LINE, LINE_BYTES, PLACE, Driver, State, packed
from engine.compiler.code.library import Library
from engine.compiler.kernels.work import NOTED, Plan
from engine.compiler.machine.memory import address, aligned
from engine.compiler.run import team
from engine.compiler.schedule.threads import Barrier, Bases, Guard, Piece, Stretch, Together

STOPPED, RESULTS, PARKED = PLACE["stopped"], PLACE["results"], LETTER.index("parked")


class Feed:
    """What changes from step to step, in rotation: int64 [rows, slots] addresses of the inputs, [rows, scalars] bits.

    deadline: `time.monotonic_ns()` after which to stop, 0 for none; every: look at the clock each so many steps.
    """

    __slots__ = ("_inputs", "_rows", "_scalars", "deadline", "every", "inputs", "scalars")

    def __init__(self, inputs: Any, scalars: Any, every: int = 1) -> None:
        self.inputs, self.scalars, self.deadline, self.every = inputs, scalars, 0, every
        self._rows = len(inputs), len(scalars)
        self._inputs = (address(inputs), inputs.strides[0], self._rows[0])
        self._scalars = (address(scalars), scalars.strides[0], self._rows[1])

    def words(self, steps: int, first: int, results: int, deadline: int) -> bytes:
        """The words of driver.CALL, to begin with step `first`."""
        rows, more = self._rows
        head = (steps, 0, deadline, self.every)
        return packed(*head, *self._inputs, first % rows, *self._scalars, first % more, results)


@functools.cache
def driver(kernels: Library) -> Driver:
    """The driver for a library's processor."""
    return Driver(kernels)


class Native:
    """A stretch of native rows for some threads: their states and the memory that these point to."""

    def __init__(self, stretch: Stretch, plan: Plan, kernels: Library, results: Any, bases: Bases) -> None:
        self.start, self.end = stretch.start, stretch.end
        self.driver = driver(kernels)
        count = len(stretch.lines)
        self.held = array("q", bytes(8 * (LENGTH * count + 24)))
        skipped = -self.held.buffer_info()[0] % 64
        first, words = self.held.buffer_info()[0] + skipped, memoryview(self.held)[skipped // 8 :]
        self.states = [State(words[i * LENGTH :], first + 8 * LENGTH * i) for i in range(count)]
        self.shared = first + 8 * LENGTH * count
        """Where the barrier's count lies and, in another cache line, the step to stop after."""
        self.places: list[int] = [item.place if isinstance(item, Piece) else -1 for item in stretch.lines[0]]
        self.kept: list[Any] = [stretch]
        self._counters: dict[int, list[int]] = {}
        for thread, (line, lies) in enumerate(zip(stretch.lines, stretch.bases or [bases], strict=True)):
            self._fill(thread, line, kernels, lies)
        lead = self.states[0]
        targets, sources = [bases(b, at) for b, at, _ in plan.scalars], [bases(p.buffer, p.offset) for p in results]
        both = self._kept(targets + sources)
        lead.tell("targets", both, len(targets), both + 8 * len(targets), len(sources), 1)  # it is the leader
        self.call, self.numbers = lead.call, lead.numbers
        self.others = len(self.states) - 1
        self.crews = team.idle(self.driver, self.others)
        self.crew: team.Crew | None = None
        lines = [n for state in self.states[1:] for n in (0, state.address, 0)]  # a worker's mailbox is known later
        self.letter = array("q", [lead.address, self.driver.address["run"], 0, self.others, *lines])
        self.begin = self.letter.buffer_info()[0]

    def _fill(self, thread: int, line: list[Any], kernels: Library, bases: Bases) -> None:
        numbers, starts, patches = list[Any](), list[int](), list[tuple[int, int, int]]()
        state = self.states[thread]
        items = [piece for item in line for piece in (item.pieces if item.__class__ is Together else (item,))]
        for item in items:
            starts.append(len(numbers))
            numbers += self._arguments(item, state)
        known = bases.known
        for at, argument in enumerate(numbers):
            if argument.__class__ is tuple:
                buffer, offset = argument
                if buffer.slot < 0:
                    base, size = known.get(id(buffer)) or bases.look(buffer)
                    numbers[at] = base + offset * size
                else:
                    patches.append((at, buffer.slot, offset * np.dtype(buffer.dtype).itemsize))
                    numbers[at] = 0
        base, driver = self._kept(numbers), self.driver
        rows = [n for f, at in zip(self._functions(items, kernels), starts, strict=True) for n in (f, base + 8 * at)]
        if len(items) > len(line):
            rows = self._together(thread, line, rows)
        table = self._kept(rows + [n for at, slot, more in patches for n in (base + 8 * at, slot, more)])
        guard = next((i for i, item in enumerate(line, 1) if item.__class__ is Guard), len(line))
        state.tell("rows", table, guard, len(line), table + 8 * len(rows), len(patches))
        system = driver.pause, driver.clock, driver.clock_name
        state.tell("threads", len(self.states), self.shared, 0, *system, self.shared + 64)

    def _together(self, thread: int, line: list[Any], rows: list[int]) -> list[int]:
        """The rows of a line; those of pieces that threads do together lie apart (see `driver.write_together`)."""
        found, at = list[int](), 0
        for item in line:
            count = 2 * len(item.pieces) if item.__class__ is Together else 2
            mine, at = rows[at : at + count], at + count
            if item.__class__ is Together:
                mine = [self.driver.address["together"], self._kept([0, *self._homes(thread, item, self._kept(mine))])]
            found += mine
        return found

    def _homes(self, thread: int, item: Together, rows: int) -> list[int]:
        """For each thread, this one first: its counter, the first row of its pieces, and how many these are."""
        count = len(item.homes)
        if id(item) not in self._counters:
            counters = aligned(2 * count * LINE_BYTES, np.uint8)
            self.kept.append(counters)
            self._counters[id(item)] = [address(counters) + 2 * LINE_BYTES * i for i in range(count)]
        sizes = list(map(len, item.homes))
        starts = [rows + 16 * start for start in accumulate(sizes[:-1], initial=0)]
        homes = list(zip(self._counters[id(item)], starts, sizes, strict=True))
        return [count, *(number for home in homes[thread:] + homes[:thread] for number in home)]

    def _kept(self, numbers: list[int]) -> int:
        """The address of numbers that are kept where states can point to them."""
        held = array("q", numbers)
        self.kept.append(held)
        return held.buffer_info()[0]

    def _functions(self, line: list[Any], kernels: Library) -> list[int]:
        """What each row of a thread calls."""
        made = self.driver.address
        found = iter(kernels.need([item.work for item in line if item.__class__ is Piece and not item.address]))
        return [
            item.address or next(found) if item.__class__ is Piece
            else made["guard" if item.__class__ is Guard else "barrier"]
            for item in line
        ]  # fmt: skip

    def _arguments(self, item: Any, state: State) -> list[Any]:
        if item.__class__ is Piece:
            noted: dict[str, Any] = item.work.__dict__  # what a plan says is the same for all steps that share it
            if NOTED not in noted:
                noted[NOTED] = item.work.arguments()
            found: list[Any] = noted[NOTED]
            return found
        if item.__class__ is Barrier:
            return [state.address]
        spots = [n for buffer, low, count in item.stretches for n in ((buffer, low), count)]
        return [state.address, len(item.stretches), *spots]

    def walk(self, steps: int, feed: Feed, results: Any, first: int = 0) -> tuple[int, int]:
        """Run all threads from step `first` of the feed on; how many steps were done in full, and 1 if the guard
        stopped the one after these."""
        stopped = self.told(feed.words(steps, first, address(results), feed.deadline if self.driver.clock else 0))
        return self.states[0]["done"] - stopped, int(stopped)

    def told(self, words: bytes, results: int = 0) -> bool:
        """Run all threads as these words say (see `Feed.words`); whether the guard stopped them. results: where scalar
        outputs go, if not where the words say."""
        self.call[:] = words
        if results:
            self.numbers[RESULTS] = results
        if self.others:
            try:
                crew = self.crews.pop()
            except IndexError:
                crew = team.Crew(self.driver, self.others)
            if crew is not self.crew:
                self.meet(crew)
            self.driver.begin(self.begin)
            if self.letter[PARKED]:
                self.wake(crew)
            crew.kept = self.held  # not before: until now the workers may have looked at what they did last
            self.crews.append(crew)
        else:
            self.driver.begin(self.begin)
        return self.numbers[STOPPED] > 0

    def meet(self, crew: team.Crew) -> None:
        """From here on the other threads run on these workers."""
        self.crew = crew
        for i, worker in enumerate(crew.workers):
            self.letter[len(LETTER) + LINE * i] = worker.mailbox

    def wake(self, crew: team.Crew) -> None:
        """Some workers were parked when they were given work: wake them, then begin."""
        for worker, found in zip(crew.workers, self.letter[len(LETTER) + 2 :: LINE], strict=True):
            if found:
                worker.wake()
        self.driver.run(self.states[0].address)

    def until(self, place: int, feed: Feed, results: Any) -> int:
        """Run the rows of the plan before `place`, on one thread, once; 1 if the guard stopped them."""
        lead = self.states[0]
        guard, count = lead["guard"], lead["count"]
        last = next((i for i, p in enumerate(self.places) if p >= place), len(self.places))
        while last and self.places[last - 1] < 0:  # a guard before the row where we stop
            last -= 1
        lead["count"], lead["guard"] = last, min(guard, last)
        try:
            return self.walk(1, feed, results)[1]
        finally:
            lead["count"], lead["guard"] = count, guard
