"""Schedules made of schedules, and the one that listens to the loss."""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Literal

from engine.errors import ArgumentError
from engine.optim.optimizer import Optimizer
from engine.optim.schedule import LRScheduler, per_group, write


class ReduceLROnPlateau(LRScheduler):
    """Lowers the rate when a measured value has not got better for some time: `schedule.step(loss)`.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.ReduceLROnPlateau(sgd, patience=3).get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"ReduceLROnPlateau: expected an optimiser, got {type(optimizer).__name__}")
        if factor >= 1.0:
            raise ArgumentError("ReduceLROnPlateau(factor)", "a number below 1", factor, field="factor")
        for name, value, known in (("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs"))):
            if value not in known:
                raise ArgumentError(f"ReduceLROnPlateau({name})", " or ".join(known), value, field=name)
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = threshold, threshold_mode, cooldown, eps
        self.min_lrs = per_group("ReduceLROnPlateau(min_lr)", optimizer, min_lr)
        self.last_epoch = 0
        self._remember()
        self._reset()

    def _reset(self) -> None:
        """Forget what was measured."""
        self.best = math.inf if self.mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:
        """Hear a value; lower the rates after `patience` values that were no better."""
        if epoch is not None:
            warnings.warn(
                "The epoch parameter in `scheduler.step()` is deprecated; call it without.", UserWarning, stacklevel=2
            )
        value, self.last_epoch = float(metrics), self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._remember()

    @property
    def in_cooldown(self) -> bool:
        """Whether the rate was lowered so recently that values are not judged yet."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        bar = best * (1 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return sign * value > sign * bar

    def _reduce(self) -> None:
        lows = self.min_lrs + self.min_lrs[-1:] * (len(self.optimizer.param_groups) - len(self.min_lrs))
        for group, low in zip(self.optimizer.param_groups, lows, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, low)
            if old - new > self.eps:
                write(group, "lr", new)


def _of_one_optimizer(where: str, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
    for number, part in enumerate(schedulers):
        if not hasattr(part, "optimizer"):
            raise TypeError(f"{where}: expected a schedule at place {number}, got {type(part).__name__}")
        if isinstance(part, ReduceLROnPlateau):
            raise ArgumentError(where, "schedules that step without a value", "ReduceLROnPlateau", field="schedulers")
        if part.optimizer is not optimizer:
            raise ArgumentError(where, "schedules of one optimiser", f"another at place {number}", field="schedulers")


class ChainedScheduler(LRScheduler):
    """Several schedules that all step at every step.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=1.0)
    >>> optim.lr_scheduler.ChainedScheduler([optim.lr_scheduler.ConstantLR(sgd, factor=0.5)]).get_last_lr()
    [0.5]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if not schedulers:
            raise ArgumentError("ChainedScheduler", "at least one schedule", "none", field="schedulers")
        self.optimizer = optimizer or schedulers[0].optimizer
        _of_one_optimizer("ChainedScheduler", self.optimizer, schedulers)
        self._schedulers = schedulers
        self._remember()

    def step(self, epoch: int | None = None) -> None:
        """One step of each."""
        for part in self._schedulers:
            part.step()
        self._remember()


class SequentialLR(LRScheduler):
    """Schedules one after the other: the next one begins at its milestone.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=1.0)
    >>> parts = [optim.lr_scheduler.ConstantLR(sgd, 0.5), optim.lr_scheduler.ExponentialLR(sgd, 0.9)]
    >>> optim.lr_scheduler.SequentialLR(sgd, parts, milestones=[20]).get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        if not schedulers:
            raise ArgumentError("SequentialLR", "at least one schedule", "none", field="schedulers")
        _of_one_optimizer("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                "SequentialLR", f"{len(schedulers) - 1} milestones", len(milestones), field="milestones"
            )
        self.optimizer, self._schedulers, self._milestones = optimizer, schedulers, list(milestones)
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            write(group, "lr", group["initial_lr"])
        _undo(schedulers)
        first = schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """A step of the schedule whose time it is; at its milestone it begins."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[place]
        if place > 0 and self._milestones[place - 1] == self.last_epoch:
            part._update_lr(0)
        else:
            part.step()
        self._last_lr = part.get_last_lr()


def _undo(parts: Sequence[LRScheduler]) -> None:
    """Take back the step that every schedule took when it was made."""
    for part in parts:
        if hasattr(part, "_schedulers"):
            _undo(part._schedulers)
        elif hasattr(part, "last_epoch"):
            part.last_epoch -= 1
