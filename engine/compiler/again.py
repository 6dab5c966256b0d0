"""A step that is called once more with arguments like the last ones: everything that the long way asks, in one go.

Between two single steps of a small network the processor's cache is full of that network: it is the reading of Python's
own code and objects that costs, and a function without loops and calls reads the least. So a step that has often found
everything as it was gets a function of its own, which is written for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from engine.compiler.glance import Names, conditions
from engine.compiler.machine.memory import address
from engine.compiler.run import team
from engine.compiler.run.native import Feed, Native
from engine.compiler.run.runner import Bound
from engine.compiler.trace.recipe import Drawn, Made
from engine.graph import read_mode
from engine.rng import folded
from engine.tensor import Tensor, wrap
from engine.tree import is_branch, leaves

ndarray, FLOAT = np.ndarray, np.dtype("f4")
LOOKS = 16
"""Long looks after which it is worth a millisecond to write down what has to hold still; twice as many the next time:
what is another object at each step, though an equal one, is never found as it was."""
TURNS = 64
"""Steps of the written function between two looks at what others do on this machine."""

ONE = """
def one(args, {names}):
 try:
  {tensors} = args
  if not ({conditions}):
   return missed
  {pooled} = pool.pop()
 except Exception:
  return missed
 with lock:
  running.append(None)
  try:
   {drawn}
   start = now()
   stopped = told(words, at)
   spent[0] += now() - start
  finally:
   running.pop()
 {done}
 return {result}
