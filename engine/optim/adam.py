"""Adam and its kin: steps along the running mean of the gradient, scaled by a mean of its size."""

from __future__ import annotations

import math
from typing import Annotated, Any

from engine.array import module_of
from engine.nn.settings import Between
from engine.optim.optimizer import (
    Decay,
    Flag,
    Group,
    LearningRate,
    Optimizer,
    Parameters,
    Share,
    Small,
    State,
    count,
    given,
    optimizer,
)
from engine.tensor import Tensor, wrap

BLOCK = 1 << 15  # elements worked on at a time: parameter, gradient, both means and scratch stay in the cache


class Moments(Optimizer):
    """Base of the optimisers that keep running means; weight decay is part of the gradient, or kept apart from it."""

    second = "exp_avg_sq"

    def update(self, group: Group) -> None:
        """Decay apart from the gradient where that is asked for, then the rule."""
        apart = group.get("decoupled_weight_decay", False)
        decay = group["weight_decay"]
        for parameter in group["params"]:
            if parameter.grad is not None:
                if decay and apart:
                    parameter.array *= 1 - group["lr"] * decay
                self.follow(parameter, self.slope(parameter, group, 0.0 if apart else decay), group)
                parameter.changed()

    def means(self, parameter: Tensor, slope: Any, group: Group) -> State:
        """The state with both running means moved on: of the gradient, and of its square."""
        state, (first, second) = self.memory(parameter, ("exp_avg", "exp_avg_sq")), group["betas"]
        _move(state["exp_avg"].array, state["exp_avg_sq"].array, slope, self.scratch(slope), first, second)
        return state


def _move(mean: Any, square: Any, slope: Any, scratch: Any, first: float, second: float) -> None:
    xp = module_of(slope)
    xp.subtract(slope, mean, out=scratch)
    scratch *= 1 - first
    mean += scratch
    square *= second
    xp.multiply(slope, slope, out=scratch)
    scratch *= 1 - second
    square += scratch


class AdamRule(Moments):
    """Base of Adam and AdamW, which differ in how weights decay."""

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """In blocks that fit the cache."""
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")
        state, array = self.memory(parameter, names), parameter.array
        largest = state["max_exp_avg_sq"].array if group["amsgrad"] else None
        parts = [array, slope, state["exp_avg"].array, state["exp_avg_sq"].array, largest, self.scratch(array)]
        if array.size <= BLOCK or not all(p is None or p.flags.c_contiguous for p in parts):
            _moments(parts, group, count(state))
            return
        flat = [None if p is None else p.reshape(-1) for p in parts]
        for start in range(0, array.size, BLOCK):
            _moments([None if p is None else p[start : start + BLOCK] for p in flat], group, count(state))


def _moments(parts: list[Any], group: Group, step: float) -> None:
    """The update of one block: means first, then the step along the scaled mean."""
    array, slope, mean, square, largest, scratch = parts
    xp, (first, second) = module_of(array), group["betas"]
    _move(mean, square, slope, scratch, first, second)
    if largest is not None:
        xp.maximum(largest, square, out=largest)
    xp.sqrt(square if largest is None else largest, out=scratch)
    size = math.sqrt(1 - second**step)  # mean / (root / size + eps) is mean * size / (root + eps * size): a pass less
    scratch += group["eps"] * size
    xp.divide(mean, scratch, out=scratch)
    scratch *= -group["lr"] * size / (1 - first**step)
    array += scratch


