"""Schedules: the learning rate as a function of the steps done. `SCHEDULES` lists them.

A schedule writes the rate into the optimiser's groups. Most of them only multiply the rate that they find there, as
PyTorch's do, so a rate that was changed by hand in between is kept and goes on from there.
"""

# mypy: disable-error-code="no-any-return"
# (a group holds settings of many types)

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from engine.errors import ArgumentError
from engine.nn.settings import Between, Suggested, checked
from engine.optim.optimizer import Group, LearningRate, Optimizer

Steps = Annotated[int, Between(1, 2**31 - 1, common=(1, 1000))]
Last = Annotated[int, Between(-1, 2**31 - 1)]
Factor = Annotated[float, Between(0, 1e3, common=(0.1, 1))]
Share = Annotated[float, Between(0, 1)]

SCHEDULES: dict[str, type[LRScheduler]] = {}
S = TypeVar("S", bound="LRScheduler")


def schedule(cls: type[S]) -> type[S]:
    """Class decorator: enter a schedule into `SCHEDULES` under its class name and check its settings."""
    SCHEDULES[cls.__name__] = checked(cls)
    return cls


class LRScheduler(ABC):
    """Base of the schedules: `last_epoch` counts the steps done."""

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: expected an optimiser, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"{type(self).__name__}: a schedule that goes on needs 'initial_lr' in every group")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    @abstractmethod
    def rate(self, group: Group, base: float) -> float:
        """The rate of a group after `last_epoch` steps; `base` is the rate at the start."""

    def get_lr(self) -> list[float]:
        """The rates that this step gives to the groups."""
        return [self.rate(g, b) for g, b in zip(self.optimizer.param_groups, self.base_lrs, strict=True)]

    def step(self) -> None:
        """Count a step and write the rates."""
        self.last_epoch += 1
        for group, rate in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = rate
        self._last_lr = self.get_last_lr()

    def get_last_lr(self) -> list[float]:
        """The rates in use."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        self.__dict__.update(state_dict)


@schedule
class StepLR(LRScheduler):
    """Multiplies the rate by gamma every few steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        step_size: Annotated[Steps, Suggested(30)],
        gamma: Factor = 0.1,
        last_epoch: Last = -1,
    ) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Times gamma at every multiple of step_size."""
        falls = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return group["lr"] * self.gamma if falls else group["lr"]


@schedule
class MultiStepLR(LRScheduler):
    """Multiplies the rate by gamma at given steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Annotated[list[Steps], Suggested([30, 80])],
        gamma: Factor = 0.1,
        last_epoch: Last = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Times gamma for every milestone at this step."""
        return group["lr"] * self.gamma ** self.milestones[self.last_epoch]


@schedule
class ExponentialLR(LRScheduler):
    """Multiplies the rate by gamma at every step."""

    def __init__(self, optimizer: Optimizer, gamma: Annotated[Factor, Suggested(0.95)], last_epoch: Last = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Times gamma."""
        return group["lr"] if self.last_epoch == 0 else group["lr"] * self.gamma


@schedule
class CosineAnnealingLR(LRScheduler):
    """Lowers the rate along half a cosine wave, down to a least one, and up again."""

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: Annotated[Steps, Suggested(100)],
        eta_min: LearningRate = 0.0,
        last_epoch: Last = -1,
    ) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """The wave as a ratio to the step before, so that a changed rate goes on from where it is."""
        now, low, span = self.last_epoch, self.eta_min, self.T_max
        if now == 0:
            return group["lr"]
        if (now - 1 - span) % (2 * span) == 0:
            return group["lr"] + (base - low) * (1 - math.cos(math.pi / span)) / 2
        ratio = (1 + math.cos(math.pi * now / span)) / (1 + math.cos(math.pi * (now - 1) / span))
        return ratio * (group["lr"] - low) + low


