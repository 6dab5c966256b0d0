"""Schedules: the learning rate as a function of the steps done. `SCHEDULES` lists those that a form can set.

A schedule writes the rate into the optimiser's groups. Most of them only multiply the rate that they find there, as
PyTorch's do, so a rate that was changed by hand in between is kept and goes on from there, and several can be chained.
"""

# mypy: disable-error-code="no-any-return"
# (a group holds settings of many types)

from __future__ import annotations

import functools
import types
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from engine.errors import ArgumentError
from engine.graph import tell
from engine.nn.settings import Between, Suggested, checked
from engine.optim.optimizer import Group, Optimizer
from engine.tensor import Tensor

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


def held(group: Group, key: str) -> Any:
    """A number of a group; a tensor is copied, so that nobody changes it from afar."""
    value = group[key]
    return value.clone() if isinstance(value, Tensor) else value


def write(group: Group, key: str, value: Any) -> None:
    """Set a number of a group; a tensor stays the same tensor."""
    if isinstance(group[key], Tensor):
        group[key].array[...] = float(value)
    else:
        group[key] = value


def per_group(where: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group: a list of them, or one for all. Raises: ArgumentError."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ArgumentError(where, f"{count} values, one for each group", len(value))
    return list(value)


def _told(step: Callable[..., Any]) -> Callable[..., Any]:
    """A `step` of which recorders hear."""

    @functools.wraps(step)
    def told(self: LRScheduler, *args: Any, **kwargs: Any) -> Any:
        tell("scheduling", self, args, kwargs)
        result = step(self, *args, **kwargs)
        tell("scheduled", self)
        return result

    return told


class LRScheduler:
    """Base of the schedules: `last_epoch` counts the steps done. A schedule overrides `rate`, or all of `get_lr`.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.1)
    >>> optim.lr_scheduler.LRScheduler(sgd).get_last_lr()
    [0.1]
    """

    _is_initial = False
    _stepping = False
    _step_count = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            setattr(cls, "step", _told(vars(cls)["step"]))  # noqa: B010

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: expected an optimiser, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", held(group, "lr"))
            elif "initial_lr" not in group:
                raise KeyError(f"{type(self).__name__}: a schedule that goes on needs 'initial_lr' in every group")
        self.base_lrs = [held(group, "initial_lr") for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count, self._is_initial = 0, True
        self.step()
        self._is_initial = False

    def rate(self, group: Group, base: float) -> float:
        """The rate of a group after `last_epoch` steps; `base` is the rate at the start."""
        return group["lr"]

    def get_lr(self) -> list[Any]:
        """The rates that this step gives to the groups; a program asks `get_last_lr()`."""
        if not self._stepping:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=2,
            )
        return [self.rate(g, b) for g, b in zip(self.optimizer.param_groups, self.base_lrs, strict=True)]

    @_told
    def step(self, epoch: int | None = None) -> None:
        """Count a step and write the rates; call it after the optimiser's step."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate of the schedule is "
                "skipped. Call `optimizer.step()` first.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                "The epoch parameter in `scheduler.step()` is deprecated; call it without.", UserWarning, stacklevel=2
            )
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._stepping = True
        rates = self.get_lr() if closed is None else closed()
        self._stepping = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            write(group, "lr", rate)
        self._remember()

    def _remember(self) -> None:
        self._last_lr = [held(group, "lr") for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step wrote."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser; of functions only those are kept that are objects with a state."""
        return {name: _state(value) for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state."""
        for name, value in state_dict.items():
            if name in ("lr_lambdas", "_schedulers", "shape"):
                _restore(self.__dict__[name], value)
            else:
                self.__dict__[name] = value


def _state(value: Any) -> Any:
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if isinstance(value, list | tuple):
        return [_state(v) for v in value]
    if callable(value):
        return None if isinstance(value, types.FunctionType) else dict(value.__dict__)
    return value


def _restore(current: Any, state: Any) -> None:
    """Put back the states of functions and schedules that this schedule holds."""
    if isinstance(current, list | tuple):
        for part, saved in zip(current, state, strict=True):
            _restore(part, saved)
    elif isinstance(current, LRScheduler):
        current.load_state_dict(state)
    elif state is not None:
        current.__dict__.update(state)


class Formula(LRScheduler):
    """Base of the schedules that also know the rate after any number of steps."""

    def closed(self, base: float) -> float:
        """The rate after `last_epoch` steps, whatever was done by hand."""
        raise NotImplementedError

    def _get_closed_form_lr(self) -> list[float]:
        return [self.closed(base) for base in self.base_lrs]


@schedule
class StepLR(Formula):
    """Multiplies the rate by gamma every few steps.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.StepLR(sgd, step_size=10).get_last_lr()
    [0.5]
    """

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

    def closed(self, base: float) -> float:
        """One factor for every full stretch."""
        return base * self.gamma ** (self.last_epoch // self.step_size)


@schedule
class MultiStepLR(Formula):
    """Multiplies the rate by gamma at given steps.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.MultiStepLR(sgd, [30, 80]).get_last_lr()
    [0.5]
    """

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

    def closed(self, base: float) -> float:
        """One factor for every milestone passed."""
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state; where it was written as JSON, the milestones came back as texts."""
        super().load_state_dict(state_dict)
        self.milestones = Counter({int(step): times for step, times in self.milestones.items()})


@schedule
class ConstantLR(Formula):
    """Multiplies the rate by a factor until a given step.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=1.0)
    >>> optim.lr_scheduler.ConstantLR(sgd, factor=0.5).get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, factor: Share = 1 / 3, total_iters: Steps = 5, last_epoch: Last = -1
    ) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Down at the beginning, up again at the end."""
        if self.last_epoch == 0:
            return group["lr"] * self.factor
        return group["lr"] / self.factor if self.last_epoch == self.total_iters else group["lr"]

    def closed(self, base: float) -> float:
        """The factor, or all."""
        return base * (self.factor if self.last_epoch < self.total_iters else 1.0)


@schedule
class LinearLR(Formula):
    """Moves the rate along a straight line, for instance to warm up.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=1.0)
    >>> optim.lr_scheduler.LinearLR(sgd, start_factor=0.5).get_last_lr()
    [0.5]
    """

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
        if self._is_initial or now > self.total_iters:
            return group["lr"]
        before = self.total_iters * self.start_factor + (now - 1) * rise
        return group["lr"] * (1 + rise / before)

    def closed(self, base: float) -> float:
        """The point of the line."""
        rise = self.end_factor - self.start_factor
        return base * (self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters)


@schedule
class ExponentialLR(Formula):
    """Multiplies the rate by gamma at every step.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.ExponentialLR(sgd, gamma=0.9).get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: Annotated[Factor, Suggested(0.95)], last_epoch: Last = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Times gamma."""
        return group["lr"] if self._is_initial else group["lr"] * self.gamma

    def closed(self, base: float) -> float:
        """A power of gamma."""
        return base * self.gamma**self.last_epoch


@schedule
class PolynomialLR(Formula):
    """Lowers the rate to 0 along a power of the steps that are left.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.PolynomialLR(sgd, total_iters=4).get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: Annotated[Steps, Suggested(100)] = 5,
        power: Annotated[float, Between(0, 100, common=(0.5, 3))] = 1.0,
        last_epoch: Last = -1,
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """The power as a ratio to the step before."""
        now, total = self.last_epoch, self.total_iters
        if self._is_initial or now > total:
            return group["lr"]
        return group["lr"] * ((1 - now / total) / (1 - (now - 1) / total)) ** self.power

    def closed(self, base: float) -> float:
        """The power of the share that is left."""
        return base * (1 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power
