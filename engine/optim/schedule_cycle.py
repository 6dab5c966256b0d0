"""Schedules that rise and fall: one cycle, many cycles, warm restarts."""

# mypy: disable-error-code="no-any-return"
# (a group holds settings of many types)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from engine.errors import ArgumentError
from engine.nn.settings import Between, Suggested
from engine.optim.optimizer import Group, LearningRate, Optimizer
from engine.optim.schedule import Formula, Last, LRScheduler, Share, Steps, per_group, schedule, write

Momentum = Annotated[float, Between(0, 1, open_end=True)]


@schedule
class CosineAnnealingLR(Formula):
    """Lowers the rate along half a cosine wave, down to a least one, and up again (Loshchilov and Hutter, 2017).

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=10).get_last_lr()
    [0.5]
    """

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
        if self._is_initial:
            return group["lr"]
        if self._step_count == 1 and now > 0:
            return self.closed(base)
        if (now - 1 - span) % (2 * span) == 0:
            return group["lr"] + (base - low) * (1 - math.cos(math.pi / span)) / 2
        ratio = (1 + math.cos(math.pi * now / span)) / (1 + math.cos(math.pi * (now - 1) / span))
        return ratio * (group["lr"] - low) + low

    def closed(self, base: float) -> float:
        """The point of the wave."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2


@schedule
class OneCycleLR(LRScheduler):
    """One rise to a high rate and one long fall, with momentum moving the other way (Smith and Topin, 2017).

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], momentum=0.9)
    >>> optim.lr_scheduler.OneCycleLR(sgd, 0.5, 10, anneal_strategy="linear").get_last_lr()
    [0.02]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Annotated[LearningRate, Suggested(0.1)] | list[LearningRate],
        total_steps: Annotated[Steps, Suggested(1000)] | None = None,
        epochs: Steps | None = None,
        steps_per_epoch: Steps | None = None,
        pct_start: Share = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: Momentum | list[Momentum] = 0.85,
        max_momentum: Momentum | list[Momentum] = 0.95,
        div_factor: Annotated[float, Between(1, 1e9, common=(1, 100))] = 25.0,
        final_div_factor: Annotated[float, Between(1, 1e12, common=(1, 1e5))] = 1e4,
        three_phase: bool = False,
        last_epoch: Last = -1,
    ) -> None:
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        self.phases = _phases(self.total_steps, pct_start, three_phase)
        rates = per_group("OneCycleLR(max_lr)", optimizer, max_lr)
        low, high = (per_group("OneCycleLR", optimizer, m) for m in (base_momentum, max_momentum))
        for group, rate, lowest, highest in zip(optimizer.param_groups, rates, low, high, strict=True):
            if last_epoch == -1:
                group["initial_lr"] = rate / div_factor
                group["max_lr"], group["min_lr"] = rate, group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    _begin_momentum("OneCycleLR", group, lowest, highest)
        super().__init__(optimizer, last_epoch)

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


class CyclicLR(LRScheduler):
    """The rate goes up and down between two bounds, in a triangle whose height may shrink (Smith, 2017).

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], momentum=0.9)
    >>> optim.lr_scheduler.CyclicLR(sgd, base_lr=0.1, max_lr=0.5).get_last_lr()
    [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ArgumentError("CyclicLR", "triangular, triangular2 or exp_range, or a scale_fn", mode, field="mode")
        rates = per_group("CyclicLR(base_lr)", optimizer, base_lr)
        self.max_lrs = per_group("CyclicLR(max_lr)", optimizer, max_lr)
        self.total_size = step_size_up + (step_size_up if step_size_down is None else step_size_down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self.shape = mode, gamma, scale_fn
        own = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode, self.cycle_momentum = own if scale_fn is None else scale_mode, cycle_momentum
        low, high = (per_group("CyclicLR", optimizer, m) for m in (base_momentum, max_momentum))
        for group, rate, lowest, highest in zip(optimizer.param_groups, rates, low, high, strict=True):
            if last_epoch == -1:
                write(group, "lr", rate)
                if cycle_momentum:
                    _begin_momentum("CyclicLR", group, lowest, highest)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = rates

    def scale_fn(self, x: float) -> float:
        """The height of the triangle in cycle x (or at step x)."""
        if self.shape is not None:
            return self.shape(x)
        return {"triangular": 1.0, "triangular2": 2.0 ** (1 - x), "exp_range": self.gamma**x}[self.mode]

    def get_lr(self) -> list[Any]:
        """The point of the triangle; momentum is written on the way."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                high = group["max_momentum"]
                _set_momentum(group, high - (high - group["base_momentum"]) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]


@schedule
class CosineAnnealingWarmRestarts(LRScheduler):
    """Lowers the rate along half a cosine wave again and again, each time from the top (Loshchilov, Hutter, 2017).

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.CosineAnnealingWarmRestarts(sgd, T_0=10).get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: Annotated[Steps, Suggested(50)],
        T_mult: Annotated[int, Between(1, 1000, common=(1, 4))] = 1,
        eta_min: LearningRate = 0.0,
        last_epoch: Last = -1,
    ) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i, self.T_cur = T_0, last_epoch
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """The point of the wave."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2

    def step(self, epoch: float | None = None) -> None:
        """Count a step, or go to a point of time, which may be a fraction of an epoch."""
        if epoch is None and self.last_epoch >= 0:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
            self._step_count += 1
            return self._update_lr()
        now: Any = 0 if epoch is None else epoch
        if now < 0:
            raise ArgumentError("CosineAnnealingWarmRestarts.step", "an epoch from 0", now, field="epoch")
        self.T_cur, self.T_i = now, self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
        self.last_epoch = math.floor(now) - 1
        return self._update_lr()


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


def _begin_momentum(where: str, group: Group, low: float, high: float) -> None:
    if "momentum" not in group and "betas" not in group:
        raise ArgumentError(
            f"{where}(cycle_momentum)",
            "an optimiser with momentum",
            "one without",
            "Switch it off.",
            field="cycle_momentum",
        )
    group["base_momentum"], group["max_momentum"] = low, high
    _set_momentum(group, high)


def _set_momentum(group: Group, value: float) -> None:
    """Momentum is called `momentum`, or is the first of Adam's betas."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value
