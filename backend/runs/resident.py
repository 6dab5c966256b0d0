"""One run inside a host process: its facts, its checkpoints, its pictures, its answers to commands."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, cast

from backend import frames
from backend.runs import folder as files
from backend.runs.budget import Budget
from backend.runs.link import pack, prefix
from engine.errors import EngineError
from engine.spec import Problem, RunSpec, problem_from
from engine.train import Ack, Run, State
from engine.train.events import RunState

log = logging.getLogger("playground.host")
PATIENCE = 0.25  # seconds that a run waits for the machine code of a network; then it begins without
REMEMBERED = 256  # acks, so that a command that comes twice is applied once
DTYPES = {"|u1": "u8", "<f4": "f32", "<f8": "f64", "<i4": "i32", "<u4": "u32"}
FINAL = ("finished", "failed", "stopped")
Send = Callable[[bytes], None]


class Resident:
    """A run in this host's memory. Everything here happens on the host's one training thread, but for saving."""

    def __init__(self, order: Mapping[str, Any], send: Send, saver: Executor, every: float) -> None:
        self.id, self.attempt = str(order["run"]), int(order["attempt"])
        self.folder = Path(order["folder"])
        self.send, self.saver, self.every = send, saver, every
        files.remove_parts(self.folder)
        self.facts = files.FactFile(self.folder, self.attempt, int(order["seq"]))
        self.topics: list[str] = []
        self.budget = Budget()
        self.acks: dict[str, dict[str, Any]] = {}
        self._shown: dict[str, tuple[Any, ...]] = {}
        self._shown_at, self._urgent, self._frame = 0.0, False, 0
        self._saved_step, self._saved_at, self._saving = -1, time.monotonic(), False
        self.run: Run | None = None  # `_open` may refuse, and says so through this object
        self.run = self._open(order)

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self, order: Mapping[str, Any]) -> Run | None:
        """The run from its checkpoint or from its spec; None, with a fact that says why, when it cannot be."""
        data_dir = Path(order["data_dir"])
        try:
            if order.get("checkpoint"):
                run = Run.restore(Path(order["checkpoint"]).read_bytes(), data_dir)
                self._saved_step = run.step
            else:
                run = Run(RunSpec.model_validate(order["spec"]), data_dir)
            run.patience = PATIENCE
            self._attach(run, order)
        except Exception as error:
            self.fail(error)
            return None
        return run

    def _attach(self, run: Run, order: Mapping[str, Any]) -> None:
        """Say where the run stands; go on training where that is wanted."""
        state = str(order["state"])
        if state in FINAL:
            run.state = cast(RunState, state)  # a snapshot does not know how its run ended
        events = run.advance(0.0)
        if order.get("play") and state not in FINAL:
            run.command({"op": "play"})
        elif state not in (*FINAL, "paused"):
            events.append(State(state="paused", step=run.step, epoch=run.epoch))
        self.run = run
        self.publish(events)
        self._urgent = True

    # -- training ------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """The run's state."""
        return self.run.state if self.run is not None else "failed"

    @property
    def step(self) -> int:
        """Batches trained."""
        return self.run.step if self.run is not None else 0

    def position(self) -> list[Any]:
        """For the heartbeat: [run, attempt, step, epoch]."""
        return [self.id, self.attempt, self.step, self.run.epoch if self.run is not None else 0.0]

    def active(self) -> bool:
        """Whether it trains, or will in a moment."""
        return self.run is not None and self.run.wait() < math.inf

    def wait(self) -> float:
        """Seconds until there is something to do here."""
        if self.run is None or (self._urgent and self.topics):
            return math.inf if self.run is None else 0.0
        return self.run.wait()

    def advance(self, seconds: float) -> None:
        """Train for about this long, say what happened, show it, and save now and then."""
        if self.run is None or not self.active():
            return
        began = time.thread_time()
        try:
            events = self.run.advance(seconds)
        except Exception as error:
            self.fail(error)
            return
        self.budget.earn(trained=time.thread_time() - began)
        self.publish(events)
        if not self.active():
            self._urgent = True
        if not self.active() or time.monotonic() - self._saved_at >= self.every:
            self.save_soon()

    def fail(self, error: Exception) -> None:
        """End this run, with the reason as a fact."""
        problem = describe(error)
        self.publish([State(state="failed", step=self.step, epoch=0.0, reason=problem.message, problem=problem)])
        self.run = None

    def publish(self, events: list[Any]) -> None:
        """Number events as facts, write them to the run's file, then send them."""
        if not events:
            return
        first = self.facts.seq
        lines = [self._line(event, first + index) for index, event in enumerate(events)]
        try:
            self.facts.append(lines)
        except OSError as error:
            self._hold(error)
            return
        data = b"\n".join(lines)
        self.send(pack("facts", data, run=self.id, attempt=self.attempt, first=first, count=len(lines)))

    def _line(self, event: Any, seq: int) -> bytes:
        fact = {**event.model_dump(mode="json"), "run": self.id, "attempt": self.attempt, "seq": seq}
        return json.dumps(fact, separators=(",", ":"), allow_nan=False).encode()

    def _hold(self, error: OSError) -> None:
        """The disk takes nothing more: hold the run, and say so where it needs no disk."""
        if self.run is not None:
            self.run.command({"op": "pause"})
            self.run.advance(0.0)
        problem = Problem(
            code="cannot_write",
            message=f"The run is paused: its folder cannot be written ({error.strerror or error}).",
            hint="Free some disk space, then press Play.",
        )
        fields: dict[str, Any] = {"run": self.id, "attempt": self.attempt, "step": self.step}
        self.send(pack("trouble", **fields, problem=problem.model_dump(mode="json")))

    # -- commands ------------------------------------------------------------------------------------------------------

    def command(self, order: Mapping[str, Any]) -> None:
        """Apply a command once, and acknowledge it with the step of its effect."""
        key, asked = str(order["id"]), dict(order["command"])
        answer = self.acks.get(key)
        if answer is None:
            answer = self._apply(asked, int(order["attempt"]))
            self.acks[key] = answer
            while len(self.acks) > REMEMBERED:
                self.acks.pop(next(iter(self.acks)))
        self.send(pack("ack", run=self.id, id=key, **answer))
        if self.run is not None and self.run.wait() > 0:
            self.publish(self.run.advance(0.0))
        self._urgent = True
        if asked.get("op") in ("checkpoint", "reset", "edit", "stop"):
            self.save_soon()

    def _apply(self, asked: dict[str, Any], attempt: int) -> dict[str, Any]:
        if self.run is None:
            problem = Problem(
                code="failed", message="This run failed before it began.", hint="Mend its spec, then start it anew."
            )
            return {"step": 0, "attempt": self.attempt, "problem": problem.model_dump(mode="json")}
        ack = self._ask(asked)
        renewed = ack.problem is None and asked.get("op") in ("reset", "edit")
        if renewed:
            self._renew(attempt)
        answer: dict[str, Any] = {"step": ack.step, "attempt": self.attempt, "problem": None}
        if ack.problem is not None:
            answer["problem"] = ack.problem.model_dump(mode="json")
        elif asked.get("op") in ("set", "edit"):
            answer["spec"] = self.run.spec.model_dump(mode="json")
        return answer

    def _ask(self, asked: dict[str, Any]) -> Ack:
        try:
            return self.run.command(asked)  # type: ignore[union-attr]
        except Exception as error:
            return Ack(id=str(asked.get("id", "")), step=self.step, problem=describe(error))

    def _renew(self, attempt: int) -> None:
        self.facts.close()
        self.attempt = attempt
        files.facts_path(self.folder, attempt).unlink(missing_ok=True)
        files.remove_parts(self.folder)
        self.facts = files.FactFile(self.folder, attempt, 0)
        self._shown, self._saved_step = {}, -1

    def query(self, what: str) -> bytes:
        """The run's weights (safetensors), its PyTorch script, what computes it, or its snapshot."""
        if self.run is None:
            return b""
        if what == "weights":
            return self.run.weights()
        if what in ("source", "explain"):
            return (self.run.source() if what == "source" else self.run.explain()).encode()
        return self.run.snapshot()

    # -- pictures ------------------------------------------------------------------------------------------------------

    def watch(self, topics: list[str]) -> None:
        """Show these from now on; what is no longer asked for is forgotten."""
        self.topics = topics
        kept = set(topics)
        self._shown = {topic: seen for topic, seen in self._shown.items() if topic in kept}
        self._urgent = bool(topics)

    def forget_shown(self) -> None:
        """A new gateway has none of our pictures."""
        self._shown, self.topics = {}, []

    def show(self, waiting: int) -> None:
        """Send the newest pictures if somebody watches, they are due, and the link is not full."""
        if not self.topics or self.run is None or waiting > 1 << 20 or not (self._urgent or self.active()):
            return
        now = time.monotonic()
        chosen = self.topics if self._urgent else self.budget.choose(self.topics, now - self._shown_at)
        if not chosen:
            return
        self._urgent, self._shown_at = False, now
        try:
            blocks = self.budget.spend(chosen, self.run.pictures)
        except Exception as error:
            log.exception("pictures of %s", self.id)
            self.send(pack("blind", run=self.id, attempt=self.attempt, problem=describe(error).model_dump(mode="json")))
            blocks = []
        self._send_blocks(blocks)

    def _send_blocks(self, blocks: list[Any]) -> None:
        by_topic: dict[str, list[Any]] = {}
        for block in blocks:
            by_topic.setdefault(block.topic, []).append(block)
        fresh: list[frames.Block] = []
        for topic, parts in by_topic.items():
            versions = tuple(part.version for part in parts)
            if self._shown.get(topic) != versions:
                self._shown[topic] = versions
                fresh += [as_block(part) for part in parts]
        if fresh:
            self._frame += 1
            header = {
                "kind": "pictures",
                "run": self.id,
                "attempt": self.attempt,
                "seq": self._frame,
                "step": self.step,
            }
            self.send(prefix(frames.encode(header, fresh)))

    # -- saving --------------------------------------------------------------------------------------------------------

    def save_soon(self) -> None:
        """Take a snapshot now, and write it beside the training."""
        if self.run is None or self._saving or self.step == self._saved_step:
            return
        self._saving, self._saved_at = True, time.monotonic()
        self.saver.submit(self._write, self.attempt, self.step, self.run.snapshot())

    def save(self) -> None:
        """Save before the run leaves this memory."""
        if self.run is not None:
            self._write(self.attempt, self.step, self.run.snapshot())

    def _write(self, attempt: int, step: int, data: bytes) -> None:
        try:
            path = files.save_checkpoint(self.folder, attempt, step, data)
        except OSError as error:
            if not self.folder.exists():
                return  # the run was deleted meanwhile
            log.warning("checkpoint of %s: %s", self.id, error)
            fields: dict[str, Any] = {"run": self.id, "attempt": attempt, "step": step}
            message = f"The run could not be saved ({error.strerror or error})."
            problem = Problem(code="cannot_save", message=message, hint="Free some disk space.")
            self.send(pack("unsaved", **fields, problem=problem.model_dump(mode="json")))
        else:
            self._saved_step = step if attempt == self.attempt else self._saved_step
            self.send(pack("saved", run=self.id, attempt=attempt, step=step, file=path.name))
        finally:
            self._saving = False

    def close(self) -> None:
        """Leave this memory."""
        self.facts.close()


def as_block(part: Any) -> frames.Block:
    """A probe's block as bytes."""
    array = part.array
    return frames.Block(part.topic, part.name, DTYPES[array.dtype.str], array.shape, array.tobytes(), part.lo, part.hi)


def describe(error: Exception) -> Problem:
    """What went wrong, in words; what is a mistake of ours is written to the host's log."""
    if isinstance(error, EngineError):
        return problem_from(error)
    if isinstance(error, OSError):
        message = f"A file of the run cannot be used: {error.strerror or error}."
        return Problem(code="cannot_write", message=message, hint="Free some disk space, then try again.")
    if isinstance(error, MemoryError):
        hint = "Make the network, the batch or the data smaller."
        return Problem(code="out_of_memory", message="The run needs more memory than this machine has.", hint=hint)
    log.exception("a run failed", exc_info=error)
    return Problem(code="internal_error", message="The engine made a mistake; the host's log says which.")
