"""Schedules that are functions of a Python program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.optim.optimizer import Optimizer
from engine.optim.schedule import LRScheduler, per_group

Lambda = Callable[[int], float]


class LambdaLR(LRScheduler):
    """The first rate times a function of the steps done; for Python programs.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.LambdaLR(sgd, lambda step: 1 / (1 + step)).get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Lambda | list[Lambda], last_epoch: int = -1) -> None:
        self.lr_lambdas = per_group(f"{type(self).__name__}(lr_lambda)", optimizer, lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"{type(self).__name__}: expected a function, got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The first rates times the functions' values."""
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(LambdaLR):
    """The rate times a function of the steps done, at every step; for Python programs.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.lr_scheduler.MultiplicativeLR(sgd, lambda step: 0.9).get_last_lr()
    [0.5]
    """

    def get_lr(self) -> list[Any]:
        """The rates found times the functions' values."""
        groups, now = self.optimizer.param_groups, self.last_epoch
        if self._is_initial:
            return [group["lr"] for group in groups]
        return [group["lr"] * f(now) for group, f in zip(groups, self.lr_lambdas, strict=True)]
