"""What a step leaves behind in Python: lists that grow, attributes that are set, numbers that Python or NumPy draws.

A replayed step would leave nothing, and draw nothing. So everything that its functions can write to (see `reach.py`) is
looked at before and after a step that is watched.
"""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from engine.compiler.trace.guard import is_same
from engine.compiler.trace.reach import DRAWING, HOLDING, Reach
from engine.optim.optimizer import Optimizer

KEPT = "the step writes to {}, which a replay would not: let it return what is to be kept"
DRAWN = "the step draws from {}, which a replay would not: draw with engine.rand and the like, or outside of it"
SET = "the step changes a setting of {}, which a replay would not: let a schedule do it"

Reading = tuple[str, str, Callable[[], list[Any]]]
"""(what a step does that changes it: one of these sentences, its name, how to read it)."""


class Outside:
    """Whatever of Python a step could write to, as it is now."""

    def __init__(self, reach: Reach) -> None:
        numpys = partial(np.random.get_state, legacy=False)
        read: list[Reading] = [
            (DRAWN, "Python's random numbers", partial(_summed, random.getstate)),
            (DRAWN, "NumPy's random numbers", partial(_summed, numpys)),
            *(_reading(name, what) for name, what in reach.holders),
        ]
        self.entries = reach.entries
        self.readings = [(*reading, reading[-1]()) for reading in read]

    def changed(self, scheduled: bool) -> str:
        """What the step did to something that is not as before; empty where all is the same. scheduled: a schedule took
        a step, and set rates."""
        for sentence, name, look, before in self.readings:
            if scheduled and sentence is SET:
                continue
            now = look()
            if len(now) != len(before) or not all(map(is_same, now, before)):
                return sentence.format(name)
        return next((KEPT.format(repr(name)) for name, held, read in self.entries if not is_same(read(), held)), "")


def _reading(name: str, what: Any) -> Reading:
    """How to see whether something was written to."""
    if isinstance(what, Optimizer):
        return SET, repr(name), partial(_settings, what)
    if isinstance(what, DRAWING):
        state = what.getstate if isinstance(what, random.Random) else partial(getattr, what.bit_generator, "state")
        return DRAWN, repr(name), partial(_summed, state)
    if isinstance(what, HOLDING):
        return KEPT, repr(name), partial(_copy, what)
    return KEPT, f"an attribute of {name!r}", partial(_copy, vars(what))


def _copy(what: Any) -> list[Any]:
    if isinstance(what, io.IOBase):
        with suppress(OSError, ValueError):  # one that is closed, or being read line by line, does not tell
            return [what.tell()]
        return []
    return [*what, *what.values()] if isinstance(what, dict) else list(what)


def _summed(state: Callable[[], Any]) -> list[Any]:
    """The state of a generator, which may be long, as one number."""
    return [hash(pickle.dumps(state()))]


def _settings(optimizer: Optimizer) -> list[Any]:
    return [v for group in optimizer.param_groups for name, v in group.items() if name != "params"]
