"""A run: it trains in slices of time, obeys commands between two batches, and says what happens."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from engine.errors import EngineError
from engine.exchange.torch_source import torch_source
from engine.probes import Block
from engine.spec.build import Refused
from engine.spec.problem import Problem, problem_from
from engine.spec.refusal import problems_of
from engine.spec.run import RunSpec
from engine.train import commands
from engine.train.attempt import Attempt, NotFinite, OwnMasks, host
from engine.train.changes import Refusal, change
from engine.train.checkpoint import attempt_bytes, attempt_from, weights_bytes
from engine.train.divergence import non_finite
from engine.train.events import Ack, Changed, Computed, Event, Metrics, RunState, State
from engine.train.metrics import LONG_EPOCH, Steps, at_once, epoch_due, next_epoch, next_step, step_due
from engine.train.pace import Pacer
from engine.train.source import recipe
from engine.train.watching import Watch

COMMAND: TypeAdapter[commands.Command] = TypeAdapter(commands.Command)
FINAL = ("finished", "failed", "stopped")
LONGEST = 0.01
"""Seconds of training without looking at the clock or for commands."""


class Run:
    """One run: `advance` trains for a while and returns what happened, `command` steers, `pictures` shows.

    It begins paused at step 0. Pictures, pauses and pace never change the numbers; the same spec gives the same losses.
    Raises: Refused (an ArgumentError) when the spec has problems, DataError when the data cannot be read.

    Attributes:
        patience: seconds to wait for machine code before training begins eagerly, which the events then tell.
    """

    patience = math.inf

    def __init__(self, spec: RunSpec | Mapping[str, Any], data_dir: Path | None = None) -> None:
        wanted = spec if isinstance(spec, RunSpec) else RunSpec.model_validate(spec)
        self._start(Attempt(wanted.model_copy(deep=True), data_dir), 0)
        at_once(self._row(whole=False))  # the losses before anything was learned

    @classmethod
    def restore(cls, content: bytes, data_dir: Path | None = None) -> Run:
        """A run from the bytes of `snapshot`: paused, at the same step, with the same numbers to come."""
        training, extra = attempt_from(content, data_dir)
        run = cls.__new__(cls)
        run._start(training, extra["attempt"])
        run._origin = RunSpec.model_validate(extra["origin"])
        run._computed = extra.get("computed")
        run._changes = [(step, path, value) for step, path, value in extra["changes"]]
        run.watch.recall(extra["newest"])
        if extra.get("report"):
            run._say_later(*extra["report"])
        return run

    def _start(self, training: Attempt, attempt: int) -> None:
        self.attempt = attempt
        self.state: RunState = "paused"
        self._events: list[Event] = []
        self._training = training
        self._origin = training.spec.model_copy(deep=True)
        self._changes: list[tuple[int, str, JsonValue]] = []
        self.watch = Watch(training)
        self._pacer = Pacer(training.spec.pace)
        self._steps_left = self._epochs_left = 0
        self._report: Steps[None] | None = None
        self._computed: dict[str, Any] | None = None
        self._note_goal()

    # ---------------------------------------------------------------------------------------------- what it is
    @property
    def spec(self) -> RunSpec:
        """The spec with every change that was made while training."""
        return self._training.spec

    @property
    def step(self) -> int:
        """Batches done."""
        return self._training.step

    @property
    def epoch(self) -> float:
        """Epochs done, the part of the running one included."""
        return self._training.cursor.epoch

    @property
    def picture_problems(self) -> dict[str, Problem]:
        """Why topics of the last `pictures` gave nothing."""
        return self.watch.problems

    def wait(self) -> float:
        """Seconds until `advance` has something to do: 0 at once, infinity while paused or ended."""
        if self._steps_left or self._epochs_left or self._report is not None:
            return 0.0
        if self.state != "running":
            return math.inf
        return self._pacer.wait(self._training.cursor.at_start)

    # ------------------------------------------------------------------------------------------------ training
    def advance(self, max_seconds: float) -> list[Event]:
        """Train for at most `max_seconds` (and a batch), and return what happened since the last call."""
        if self.wait() == 0:
            with OwnMasks(self._training):
                self._go(time.perf_counter() + max_seconds)
        happened, self._events = self._events, []
        return happened

    def _go(self, deadline: float) -> None:
        clock, cursor, pacer = time.perf_counter, self._training.cursor, self._pacer
        self.watch.tick(clock(), self.step)
        while self.wait() == 0:
            if self._report is not None:
                self._say_more()
            else:
                if self.state == "running":
                    pacer.began(cursor.at_start)
                self._batches(min(LONGEST, deadline - clock()))
            if clock() >= deadline:
                break
        self.watch.tick(clock(), self.step)

    def _batches(self, seconds: float) -> None:
        """Train up to where something is due, for about so long at most."""
        training = self._training
        try:
            done, ended = training.batches(self._until_due(), seconds, math.inf if self._native else self.patience)
        except NotFinite:
            self._hold("non_finite", non_finite(training))
            return
        except (EngineError, MemoryError) as error:
            self._fail(error)
            return
        if not done:
            return
        if training.tier.now and training.tier.now != self._computed:
            self._computed = training.tier.now
            self._events.append(Computed(step=self.step - done, **training.tier.now))
        self.watch.revision += done
        self._say_later(done, ended)
        self._say_more()

    def _say_later(self, done: int, ended: bool) -> None:
        """What is to be said about the batches just done is said in steps: see `Attempt.score`."""
        self._about, self._report = (done, ended), self._reported(done, ended)

    def _say_more(self) -> None:
        if self._report is not None and next(self._report, self) is self:
            self._report = None

    @property
    def _native(self) -> bool:
        """Whether machine code trains, and measures: so it stays then, bit by bit, however long it is waited for."""
        return self._computed is not None and self._computed["tier"] == "native"

    def _until_due(self) -> int:
        """How many batches may be done at one go: nothing is due after any of them but the last."""
        cursor, pacer, step = self._training.cursor, self._pacer, self.step
        paced = self.state == "running" and pacer.interval > 0
        if paced and not pacer.by_epoch:
            return 1
        epoch, whole = cursor.epochs, cursor.batches_per_epoch
        ends = [epoch + 1] if paced or self._epochs_left else [next_epoch(epoch), self._last_epoch or 0]
        stops = [cursor.batches_left + (end - epoch - 1) * whole for end in ends if end > epoch]
        stops += [self._steps_left, (self._last_step or 0) - step]
        stops += [next_step(step) - step] if whole > LONG_EPOCH else []
        return min(stop for stop in stops if stop > 0)

    def _reported(self, batches: int, ended: bool) -> Steps[None]:
        training = self._training
        step, cursor = training.step, training.cursor
        done = step == self._last_step or (ended and cursor.epochs == self._last_epoch)
        if ended:
            due = done or epoch_due(cursor.epochs)
        else:
            due = done or (step_due(step) and cursor.batches_per_epoch > LONG_EPOCH)
        if due:
            values = yield from self._row(whole=ended or done)
            done = done or self._goal_reached(values)
        if done:
            self._steps_left = self._epochs_left = 0
            self._enter("finished", "until")
        if self._steps_left or self._epochs_left:
            self._count_down(batches, ended)

    def _row(self, whole: bool) -> Steps[dict[str, float | None]]:
        values, examples = yield from self.watch.row(whole, self._native)
        self._events.append(Metrics(step=self.step, epoch=self.epoch, values=values, test_examples=examples))
        return values

    def _count_down(self, done: int, ended: bool) -> None:
        if self._steps_left:
            self._steps_left -= done
        elif ended:
            self._epochs_left -= 1
        if not self._steps_left and not self._epochs_left:
            self._enter("paused", "step")

    def _note_goal(self) -> None:
        until = self.spec.until
        self._last_step, self._last_epoch = until.steps, until.epochs

    def _goal_reached(self, values: dict[str, float | None]) -> bool:
        goal = self.spec.until.metric
        value = values.get(goal.name) if goal else None
        if goal is None or value is None:
            return False
        return (goal.above is not None and value >= goal.above) or (goal.below is not None and value <= goal.below)

    def _past_goal(self) -> bool:
        until = self.spec.until
        return (until.steps is not None and self.step >= until.steps) or (
            until.epochs is not None and self._training.cursor.epochs >= until.epochs
        )

    # ------------------------------------------------------------------------------------------------- states
    def _enter(self, state: RunState, reason: str | None = None, problem: Problem | None = None) -> None:
        self.state = state
        self._events.append(State(state=state, step=self.step, epoch=self.epoch, reason=reason, problem=problem))

    def _hold(self, reason: str, problem: Problem | None = None) -> None:
        self._steps_left = self._epochs_left = 0
        self._enter("paused", reason, problem)

    def _fail(self, error: EngineError | MemoryError) -> None:
        self._steps_left = self._epochs_left = 0
        if isinstance(error, EngineError):
            problem = problem_from(error)
        else:
            problem = Problem(
                code="out_of_memory", message="The run needs more memory than there is.", hint="Make the batch smaller."
            )
        self._enter("failed", problem.code, problem)

    # ----------------------------------------------------------------------------------------------- commands
    def command(self, given: Mapping[str, Any]) -> Ack:
        """Obey a command at once, between two batches; the answer says at which step, or why not."""
        name = given.get("id", "")
        name = name if isinstance(name, str) else ""
        try:
            self._obey(COMMAND.validate_python(dict(given)))
        except ValidationError as error:
            found = problems_of(error, dict(given), "op")[0]
            return Ack(id=name, step=self.step, problem=Problem(**found.model_dump(exclude={"pointer"})))
        except Refusal as refusal:
            return Ack(id=name, step=self.step, problem=refusal.problem)
        except Refused as error:
            return Ack(id=name, step=self.step, problem=error.problems[0])
        except EngineError as error:
            return Ack(id=name, step=self.step, problem=problem_from(error))
        return Ack(id=name, step=self.step)

    def _obey(self, command: commands.Command) -> None:
        while isinstance(command, commands.Play | commands.Step | commands.Set | commands.Stop) and self._report:
            self._say_more()  # about how things stand, before they change
        match command:
            case commands.Play():
                self._play()
            case commands.Pause():
                self._pause()
            case commands.Step():
                self._step(command)
            case commands.Reset():
                self._again(self.spec, "paused", "reset", None)
            case commands.Set():
                self._set(command.path, command.value)
            case commands.Edit():
                self._edit(command)
            case commands.Stop():
                self._steps_left = self._epochs_left = 0
                if self.state not in FINAL:
                    self._enter("stopped", "stop")
            case commands.Checkpoint():
                pass  # whoever stores runs takes a snapshot now

    def _play(self) -> None:
        self._need_unfinished()
        if self.state != "running":
            self._pacer.set(self.spec.pace)
            self._enter("running")

    def _pause(self) -> None:
        if self._steps_left or self._epochs_left or self.state == "running":
            self._hold("pause")

    def _step(self, command: commands.Step) -> None:
        self._need_unfinished()
        if self.state != "paused":
            self.state = "paused"
        if command.unit == "batch":  # steps asked for before the last ones were taken add up
            self._steps_left += command.count
        else:
            self._epochs_left += command.count

    def _need_unfinished(self) -> None:
        if self.state in ("failed", "stopped") or self._past_goal():
            message = f"The run has {self.state if self.state in FINAL else 'finished'}."
            hint = "Reset it to begin again, or move the goal in until."
            raise Refusal(
                Problem(code="ended", message=message, expected="a run that goes on", got=self.state, hint=hint)
            )

    def _set(self, path: str, value: JsonValue) -> None:
        change(self._training, path, value)
        self._changes.append((self.step, path, value))
        self.watch.changed(data=path.startswith(("data", "seeds")))
        self._note_goal()
        if path.startswith("pace"):
            self._pacer.set(self.spec.pace)
        self._events.append(Changed(path=path, value=value, step=self.step))

    def _edit(self, command: commands.Edit) -> None:
        old = {name: host(p) for name, p in self._training.parameters.items()} if command.keep else None
        self._again(command.spec, "running" if self.state == "running" else "paused", "edit", old)

    def _again(self, spec: RunSpec, state: RunState, reason: str, keep: dict[str, Any] | None) -> None:
        """A new attempt at step 0; what was said about the old one is over."""
        training = Attempt(spec.model_copy(deep=True), self._training.data_dir, keep)
        watch = self.watch
        self._start(training, self.attempt + 1)
        self.watch.after(watch)
        self._enter(state, reason)
        at_once(self._row(whole=False))  # the losses before anything was learned

    # ------------------------------------------------------------------------------------------------- looking
    def pictures(self, topics: list[str]) -> list[Block]:
        """The blocks of these topics, as things stand now; also while paused. See `picture_problems` for the rest."""
        self.watch.running = self.state == "running"
        return self.watch.pictures(topics)

    def weights(self) -> bytes:
        """The weights as safetensors."""
        return weights_bytes(self._training)

    def source(self) -> str:
        """A PyTorch script that trains the same network in the same way and shows the same losses."""
        return torch_source(recipe(self._training, self._origin, self._changes))

    def explain(self) -> str:
        """What computes this run, row by row where it is compiled, and why what is not native is not."""
        return self._training.tier.explain()

    def snapshot(self) -> bytes:
        """Everything that decides the numbers to come, as safetensors."""
        extra = {
            "attempt": self.attempt,
            "computed": self._computed,
            "report": self._about if self._report is not None else None,
            "origin": self._origin.model_dump(mode="json"),
            "changes": self._changes,
            "newest": self.watch.newest_facts(),
        }
        return attempt_bytes(self._training, extra)


def train(spec: RunSpec | Mapping[str, Any], data_dir: Path | None = None) -> Iterator[Event]:
    """Train a spec to its end as fast as possible and yield what happens."""
    wanted = spec if isinstance(spec, RunSpec) else RunSpec.model_validate(spec)
    run = Run(wanted.model_copy(update={"pace": None}), data_dir)
    run.command({"op": "play"})
    while run.state == "running":
        yield from run.advance(0.05)
    yield from run.advance(0)
