"""What computes the batches of a run, and measures sets: compiled steps, many batches a call, or the eager engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.compiler.machine.cpu import host
from engine.compiler.step import Step
from engine.create import as_tensor
from engine.tensor import Tensor
from engine.train.feed import Feed

GROWTH = 8
"""A call does at most so many times as many batches as the one before: what they cost is known from there only. The
first one does a single batch."""


@dataclass(frozen=True)
class Many:
    """What several batches gave: each one's loss, how many examples each had, the right answers of all, if counted."""

    losses: list[float]
    size: int = 0
    right: int = 0


class Tier:
    """Runs `update` compiled, where that can be done, and `evaluate` then, too.

    samples: examples as `evaluate` will get them, one batch of each size: training does not begin natively before
    there is machine code for these, so that no row of the curves ever waits for it.

    Attributes:
        now: what computes full batches, as the event `Computed` says it; None while that is not known.
        waited: seconds that were spent on waiting for machine code.
    """

    def __init__(
        self,
        update: Callable[..., Any],
        evaluate: Callable[[Tensor], Tensor],
        samples: list[Tensor],
        wanted: str,
        device: str,
    ) -> None:
        self.now: dict[str, Any] | None = None
        self.waited = 0.0
        self.seconds, self.count = 1e-3, 0
        self.step = Step(update, "finite") if wanted == "auto" and device == "cpu" else None
        self.evaluate, self.evaluation, self.samples = evaluate, Step(evaluate), samples
        if self.step is None:
            self._say("eager", "It was asked for." if wanted == "eager" else f"It runs on {device}.")

    def run(self, feed: Feed, most: int, seconds: float, patience: float) -> Many | None:
        """Up to `most` batches in one call of about so many seconds; without losses while machine code is waited for.

        patience: seconds to wait for it in all; afterwards the eager engine trains until it is there.
        None: the eager engine is to do the next batch, because this cannot, or because the guard stopped it.
        """
        if self.step is None:
            return None
        room = int(seconds / self.seconds)
        x, target = feed.stretch(max(1, min(most, GROWTH * self.count, room)))
        self.step.prepare(as_tensor(x[0]), as_tensor(target[0]))
        waiting, tier = self._wait(min(seconds, patience - self.waited)), self.step.prepared
        if waiting and self.waited < patience:
            return Many([])
        if len(x[0]) == feed.cursor.size:  # a smaller last batch does not count
            self._say("eager" if waiting else tier, "Machine code is being made." if waiting else self.step.why())
        return None if waiting or tier == "eager" else self._many(self.step, x, target, room < 2)

    def outputs(self, x: Tensor, native: bool) -> Tensor:
        """What `evaluate` gives for examples; by machine code if `native`, and if there can be any for it."""
        step = self.evaluation
        native = native and (step.prepare(x) == "native" or step.wait())
        outputs: Tensor = step(x) if native else self.evaluate(x)
        return outputs.contiguous()  # how it lies depends on the number of cores, and NumPy sums as it lies

    def _many(self, step: Step, x: Any, target: Any, slow: bool) -> Many | None:
        """slow: batches are thought to take so long that a call does one: that is measured, or it would stay so."""
        began = time.perf_counter()
        losses, *rights = (t.array for t in step.run(x, target))
        if len(x) > 1 or self.count < 2 or slow:  # another single one, as an epoch's last, is mostly the call
            self.count, self.seconds = len(x), (time.perf_counter() - began) / len(x)
        done = len(losses) - (not step.finite)
        right = sum(int(r[:done].sum()) for r in rights)
        return Many(losses[:done].tolist(), x.shape[1], right) if done else None

    def _wait(self, seconds: float) -> bool:
        """Whether machine code is still to come, after waiting for it as long as may be."""
        began = time.perf_counter()
        while (waiting := self._waiting()) and time.perf_counter() - began < seconds:
            time.sleep(0.001)
        self.waited += time.perf_counter() - began
        return waiting

    def _waiting(self) -> bool:
        step = self.step
        if step is None or step.waiting():
            return step is not None
        while self.samples and step.prepared == "native":
            self.evaluation.prepare(self.samples[-1])
            if self.evaluation.waiting():
                return True
            self.samples.pop()
        return False

    def explain(self) -> str:
        """What computes, and why."""
        return str(self.step.explain() if self.step is not None else self.now)

    def _say(self, tier: str, reason: str) -> None:
        step = self.step if tier == "native" else None
        cpu, shards, reason = (host().name, step.shards, "") if step is not None else ("", 1, reason[:200])
        self.now = {"tier": tier, "shards": shards, "cpu": cpu, "reason": reason or None}
