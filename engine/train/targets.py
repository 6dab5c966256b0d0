"""From labels to what a loss compares the outputs with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.autodiff import no_grad
from engine.errors import ArgumentError
from engine.probes.answer import Answer, Reading
from engine.tensor import Tensor

Array = npt.NDArray[Any]


def answer_of(loss: str, outputs: int, task: str, classes: list[str]) -> Answer:
    """How outputs are read under a loss."""
    return Answer(_reading(loss, outputs, task), outputs, tuple(classes))


READINGS: dict[str, Reading] = {
    "CrossEntropyLoss": "softmax",
    "NLLLoss": "log",
    "BCEWithLogitsLoss": "sigmoid",
    "BCELoss": "probability",
}


def _reading(loss: str, outputs: int, task: str) -> Reading:
    if task == "regression":
        return "value"
    return READINGS.get(loss) or ("sign" if outputs == 1 else "one_hot")


def encode(labels: Array, answer: Answer) -> Array:
    """The target array of a loss: int64 (n,) class indices for cross-entropy and NLL, else float32 (n, outputs).

    One output: class 1 is +1 and class 0 is -1 (0 under the losses for probabilities); several outputs: one-hot.
    Raises: ArgumentError when one output should tell more than two classes apart.
    """
    if answer.reading in ("softmax", "log"):
        return labels.astype(np.int64)
    if answer.reading == "value":
        return labels.astype(np.float32).reshape(len(labels), -1)
    if answer.outputs == 1:
        return _signs(labels, answer)
    return np.eye(answer.outputs, dtype=np.float32)[labels.astype(np.int64)]


def right_of(answer: Answer, outputs: Tensor, target: Tensor) -> Tensor:
    """How many outputs of a batch are read as what the encoded target says, a float32 tensor of shape ()."""
    with no_grad():
        if answer.single:
            border = 0.5 if answer.reading == "probability" else 0.0
            same = (outputs > border) == (target > border)
        else:
            classes = target.float() if answer.reading in ("softmax", "log") else _largest(target)
            same = _largest(outputs.reshape(len(outputs), -1)) == classes
        return same.float().sum()


def _largest(rows: Tensor) -> Tensor:
    """The place of the (first) largest number of each row as a float32, found by reductions that compile."""
    places = Tensor(np.arange(rows.shape[1], dtype=np.float32))
    return places.where(rows == rows.amax(1, keepdim=True), float(rows.shape[1])).amin(1)


def _signs(labels: Array, answer: Answer) -> Array:
    if len(answer.classes) > 2:
        raise ArgumentError(
            where="targets",
            expected=f"{len(answer.classes)} outputs, one for each class",
            got="1",
            field="graph.outputs",
        )
    low = 0.0 if answer.reading in ("sigmoid", "probability") else -1.0
    return np.where(labels == 1, 1.0, low).astype(np.float32).reshape(-1, 1)
