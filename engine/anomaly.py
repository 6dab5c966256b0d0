"""Anomaly mode: the first operation, forward or backward, that makes a number that is none, and where it was called."""

from __future__ import annotations

import linecache
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

from engine import array as arrays_
from engine.array import Abstract
from engine.errors import GraphError
from engine.graph import Mode, Node, Recorder, current_mode, reset_mode, set_mode
from engine.ops.op import Op, words
from engine.tensor import Tensor

HOME = str(Path(__file__).parent)


class Event(NamedTuple):
    """An operation that made NaN or infinity: its name, where the program called it, and what it was given."""

    operation: str
    made: str
    place: str
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        given = "; ".join(self.inputs)
        return f"{self.operation} made {self.made}, called at {self.place}, from {given or 'no tensors'}"


class AnomalyError(GraphError):
    """Anomaly mode met a NaN. event: the operation that made it; first: the first that made NaN or infinity."""

    code = "anomaly"

    def __init__(self, sentence: str, event: Event, first: Event) -> None:
        super().__init__(sentence, "no NaN", str(event), "" if first is event else f"It began before: {first}.")
        self.event, self.first = event, first


def place_of_call() -> str:
    """File, line and text of the innermost line that is not the engine's own."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        frame = frame.f_back
    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" + (f" `{text}`" if text else "")


def broken(value: Any) -> str:
    """ "nan", "inf", or nothing where a tensor (or number) is finite."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "nan" if math.isnan(value) else "inf"
    a = value.array
    if isinstance(a, Abstract) or a.dtype.kind != "f":
        return ""
    xp = arrays_.module_of(a)
    return "" if bool(xp.isfinite(a).all()) else "nan" if bool(xp.isnan(a).any()) else "inf"


def describe(value: Any) -> str:
    """Shape, element type and range of a value."""
    if not isinstance(value, Tensor):
        return str(value)
    a = value.array
    kind = f"{arrays_.OF_NUMPY[a.dtype].name} {words(a.shape)}"
    return kind if isinstance(a, Abstract) or not a.size else f"{kind} in [{a.min():.4g}, {a.max():.4g}]"


class Anomaly(Recorder):
    """Watches every op and every gradient rule."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan
        self.first: Event | None = None
        self._inputs: list[Any] | None = None

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        if self._inputs is not None:
            return
        if output._node is not None:
            output._node.metadata["traceback_"] = [place_of_call()]
        self._judge(op.name, place_of_call, output, list(inputs), f"{op.name} returned nan values in its output")

    def enter(self, node: Node, inputs: list[Any], output: Any) -> None:
        self._inputs = inputs

    def leave(self, node: Node, slopes: list[Any]) -> None:
        given, self._inputs = self._inputs or [], None
        known = [t for t in given if t is not None]
        for i, slope in enumerate(slopes):
            if isinstance(slope, Tensor):
                sentence = f"Function '{node.name()}' returned nan values in its {i}th output"
                self._judge(node.name(), lambda: node.metadata.get("traceback_", ["?"])[0], slope, known, sentence)

    def _judge(self, name: str, place: Any, made: Tensor, inputs: list[Any], sentence: str) -> None:
        if not self.check_nan or made.array.dtype.kind != "f":
            return
        kind = broken(made)
        if not kind:
            return
        event = Event(name, kind, place(), tuple(describe(t) for t in inputs))
        if self.first is None and not any(broken(t) for t in inputs if isinstance(t, Tensor | float)):
            self.first = event
        if kind == "nan":
            raise AnomalyError(sentence, event, self.first or event)


class detect_anomaly:  # noqa: N801
    """Inside, the first operation that makes a NaN, in forward or backward, is an error that names it and its place.

    PyTorch looks at gradients alone; here the forward is watched too. check_nan=False: only remember places.

    >>> x = engine.tensor([-1.0], requires_grad=True)
    >>> with engine.autograd.detect_anomaly(): x.sqrt()  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    engine.anomaly.AnomalyError: sqrt returned nan values in its output
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._watch = Anomaly(check_nan)

    def __enter__(self) -> Anomaly:
        mode = current_mode()
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self._watch)))
        return self._watch

    def __exit__(self, *_: object) -> None:
        reset_mode(self._token)


class set_detect_anomaly:  # noqa: N801
    """Anomaly mode on or off: at once, or for a `with` block.

    >>> with engine.autograd.set_detect_anomaly(True): engine.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = current_mode()
        others = tuple(r for r in self._before.recorders if not isinstance(r, Anomaly))
        set_mode(Mode(self._before.grad, (*others, Anomaly(check_nan)) if mode else others))

    def __enter__(self) -> None:
        """It was already set."""

    def __exit__(self, *_: object) -> None:
        set_mode(self._before)


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on.

    >>> engine.is_anomaly_enabled()
    False
    """
    return any(isinstance(r, Anomaly) for r in current_mode().recorders)
