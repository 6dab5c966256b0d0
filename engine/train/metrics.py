"""When a row of the training curves is due, and what stands in it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from engine.probes.answer import Answer
from engine.probes.confusion import count

Array = npt.NDArray[Any]
T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Something that is measured in steps, so that nobody waits for all of it; what it gives in the end."""

WHOLE = 2500
LIGHT = 2**20
"""Sets of up to WHOLE examples and LIGHT bytes (points and tables) are evaluated whole in every row."""
BETWEEN = 500
"""Of other test sets, so many examples are evaluated between the ends of epochs, and all at an end."""
LONG_EPOCH = 50
"""Only epochs of more batches than this have rows inside them."""


def epoch_due(epoch: int) -> bool:
    """Every epoch up to 100, then 50 for each doubling."""
    return epoch <= 100 or epoch % (1 << ((epoch - 1) // 100).bit_length()) == 0


def step_due(step: int) -> bool:
    """Two for each doubling: 1 2 3 4 6 8 12 16 24 32 48 ..."""
    return step <= 2 or step % (1 << (step.bit_length() - 2)) == 0


def next_epoch(epoch: int) -> int:
    """No epoch between this one and that has a row."""
    unit = 1 << (epoch // 100).bit_length()
    return (epoch // unit + 1) * unit


def next_step(step: int) -> int:
    """No step between this one and that has a row."""
    unit = 1 << max(0, step.bit_length() - 2)
    return (step // unit + 1) * unit


def is_light(examples: Array) -> bool:
    """Whether a set costs so little that every row measures all of it."""
    return len(examples) <= WHOLE and examples.nbytes <= LIGHT


@dataclass(frozen=True, slots=True)
class Score:
    """Mean loss over some examples, how many were right, and which classes were taken for which."""

    loss: float
    examples: int
    right: int | None = None
    counts: Array | None = None

    @property
    def accuracy(self) -> float | None:
        """Share of right answers; None for regression."""
        return None if self.right is None or not self.examples else self.right / self.examples


def tally(answer: Answer, outputs: Array, labels: Array) -> tuple[int, Array] | None:
    """(right answers, confusion counts) of outputs; None for regression."""
    if answer.reading == "value":
        return None
    chosen = answer.chosen(outputs)
    return int(np.count_nonzero(chosen == labels)), count(labels, chosen, len(answer.classes))


def joined(scores: list[Score]) -> Score:
    """The score of all parts together."""
    examples = sum(s.examples for s in scores)
    loss = sum(s.loss * s.examples for s in scores) / examples
    rights = [s.right for s in scores if s.right is not None]
    tables = [s.counts for s in scores if s.counts is not None]
    return Score(loss, examples, sum(rights) if rights else None, sum(tables[1:], tables[0]) if tables else None)


def finite(value: float | None) -> float | None:
    """The value, or None when it is not finite: JSON has no NaN."""
    return value if value is not None and np.isfinite(value) else None


def at_once(steps: Steps[T]) -> T:
    """What is found in the end, when nothing else is to be done in between."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        found: T = end.value
        return found
