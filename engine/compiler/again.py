"""A step that is called once more with arguments like the last ones: everything that the long way asks, in one go."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from engine.compiler.glance import glance
from engine.compiler.machine.memory import address
from engine.compiler.run.native import Feed, Native
from engine.compiler.run.runner import Bound
from engine.compiler.trace.recipe import Made
from engine.graph import read_mode
from engine.tensor import Tensor, wrap

ndarray = np.ndarray
LOOKS = 16
"""Long looks after which it is worth a millisecond to write down what has to hold still; twice as many the next time:
what is another object at each step, though an equal one, is never found as it was."""


class Again:
    """One native step whose result is one number. variant: what has to hold still; finite:
    whether the last step was."""

    def __init__(self, variant: Any, bound: Bound, native: Native, arrays: list[Any]) -> None:
        self.variant, self.bound, self.native = variant, bound, native
        self.runner, self.program, self.table = bound.runner, bound.program, bound.runner.table
        self.mode = read_mode()
        self.arrays = list(arrays)
        self.likes = [(a.shape, a.dtype) for a in arrays]
        self.row = np.array([[address(a) for a in arrays]], np.int64)
        self.results = np.zeros((1, len(self.table.results)), np.float32)
        self.finite, self.looks, self.due = True, 0, LOOKS
        self.same: Callable[[], bool] | None = None
        made, place = self.program.result, self.runner.outputs[self.program.result.number][0]
        self.number = self.results[0, place : place + 1].reshape(())
        self.copy = self.number.copy if made.dtype == self.number.dtype else partial(self.number.astype, made.dtype)
        self.read, self.bits = self.runner.read, self.runner.bits
        self.feed = Feed(self.row, self.bits)
        self.words = self.feed.words(1, 0, address(self.results), 0)

    def __call__(self, args: tuple[Any, ...]) -> Tensor | None:
        """The result; None where something is not as it was: then the long way finds out what."""
        arrays = self.arrays
        if len(args) != len(arrays) or read_mode() is not self.mode or not self.table.quick(self.native):
            return None
        for place, t in enumerate(args):
            if t.__class__ is not Tensor or t._requires_grad:
                return None
            a = t.array
            if a is not arrays[place]:
                if a.__class__ is not ndarray or (a.shape, a.dtype) != self.likes[place] or not a.flags.c_contiguous:
                    return None
                arrays[place], self.row[0, place] = a, address(a)
        if not (self.same is not None and self.same()) and not self._holds():
            return None
        with self.table.lock:
            self.finite = not self.table.once(self.native, self.words)
            found = self.copy()
        if self.finite:
            self.bound.done(1)
        return wrap(found)

    def fits(self, variant: Any, bound: Bound) -> bool:
        """Whether steps of this variant are still done so, now that one went the long way."""
        runner = bound.runner
        same = variant is self.variant and bound is self.bound and runner.table.short is self.native
        return same and runner.read == self.read and runner.bits is self.bits and read_mode() is self.mode

    def _holds(self) -> bool:
        """The long look; where it often finds all as it was, a glance will do from then on."""
        if self.variant.changed() or self.program.settings != self.read:
            return False
        self.looks += 1
        if self.looks == self.due:
            self.due *= 2
            self.same = glance(self.variant)
        return True


def again(variant: Any, bound: Bound, args: tuple[Any, ...]) -> Again | None:
    """How to do the step that was just done once more; None where that is not so simple."""
    runner = bound.runner
    if (
        runner.tier != "native"
        or bound is not variant.bound
        or runner.new is not None
        or not bound.simple
        or runner.alone
        or bound.program.result.__class__ is not Made
    ):
        return None
    native = runner.table.short
    plain = all(t.__class__ is Tensor and not t._requires_grad and t.array.flags.c_contiguous for t in args)
    return Again(variant, bound, native, [t.array for t in args]) if plain and isinstance(native, Native) else None