"""
ARGUMENT = """\
t{i}.__class__ is Tensor and t{i}._requires_grad is False and (t{i}.array is arrays[{i}] or takes({i}, t{i}.array))"""
MISSED = object()
"""Instead of a result: something is not as it was, so the long way has to find out what."""


class Again:
    """One native step that returns numbers. variant: what has to hold still; one: does the step where a glance finds
    everything as it was, else says MISSED; well: whether the last step was finite."""

    def __init__(self, variant: Any, bound: Bound, native: Native, arrays: list[Any]) -> None:
        self.variant, self.bound, self.native = variant, bound, native
        self.runner, self.program, self.table = bound.runner, bound.program, bound.runner.table
        self.mode = read_mode()
        self.arrays = list(arrays)
        self.likes = [(a.shape, a.dtype) for a in arrays]
        self.row = np.array([[address(a) for a in arrays]], np.int64)
        self.takes = partial(_taken, self.arrays, self.row, self.likes)  # no method: `one` must not hold this object
        self.results = np.zeros((1, len(self.table.results)), np.float32)
        self.looks, self.due, self.well, self.spent = 0, LOOKS, [True], [0]
        self.one: Callable[[tuple[Any, ...]], Any] = _never
        self.pool: list[tuple[Any, ...]] = []
        self.full = 0
        made = [leaf for leaf in leaves(self.program.result) if leaf.__class__ is Made]
        self.places = {one: self.runner.outputs[one.number][0] for one in made}
        self.read, self.bits = self.runner.read, self.runner.bits.copy()
        self.drawn = [(self.bits[0].view(b.dtype), i, read.place)
                      for i, (b, _, read) in enumerate(self.table.plan.scalars) if read.__class__ is Drawn]  # fmt: skip
        self.feed = Feed(self.row, self.bits)
        self.words = self.feed.words(1, 0, address(self.results), 0)

    def look(self, args: tuple[Any, ...]) -> Any:
        """The step after a long look, or MISSED. Where it often finds all as it was, a glance will do from then on."""
        due, spent, turns = self.one is not _never and not self.pool, self.spent[0], self.full - len(self.pool)
        self.spent[0], self.full = 0, len(self.pool)
        if not self.table.quick(self.native, turns, spent):
            return MISSED
        if len(args) != len(self.arrays) or read_mode() is not self.mode:
            return MISSED
        for place, t in enumerate(args):
            if t.__class__ is not Tensor or t._requires_grad:
                return MISSED
            if t.array is not self.arrays[place] and not self.takes(place, t.array):
                return MISSED
        if self.variant.changed():
            return MISSED
        if self.program.settings != self.read:
            self.read, self.bits[...] = self.program.settings, self.table.bits()
        if due:
            self._fill()
        else:
            self._count()
        with self.table.lock:
            self.bound.prepare()
            for numbers, i, place in self.drawn:
                numbers[i] = self.program.keys[place]
            self.well[0] = not self.table.once(self.native, self.words)
            found = self.results[0].copy()
        if self.well[0]:
            self.bound.done(1)
        else:
            self.bound.forget_draws(1, 0, [])
        return self.bound.result(lambda made: made.of(found[self.places[made], ...]))

    def fits(self, variant: Any, bound: Bound) -> bool:
        """Whether steps of this variant are still done so, now that one went the long way."""
        runner = bound.runner
        same = variant is self.variant and bound is self.bound and runner.table.short is self.native
        return same and runner.read == self.read and read_mode() is self.mode

    def _count(self) -> None:
        """A look that found all as it was."""
        self.looks += 1
        if self.looks == self.due:
            self.due *= 2
            self.one, self.full = self._written(), 0
            self.pool.clear()

    def _fill(self) -> None:
        """Results of the next steps, and where they will be written."""
        rows = np.zeros((TURNS, len(self.table.results)), np.float32)
        first, stride = address(rows), rows.strides[0]
        for i, row in enumerate(rows):
            cells = [(made, row[place, ...]) for made, place in self.places.items()]
            self.pool.append((first + i * stride, *[wrap(cell) if _plain(made) else cell for made, cell in cells]))
        self.full = TURNS

    def _written(self) -> Callable[[tuple[Any, ...]], Any]:
        """This step as one function."""
        name = Names()
        still, result = conditions(self.variant, name), _tree(self.program.result, name, iter(range(len(self.places))))
        if still is None or result is None:
            return _never
        name.held |= self._named()
        places = range(len(self.arrays))
        text = ONE.format(
            tensors=f"[{', '.join([f't{i}' for i in places])}]",
            conditions=" and ".join(["read_mode() is mode", *[ARGUMENT.format(i=i) for i in places], *still]),
            drawn="\n   ".join(self._draws(name)) or "pass",
            pooled=f"[{', '.join(['at', *[f'r{i}' for i in range(len(self.places))]])}]",
            done="\n ".join(self._done(name)), result=result,
            names=", ".join([f"{n}={n}" for n in name.held]),
        )  # fmt: skip
        space: dict[str, Any] = {}
        exec(text, name.held, space)  # noqa: S102 - written by this file from names that it made
        found: Callable[[tuple[Any, ...]], Any] = space["one"]
        return found

    def _named(self) -> dict[str, Any]:
        """What the text speaks of by name."""
        return {
            "Tensor": Tensor, "read_mode": read_mode, "mode": self.mode, "arrays": self.arrays, "takes": self.takes,
            "pool": self.pool, "lock": self.table.lock, "running": team.running(),
            "told": self.native.told, "words": self.words,
            "missed": MISSED, "now": time.perf_counter_ns, "spent": self.spent,
        }  # fmt: skip

    def _draws(self, name: Names) -> list[str]:
        """What `Bound.prepare` does, and where the numbers of draws go."""
        generators = enumerate(self.program.generators)
        lines = [f"k{i} = {name(folded)}(*{name(generator)}.draw())" for i, generator in generators]
        return lines + [f"{name(numbers)}[{i}] = k{place}" for numbers, i, place in self.drawn]

    def _done(self, name: Names) -> list[str]:
        """What `Bound.done` does."""
        bound, program = self.bound, self.program
        lines = [f"{name(leaf)}.grad = {name(tensor)}" for leaf, tensor in program.slopes]
        lines += [f"{name(counter)}.array += 1" for counter in program.counters]
        lines += [f"{name(cell)}[0] += 1" for cell in bound.cells]
        if not self.runner.plan.finite:
            return lines
        well = name(self.well)
        stopped = [f"{well}[0] = not stopped", f"if {well}[0]:"]
        refused = ["else:", f" {name(bound.forget_draws)}(1, 0, ())"]
        return [*stopped, *(f" {line}" for line in lines or ["pass"]), *refused]


def _plain(made: Made) -> bool:
    """Whether a result is a tensor of what native code writes."""
    return made.dtype == FLOAT and not made.kind


def _tree(tree: Any, name: Names, numbers: Iterator[int]) -> str | None:
    """The text that makes what a step returns, of the results r0, r1 ...; None for a branch of an unknown kind."""
    if tree.__class__ is Made:
        result = f"r{next(numbers)}"
        return result if _plain(tree) else f"{name(tree)}.of({result})"
    if not is_branch(tree):
        return name(tree)
    parts = [_tree(part, name, numbers) for part in (tree.values() if isinstance(tree, dict) else tree)]
    if None in parts:
        return None
    if tree.__class__ is dict:
        return f"{{{', '.join([f'{name(key)}: {part}' for key, part in zip(tree, parts, strict=True)])}}}"
    inside = "".join([f"{part}, " for part in parts])
    if hasattr(tree, "_fields"):
        return f"{name(tree.__class__)}({inside})"
    return {tuple: f"({inside})", list: f"[{inside}]"}.get(tree.__class__)


def _never(_: tuple[Any, ...]) -> Any:
    """What nobody has written yet does no step."""
    return MISSED


def _taken(arrays: list[Any], row: Any, likes: list[Any], place: int, a: Any) -> bool:
    """Whether another array may take the place of an argument's; it has taken it then."""
    if a.__class__ is not ndarray or (a.shape, a.dtype) != likes[place] or not a.flags.c_contiguous:
        return False
    arrays[place], row[0, place] = a, address(a)
    return True


def again(variant: Any, bound: Bound, args: tuple[Any, ...]) -> Again | None:
    """How to do the step that was just done once more; None where that is not so simple."""
    runner = bound.runner
    if (
        runner.tier != "native"
        or bound is not variant.bound
        or runner.new is not None
        or bound.program.schedules
        or bound.program.samples
        or runner.alone
    ):
        return None
    native = runner.table.short
    plain = all(t.__class__ is Tensor and not t._requires_grad and t.array.flags.c_contiguous for t in args)
    return Again(variant, bound, native, [t.array for t in args]) if plain and isinstance(native, Native) else None