@optimizer
class Adam(AdamRule):
    """Steps of a size of its own for every weight, by running means of the gradient and of its square.

    Kingma and Ba, 2015; `amsgrad`: Reddi et al., 2018.

    >>> optim.Adam([nn.Parameter(engine.zeros(2))], lr=0.01).defaults["betas"]
    (0.9, 0.999)
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-3,
        betas: tuple[Share, Share] = (0.9, 0.999),
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        amsgrad: bool = False,
        *,
        foreach: Flag = None,
        maximize: bool = False,
        capturable: Flag = False,
        differentiable: Flag = False,
        fused: Flag = None,
        decoupled_weight_decay: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))


@optimizer
class AdamW(AdamRule):
    """Adam with weight decay that is kept apart from the gradient (Loshchilov and Hutter, 2019).

    >>> optim.AdamW([nn.Parameter(engine.zeros(2))]).defaults["weight_decay"]
    0.01
    """

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
        foreach: Flag = None,
        capturable: Flag = False,
        differentiable: Flag = False,
        fused: Flag = None,
    ) -> None:
        super().__init__(params, given(locals()) | {"decoupled_weight_decay": True})


@optimizer
class Adamax(Moments):
    """Adam with the largest recent gradient in the place of the mean square (Kingma and Ba, 2015, section 7).

    >>> optim.Adamax([nn.Parameter(engine.zeros(2))]).defaults["lr"]
    0.002
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 2e-3,
        betas: tuple[Share, Share] = (0.9, 0.999),
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        foreach: Flag = None,
        *,
        maximize: bool = False,
        differentiable: Flag = False,
        capturable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """The mean and the largest, then the step."""
        xp, part, (first, second) = module_of(slope), self.scratch(slope), group["betas"]
        state = self.memory(parameter, ("exp_avg", "exp_inf"))
        mean, largest = state["exp_avg"].array, state["exp_inf"].array
        xp.subtract(slope, mean, out=part)
        part *= 1 - first
        mean += part
        largest *= second
        xp.abs(slope, out=part)
        part += group["eps"]
        xp.maximum(largest, part, out=largest)
        xp.divide(mean, largest, out=part)
        part *= -group["lr"] / (1 - first ** count(state))
        parameter.array += part


@optimizer
class NAdam(Moments):
    """Adam that looks one step of momentum ahead (Dozat, 2016).

    >>> optim.NAdam([nn.Parameter(engine.zeros(2))]).defaults["momentum_decay"]
    0.004
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 2e-3,
        betas: tuple[Share, Share] = (0.9, 0.999),
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        momentum_decay: Annotated[float, Between(0, 1e3, common=(0, 0.1))] = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: Flag = None,
        maximize: bool = False,
        capturable: Flag = False,
        differentiable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """Part of the step goes along the gradient, part along the mean."""
        xp, (first, second), lr = module_of(slope), group["betas"], group["lr"]
        state = self.means(parameter, slope, group)
        step = count(state)
        now, ahead = (first * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        held = state.setdefault("mu_product", wrap(xp.ones((), xp.float32)))
        held.array *= now
        product = float(held.array)
        size = xp.divide(state["exp_avg_sq"].array, 1 - second**step, out=self.scratch(slope))
        xp.sqrt(size, out=size)
        size += group["eps"]
        part = self.scratch(slope, 3)
        for along, rate in (
            (slope, (1 - now) / (1 - product)),
            (state["exp_avg"].array, ahead / (1 - product * ahead)),
        ):
            xp.divide(along, size, out=part)
            part *= -lr * rate
            parameter.array += part


@optimizer
class RAdam(Moments):
    """Adam that takes plain steps along the mean until the variance of its scale is small (Liu et al., 2020).

    >>> optim.RAdam([nn.Parameter(engine.zeros(2))]).defaults["lr"]
    0.001
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-3,
        betas: tuple[Share, Share] = (0.9, 0.999),
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: Flag = None,
        maximize: bool = False,
        capturable: Flag = False,
        differentiable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """Scaled once the length of the average exceeds 5."""
        xp, (first, second), part = module_of(slope), group["betas"], self.scratch(slope)
        state = self.means(parameter, slope, group)
        step, most = count(state), 2 / (1 - second) - 1
        length = most - 2 * step * second**step / (1 - second**step)
        rate = -group["lr"] / (1 - first**step)
        if length > 5:
            share = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
            xp.sqrt(state["exp_avg_sq"].array, out=part)
            part += group["eps"]
            xp.divide(state["exp_avg"].array, part, out=part)
            part *= rate * math.sqrt(share) * math.sqrt(1 - second**step)
        else:
            xp.multiply(state["exp_avg"].array, rate, out=part)
        parameter.array += part
