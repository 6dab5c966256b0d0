"""A program as something that runs, on native code or on NumPy: one step, or many with one call."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from engine.array import default_dtype
from engine.compiler.graph.ir import Graph
from engine.compiler.graph.replay import Replay
from engine.compiler.kernels.work import Call, Plan, Record
from engine.compiler.machine.cores import cores
from engine.compiler.machine.cpu import NoNativeCode
from engine.compiler.machine.memory import address
from engine.compiler.passes.simplify import simplify
from engine.compiler.plan.parted import part_batch
from engine.compiler.plan.planner import Planner, furnished
from engine.compiler.reuse.resized import again, learn, said
from engine.compiler.reuse.seen import recall, remember
from engine.compiler.run.table import Table
from engine.compiler.trace.recipe import Made, Program
from engine.rng import folded
from engine.tensor import wrap
from engine.tree import mapped

CALL = 15_000_000
"""Nanoseconds after which a call of many steps comes back to Python."""
DRAWING = 15.0
"""Nanoseconds in which a random number is drawn."""


class NumPy:
    """Steps of a program on NumPy."""

    tier, alone = "numpy", True

    def __init__(self, program: Program) -> None:
        self.replay = Replay(program.graph)

    def step(self, arrays: list[Any]) -> tuple[list[Any], bool]:
        """One step: the outputs, and whether all is finite (else nothing was written)."""
        return self.replay.step(arrays)


def rows_of(graph: Graph, shards: int) -> Plan:
    """The rows of a graph, which is taken apart for it: its batch in at most so many shards, then simplified."""
    part_batch(graph, shards)
    simplify(graph, counts_as_floats=True)
    return Planner(graph, shards).rows()


class Native:
    """Steps of a program as a table of kernels; anew: planned from the beginning. Raises: CompilerError, NoNativeCode
    where there is none."""

    tier = "native"

    def __init__(self, program: Program, threads: int | None = None) -> None:
        shards = 1 if threads == 1 else cores()
        says = program.says or said(program.graph)
        key = ((shards, says[0]), says[1]) if says else None
        known = recall(key, program.graph) if key else None
        self.learn: Callable[[], None] | None = None
        self.anew = False
        self.plan, self.threads = known or self._planned(program.graph, key, shards), threads
        calls = sum(isinstance(row, Call) for row in self.plan.rows)
        if 2 * calls > len(self.plan.rows):
            raise NoNativeCode("compile", "float32", f"{calls} of {len(self.plan.rows)} records that are Python")
        self.table = Table(self.plan)
        self.new, self.ran = None if known else key, False
        rows = {id(place): i for i, place in enumerate(self.table.results)}
        self.outputs = [(rows.get(id(place)), place) for place, _ in self.plan.outputs]
        self.only_numbers = all(row is not None for row, _ in self.outputs)
        self.last: list[Any] = []
        self.row = addresses([[]])
        self.alone = bool(self.plan.effects) or not self.only_numbers
        self.program, self.read = program, -1
        self.steady = not (program.schedules or program.generators)
        self.bits: Any = None

    def _planned(self, graph: Graph, key: Any, shards: int) -> Plan:
        """The plan of a graph: as one was planned that only had other sizes, or from the beginning."""
        mine = copy(graph)
        rows = again(key, mine) if key else None
        if rows is None:
            mine = _own(graph)
            self.learn = learn(key[0], graph, functools.partial(rows_of, shards=shards)) if key else None
            rows, self.anew = rows_of(mine, shards), True
        return furnished(rows, shards, mine.parted[1])

    def step(self, arrays: list[Any]) -> tuple[list[Any], bool]:
        """One step: the outputs, and whether all is finite (else nothing was written)."""
        if len(arrays) != len(self.last) or any(a is not b for a, b in zip(arrays, self.last, strict=True)):
            self.last, self.row = arrays, addresses([arrays])
        if self.ran:  # not at the first step: somebody waits for that
            self.keep()
        if self.read != self.program.settings or not self.steady:
            self.read, self.bits = self.program.settings, self.table.bits()
        self.ran = True
        ran = self.table.run(1, self.row, self.bits, threads=self.threads)
        outputs = [self._output(ran.results[-1], row, place, arrays) for row, place in self.outputs]
        if not ran.stopped:
            for function, places in self.plan.effects:
                function(*(np.array(self._seen(place, arrays)) for place in places))
        return outputs, not ran.stopped

    def keep(self, now: bool = False) -> None:
        """Keep the plan for whoever says the same, and a recipe for other sizes; now: not in the background."""
        if self.new is not None:
            remember(self.new, self.program.graph, self.plan)
            self.new = None
        recipe, self.learn = self.learn, None
        likeness, self.program.learn = self.program.learn, None
        lessons = [] if recipe is None else [recipe]
        lessons += [] if likeness is None else [functools.partial(likeness, self.program)]
        if lessons and now:
            self._learn(lessons)
        if lessons:
            self.table.kernels.later(f"recipe {id(self)}", functools.partial(self._prepare, [] if now else lessons))

    def _learn(self, lessons: list[Callable[[], None]]) -> None:
        for lesson in lessons:  # while this object holds the program, whose end would empty the graph
            lesson()

    def _prepare(self, lessons: list[Callable[[], None]]) -> None:
        """What networks of other sizes will want: a recipe, and machine code to stand in for what serves them best."""
        self._learn(lessons)
        rows = [row for row in self.plan.rows if isinstance(row, Record)]
        self.table.kernels.need([work for row in rows if (work := getattr(row.work, "stand_in", None)) is not None])

    def stand_in(self) -> Native | None:
        """The same steps, number by number, by kernels that are there, while others are being compiled; None where some
        have none that stand in for them."""
        kernels, rows = self.table.kernels, []
        for row in self.plan.rows:
            work = row.work if isinstance(row, Record) else None
            if work is not None and kernels.find(work) is None:
                work = None if self.plan.bands else getattr(work, "stand_in", None)
                if work is None or kernels.find(work) is None:
                    return None
                row = replace(row, work=work)
            rows.append(row)
        made = copy(self)
        made.plan, made.new, made.learn = replace(self.plan, rows=rows), None, None
        made.table = Table(made.plan, kernels)
        return made

    def _output(self, numbers: Any, row: int | None, place: Any, arrays: list[Any]) -> Any:
        return np.array(numbers[row]) if row is not None else np.array(self._seen(place, arrays))

    def _seen(self, place: Any, arrays: list[Any]) -> Any:
        if place.buffer.slot < 0:
            return place.view(self.plan.memory)
        flat, size = np.ascontiguousarray(arrays[place.buffer.slot]).reshape(-1), place.dtype.itemsize
        return np.lib.stride_tricks.as_strided(flat[place.offset :], place.shape, [s * size for s in place.strides])

    def many(self, steps: int, inputs: Any, first: int, scalars: Any, limit: bool) -> tuple[int, bool, Any]:
        """Steps from number `first` on, as many as fit into one call: (done, stopped, numbers [steps, outputs])."""
        self.keep()
        deadline = time.monotonic_ns() + CALL if limit else 0
        if first and len(inputs) > 1:
            inputs = np.roll(inputs, -(first % len(inputs)), 0) if len(inputs) < first + steps else inputs[first:]
        ran = self.table.run(steps, inputs, scalars, deadline, threads=self.threads)
        return ran.steps, ran.stopped, ran.results[:, [row for row, _ in self.outputs]]


def addresses(batches: list[list[Any]]) -> Any:
    """Where the arrays of each batch lie: int64 [batches, arrays]. The arrays must be dense."""
    return np.array([[address(a) for a in arrays] for arrays in batches], np.int64)


class Bound:
    """A program with what has to be done around each of its steps: schedules, draws, gradients, counts."""

    def __init__(self, program: Program, runner: Any) -> None:
        self.program, self.runner = program, runner
        self.before = [s for s, first in program.schedules if first]
        self.after = [s for s, first in program.schedules if not first]
        self.simple = not (program.schedules or program.generators or program.samples)
        self.sources = list(dict.fromkeys(s.generator for s in program.samples))
        self.drawing = DRAWING * sum(math.prod(s.shape) for s in program.samples)
        self.cells = [t._cell for t, _ in program.tensors]

    def step(self, arrays: list[Any]) -> tuple[Any, bool]:
        """One step on the arguments' arrays: what the step returns, and whether all was finite."""
        before = self._states()
        self.prepare()
        outputs, finite = self.runner.step([*arrays, *self.samples()] if before else arrays)
        self.done(int(finite))
        if finite:
            self.advance()
        else:
            self.forget_draws(1, 0, before)
        return self.result(lambda made: made.of(outputs[made.number])), finite

    def prepare(self) -> None:
        """What Python does before a step: draws, and schedules that step before the optimiser."""
        for scheduler in self.before:
            scheduler.step()
        keys = self.program.keys
        for i, generator in enumerate(self.program.generators):
            keys[i] = folded(*generator.draw())

    def samples(self) -> list[Any]:
        """The random numbers of a step."""
        return [sample.array() for sample in self.program.samples]

    def advance(self) -> None:
        """What Python does after a step: schedules."""
        for scheduler in self.after:
            scheduler.step()

    def done(self, steps: int) -> None:
        """After some steps: gradients are where they belong, counts have grown, versions too."""
        if not steps:
            return
        for leaf, tensor in self.program.slopes:
            leaf.grad = tensor
        for counter in self.program.counters:
            counter.array += steps
        for cell in self.cells:
            cell[0] += 1

    def result(self, make: Callable[[Made], Any], other: Callable[[Any], Any] = lambda leaf: leaf) -> Any:
        """What the step returns, with tensors from `make`; other: what becomes of the rest."""
        tree = self.program.result
        if tree.__class__ is Made:
            return make(tree)
        return mapped(lambda leaf: make(leaf) if leaf.__class__ is Made else other(leaf), tree)

    def many(self, inputs: Any, steps: int) -> tuple[Any, int, bool]:
        """Many steps natively: (what they return, stacked; steps done; finite). inputs: addresses, taken in turn."""
        parts, first, stopped = [], 0, False
        while first < steps and not stopped:
            count = (
                steps - first
                if self.simple
                else max(1, min(steps - first, int(CALL / max(self.runner.table.cost + self.drawing, 1e3))))
            )
            done, stopped, found = self._call(inputs, first, count)
            parts.append(found)
            first += done
        found = np.concatenate(parts) if parts else np.zeros((0, len(self.runner.outputs)), np.float32)
        make = lambda made: wrap(made.typed(found[:, made.number]))
        return self.result(make, lambda leaf: numbers(leaf, first)), first, not stopped

    def _call(self, inputs: Any, first: int, count: int) -> tuple[int, bool, Any]:
        """One native call of at most `count` steps."""
        if self.simple:
            done, stopped, found = self.runner.many(count, inputs, first, None, True)
            self.done(done)
            return done, stopped, found
        states = [(s, s.state_dict(), [g["lr"] for g in s.optimizer.param_groups]) for s, _ in self.program.schedules]
        rows, before = np.concatenate([self._row() for _ in range(count)]), self._states()
        held = [self.samples() for _ in range(count)] if before else []
        if held:
            inputs, first = np.hstack([inputs[(first + np.arange(count)) % len(inputs)], addresses(held)]), 0
        done, stopped, found = self.runner.many(count, inputs, first, rows, False)
        self.done(done)
        if stopped:
            self._rewind(states, done)
            self.forget_draws(count, done, before)
        return done, stopped, found

    def _row(self) -> Any:
        self.prepare()
        row = self.runner.table.bits()
        self.advance()
        return row

    def _states(self) -> list[Any]:
        """Where the generators of samples are."""
        return [(generator, generator.get_state()) for generator in self.sources]

    def forget_draws(self, count: int, done: int, before: Sequence[Any]) -> None:
        """Steps that were refused have drawn nothing: only `done` of `count` have. before: the state of generators."""
        for generator in self.program.generators:
            state = generator.get_state()
            generator.set_state({**state, "draws": state["draws"] - (count - done)})
        for generator, state in before:
            generator.set_state({**state, "draws": generator.get_state()["draws"]})
        for _ in range(done if before else 0):
            self.samples()

    def _rewind(self, states: list[Any], done: int) -> None:
        """Schedules went ahead of a step that was refused: back to where the last good step left them."""
        for scheduler, state, rates in states:
            scheduler.load_state_dict(state)
            for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
        for _ in range(done):
            for scheduler, _, _ in states:
                scheduler.step()


def numbers(leaf: Any, steps: int) -> Any:
    """A number that each of some steps returns, as a tensor of these; anything else as it is."""
    if not isinstance(leaf, (bool, int, float)):
        return leaf
    return wrap(np.full(steps, leaf, default_dtype() if isinstance(leaf, float) else None))


def _own(graph: Graph) -> Graph:
    """A graph for the passes to change: its lists are its own, its values and nodes are the same."""
    mine = copy(graph)
    mine.nodes, mine.sources, mine.outputs = list(graph.nodes), list(graph.sources), list(graph.outputs)
    mine.writes, mine.finite, mine.effects = list(graph.writes), list(graph.finite), list(graph.effects)
    return mine
