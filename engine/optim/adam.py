"""Adam and AdamW: steps scaled by running means of the gradient and of its square (Kingma and Ba, 2015)."""

from __future__ import annotations

import math
from typing import Any

from engine.array import module_of
from engine.optim.optimizer import Decay, Group, LearningRate, Optimizer, Parameters, Share, Small, optimizer
from engine.tensor import Tensor

BLOCK = 1 << 14  # elements worked on at a time: parameter, gradient, both means and scratch stay in the cache


class Moments(Optimizer):
    """Base of Adam and AdamW, which differ in how weights decay."""

    decoupled = False

    def update(self, group: Group) -> None:
        """One step of every parameter with a gradient."""
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
        for parameter in group["params"]:
            if parameter.grad is not None:
                self._step(parameter, self.memory(parameter, names), group)
                parameter.changed()

    def _step(self, parameter: Tensor, state: dict[str, Any], group: Group) -> None:
        array, decay = parameter.array, group["weight_decay"]
        if decay and self.decoupled:
            array *= 1 - group["lr"] * decay
        slope = self.slope(parameter, group, 0.0 if self.decoupled else decay)
        largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
        parts = [array, slope, state["exp_avg"].array, state["exp_avg_sq"].array, largest, self.scratch(array)]
        if array.size <= BLOCK or not all(p is None or p.flags.c_contiguous for p in parts):
            _moments(parts, group, state["step"])
            return
        flat = [None if p is None else p.reshape(-1) for p in parts]
        for start in range(0, array.size, BLOCK):
            _moments([None if p is None else p[start : start + BLOCK] for p in flat], group, state["step"])


def _moments(parts: list[Any], group: Group, step: int) -> None:
    """The update of one block: means first, then the step along the scaled mean."""
    array, slope, mean, square, largest, scratch = parts
    xp, (first, second) = module_of(array), group["betas"]
    xp.subtract(slope, mean, out=scratch)
    scratch *= 1 - first
    mean += scratch
    square *= second
    xp.multiply(slope, slope, out=scratch)
    scratch *= 1 - second
    square += scratch
    if largest is not None:
        xp.maximum(largest, square, out=largest)
    xp.sqrt(square if largest is None else largest, out=scratch)
    scratch *= 1 / math.sqrt(1 - second**step)
    scratch += group["eps"]
    xp.divide(mean, scratch, out=scratch)
    scratch *= -group["lr"] / (1 - first**step)
    array += scratch


@optimizer
class Adam(Moments):
    """Steps of a size of its own for every weight, by running means of the gradient and of its square."""

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-3,
        betas: tuple[Share, Share] = (0.9, 0.999),
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "amsgrad": amsgrad, "maximize": maximize})


@optimizer
class AdamW(Moments):
    """Adam with weight decay that is kept apart from the gradient (Loshchilov and Hutter, 2019)."""

    decoupled = True

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-3,
        betas: tuple[Share, Share] = (0.9, 0.999),
        eps: Small = 1e-8,
        weight_decay: Decay = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "amsgrad": amsgrad, "maximize": maximize})
