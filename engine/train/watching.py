"""What may be seen of a run: rows of the curves, and pictures. Looking never changes a number."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np

from engine.errors import ArgumentError, EngineError
from engine.probes import Block, Evaluation, Scene, parse_topic
from engine.spec.problem import Problem, problem_from
from engine.train.attempt import Attempt, OwnMasks, host
from engine.train.metrics import BETWEEN, Score, Steps, at_once, finite, is_light

WINDOW = 2.0
"""Seconds over which the speed is measured."""
VALUES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


class Looking:
    """The network of an attempt, as probes ask for it."""

    def __init__(self, training: Attempt) -> None:
        self.training = training

    def outputs_of(self, x: Any) -> dict[str, Any]:
        """What the input and every node give for `x`."""
        return self.training.forward(x)

    def parameter(self, name: str) -> Any:
        """The numbers of a parameter, copied: training goes on while they are sent."""
        return host(self._find(name)).copy()

    def gradient(self, name: str) -> Any | None:
        """The numbers of its newest gradient."""
        grad = self._find(name).grad
        return None if grad is None else host(grad).copy()

    def _find(self, name: str) -> Any:
        if name not in self.training.parameters:
            known = ", ".join(list(self.training.parameters)[:12])
            raise ArgumentError(where="name", expected=f"a parameter: {known}", got=name[:60])
        return self.training.parameters[name]


class Watch:
    """Measures an attempt when asked: rows when they are due, pictures when somebody looks."""

    def __init__(self, training: Attempt) -> None:
        self.training = training
        self.revision = 1
        self.data_version = 1
        self.running = False
        self.problems: dict[str, Problem] = {}
        self.newest: dict[str, float | None] = {}
        self.shown: dict[str, tuple[int, list[Block]]] = {}
        self.measured = 0
        self.marks: deque[tuple[float, int]] = deque(maxlen=256)
        self.scene = self._scene()

    def _scene(self) -> Scene:
        t = self.training
        return Scene(Looking(t), t.network.output, t.answer, t.source, t.split, t.loss_of)

    def after(self, former: Watch) -> None:
        """Versions go on rising over attempts, so that no picture of an older one is taken for a newer."""
        self.revision = former.revision + 1
        self.data_version = former.data_version + 1

    def changed(self, data: bool) -> None:
        """A setting, a weight or the data was changed by hand."""
        self.revision += 1
        self.data_version += data
        evaluations = {} if data else self.scene.evaluations
        self.scene = self._scene()
        self.scene.evaluations = evaluations

    # ---------------------------------------------------------------------------------------------------- rows
    def row(self, whole: bool, native: bool = False) -> Steps[tuple[dict[str, float | None], int]]:
        """(values, test examples) of a row, in the steps of `score`; `whole`: large test sets are measured whole, too.

        It leaves nothing behind before it ends: one that was broken off can begin again.
        """
        t = self.training
        limit = None if whole or is_light(t.split.test.x) else BETWEEN
        test = yield from self._measure("test", limit, native)
        values = {"test_loss": finite(test.loss), "test_accuracy": finite(test.accuracy)}
        if len(t.split.validation):
            validation = yield from self._measure("validation", None if whole else BETWEEN, native)
            values |= {"validation_loss": finite(validation.loss), "validation_accuracy": finite(validation.accuracy)}
        values = {**self._train_values(), **values}
        if t.answer.reading == "value":
            values = {name: v for name, v in values.items() if not name.endswith("accuracy")}
        self.newest, self.measured = values, self.revision
        return values, test.examples

    def _train_values(self) -> dict[str, float | None]:
        """Small sets are measured; of large ones the batches since the last row are told."""
        t = self.training
        if t.evaluated_whole:
            score = at_once(self._measure("train"))
            return {"train_loss": finite(score.loss), "train_accuracy": finite(score.accuracy)}
        loss, accuracy = (t.seen_loss / t.seen, t.seen_right / t.seen) if t.seen else (None, None)
        t.seen_loss, t.seen, t.seen_right = 0.0, 0, 0
        return {"train_loss": finite(loss), "train_accuracy": finite(accuracy)}

    def _measure(self, name: str, limit: int | None = None, native: bool = False) -> Steps[Score]:
        score = yield from self.training.score(name, limit, native)
        if score.counts is not None:
            self.scene.evaluations[name] = Evaluation(score.counts, score.examples, self.revision)
        return score

    # ------------------------------------------------------------------------------------------------ pictures
    def pictures(self, topics: list[str]) -> list[Block]:
        """The blocks of the topics that can be shown; the others stand in `problems`."""
        self.problems = {}
        blocks: list[Block] = []
        with OwnMasks(self.training):
            self._refresh("progress" in topics)
            for topic in topics:
                try:
                    blocks += self._blocks(topic)
                except EngineError as error:
                    self.problems[topic] = problem_from(error)
        self.shown = {topic: self.shown[topic] for topic in topics if topic in self.shown}
        return blocks

    def _blocks(self, topic: str) -> list[Block]:
        """The blocks of one topic: those from before while nothing changed."""
        known = self.shown.get(topic)
        if known is not None and known[0] == self.revision and topic != "progress":
            return known[1]
        probe, arguments = parse_topic(topic)
        blocks = probe.blocks(self.scene, topic, arguments)
        self.shown[topic] = self.revision, blocks
        return blocks

    def _refresh(self, progress: bool) -> None:
        scene = self.scene
        scene.revision, scene.data_version = self.revision, self.data_version
        if progress:
            scene.progress = self._progress()

    def _progress(self) -> tuple[float, ...]:
        t = self.training
        if self.measured != self.revision and t.evaluated_whole and is_light(t.split.test.x):
            self._look()
        values = dict(self.newest)
        if not t.evaluated_whole and t.seen:
            values |= {"train_loss": t.seen_loss / t.seen, "train_accuracy": t.seen_right / t.seen}
        known = [value if (value := values.get(name)) is not None else math.nan for name in VALUES]
        return (t.step, t.cursor.epoch, *known, self.speed(), t.learning_rate())

    def _look(self) -> None:
        """The losses at this very step, for the eye only: no row of the curves."""
        at_once(self.row(whole=False))

    # --------------------------------------------------------------------------------------------------- speed
    def tick(self, now: float, step: int) -> None:
        """Note the time at a step."""
        self.marks.append((now, step))
        while len(self.marks) > 2 and now - self.marks[0][0] > WINDOW:
            self.marks.popleft()

    def speed(self) -> float:
        """Steps per second over the last seconds; NaN while nothing runs."""
        if not self.running or len(self.marks) < 2:
            return math.nan
        (t0, s0), (t1, s1) = self.marks[0], self.marks[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 else math.nan

    # ---------------------------------------------------------------------------------------------- checkpoints
    def newest_facts(self) -> dict[str, Any]:
        """What a checkpoint keeps of the newest row."""
        counts = {name: [e.counts.tolist(), e.examples] for name, e in self.scene.evaluations.items()}
        return {"values": self.newest, "counts": counts, "revision": self.revision}

    def recall(self, facts: dict[str, Any]) -> None:
        """Take back what a checkpoint kept."""
        self.newest, self.revision = facts["values"], facts["revision"]
        for name, (counts, examples) in facts["counts"].items():
            self.scene.evaluations[name] = Evaluation(np.asarray(counts), examples, self.revision)
