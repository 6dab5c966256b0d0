"""How a network's outputs are read: as classes with probabilities, or as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Reading = Literal["softmax", "log", "sigmoid", "probability", "sign", "one_hot", "value"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The meaning of the outputs, decided by the loss, the number of outputs and the classes."""

    reading: Reading
    outputs: int
    classes: tuple[str, ...]

    @property
    def single(self) -> bool:
        """One number per example: a value, or two classes told apart by it."""
        return self.outputs == 1

    def chosen(self, outputs: Array) -> Array:
        """Predicted class of each row, int64 (n,)."""
        rows = outputs.reshape(len(outputs), -1)
        border = 0.5 if self.reading == "probability" else 0
        return (rows[:, 0] > border).astype(np.int64) if self.single else rows.argmax(axis=1)

    def probabilities(self, outputs: Array) -> Array:
        """Share of belief in each class, float32 (n, classes); every row sums to 1."""
        rows = outputs.reshape(len(outputs), -1).astype(np.float32)
        if self.single:
            first = (np.clip(self.level(rows), -1, 1).reshape(-1, 1) + 1) / 2
            return np.concatenate([1 - first, first], axis=1)
        return _shares(self._weights(rows))

    def _weights(self, rows: Array) -> Array:
        if self.reading in ("softmax", "log"):
            return np.asarray(np.exp(rows - rows.max(axis=1, keepdims=True)))
        return _sigmoid(rows) if self.reading == "sigmoid" else np.clip(rows, 0, 1)

    def level(self, outputs: Array) -> Array:
        """One output as a number that is -1 and +1 where two classes are sure; regression: the output itself."""
        flat = outputs.reshape(-1)
        if self.reading == "sigmoid":
            return 2 * _sigmoid(flat) - 1
        return 2 * flat - 1 if self.reading == "probability" else flat


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)


def _shares(weights: Array) -> Array:
    total = weights.sum(axis=1, keepdims=True)
    even = np.full_like(weights, 1 / weights.shape[1])
    return np.asarray(np.divide(weights, total, out=even, where=total > 0), np.float32)