@schedule
class LinearLR(LRScheduler):
    """Moves the rate along a straight line, for instance to warm up."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: Annotated[float, Between(1e-9, 1, common=(0.01, 1))] = 1 / 3,
        end_factor: Share = 1.0,
        total_iters: Steps = 5,
        last_epoch: Last = -1,
    ) -> None:
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """The line as a ratio to the step before."""
        now, rise = self.last_epoch, self.end_factor - self.start_factor
        if now == 0:
            return group["lr"] * self.start_factor
        if now > self.total_iters:
            return group["lr"]
        before = self.total_iters * self.start_factor + (now - 1) * rise
        return group["lr"] * (1 + rise / before)


@schedule
class OneCycleLR(LRScheduler):
    """One rise to a high rate and one long fall, with momentum moving the other way (Smith and Topin, 2017)."""

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Annotated[LearningRate, Suggested(0.1)],
        total_steps: Annotated[Steps, Suggested(1000)] | None = None,
        epochs: Steps | None = None,
        steps_per_epoch: Steps | None = None,
        pct_start: Share = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: Annotated[float, Between(0, 1, open_end=True)] = 0.85,
        max_momentum: Annotated[float, Between(0, 1, open_end=True)] = 0.95,
        div_factor: Annotated[float, Between(1, 1e9, common=(1, 100))] = 25.0,
        final_div_factor: Annotated[float, Between(1, 1e12, common=(1, 1e5))] = 1e4,
        three_phase: bool = False,
        last_epoch: Last = -1,
    ) -> None:
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        self.phases = _phases(self.total_steps, pct_start, three_phase)
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group["initial_lr"] = max_lr / div_factor
                group["max_lr"], group["min_lr"] = max_lr, group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    self._begin_momentum(group, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def _begin_momentum(self, group: Group, low: float, high: float) -> None:
        if "momentum" not in group and "betas" not in group:
            raise ArgumentError(
                "OneCycleLR(cycle_momentum)",
                "an optimiser with momentum",
                "one without",
                "Switch it off.",
                field="cycle_momentum",
            )
        group["base_momentum"], group["max_momentum"] = low, high
        _set_momentum(group, high)

    def rate(self, group: Group, base: float) -> float:
        """The point of the cycle; momentum is written on the way."""
        now = self.last_epoch
        if now > self.total_steps:
            raise ArgumentError(
                "OneCycleLR",
                f"at most {self.total_steps} steps",
                f"step {now}",
                "Raise total_steps.",
                field="total_steps",
            )
        start = 0.0
        for end, rates, momenta in self.phases:
            if now <= end or end == self.phases[-1][0]:
                share = (now - start) / (end - start)
                if self.cycle_momentum:
                    _set_momentum(group, self._between(group[momenta[0]], group[momenta[1]], share))
                return self._between(group[rates[0]], group[rates[1]], share)
            start = end
        return base

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


class LambdaLR(LRScheduler):
    """The first rate times a function of the steps done; for Python programs."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ArgumentError(
                "LambdaLR", f"{count} functions, one for each group", len(self.lr_lambdas), field="lr_lambda"
            )
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Not used: each group has a function of its own."""
        return base

    def get_lr(self) -> list[float]:
        """The first rates times the functions' values."""
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser and the functions."""
        return {name: value for name, value in super().state_dict().items() if name != "lr_lambdas"}


Phase = tuple[float, tuple[str, str], tuple[str, str]]
RISE, FALL = ("initial_lr", "max_lr"), ("max_lr", "initial_lr")
LESS, MORE = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")


def _phases(total: int, share: float, three: bool) -> list[Phase]:
    """End of each phase in steps, what the rate moves between, what the momentum moves between."""
    if not three:
        return [(share * total - 1, RISE, LESS), (total - 1, ("max_lr", "min_lr"), MORE)]
    still = ("max_momentum", "max_momentum")
    return [
        (share * total - 1, RISE, LESS),
        (2 * share * total - 2, FALL, MORE),
        (total - 1, ("initial_lr", "min_lr"), still),
    ]


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ArgumentError(
            "OneCycleLR",
            "total_steps, or epochs and steps_per_epoch",
            "neither",
            "Give total_steps.",
            field="total_steps",
        )
    return epochs * steps_per_epoch


def _set_momentum(group: Group, value: float) -> None:
    """Momentum is called `momentum`, or is the first of Adam's betas."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value
