"""Stochastic gradient descent: a step against the gradient, with or without momentum."""

from __future__ import annotations

from typing import Annotated, Any

from engine.array import module_of
from engine.errors import ArgumentError
from engine.nn.settings import Between
from engine.optim.optimizer import Decay, Flag, Group, LearningRate, Optimizer, Parameters, given, optimizer
from engine.tensor import Tensor, wrap

Momentum = Annotated[float, Between(0, 1e6, common=(0, 0.99))]


@optimizer
class SGD(Optimizer):
    """Steps against the gradient; momentum keeps part of the last step (Sutskever et al., 2013).

    >>> weight = nn.Parameter(engine.tensor([1.0]))
    >>> optim.SGD([weight], lr=0.1, momentum=0.9).step(lambda: (weight * weight).sum().backward())
    >>> weight.detach()
    tensor([0.8000])
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-3,
        momentum: Momentum = 0.0,
        dampening: Annotated[float, Between(-1e6, 1e6, common=(0, 1))] = 0.0,
        weight_decay: Decay = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: Flag = None,
        differentiable: Flag = False,
        fused: Flag = None,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError(
                "SGD(nesterov)", "a momentum above 0 and no dampening", f"momentum {momentum}, dampening {dampening}",
                "Set momentum to 0.9, for instance.", field="nesterov",
            )  # fmt: skip
        super().__init__(params, given(locals()))

    def update(self, group: Group) -> None:
        """w -= lr * g, where g includes weight decay and momentum."""
        rate = -group["lr"]
        plain = not (group["momentum"] or group["weight_decay"] or group["maximize"])
        for parameter in group["params"]:
            if parameter.grad is not None:
                array = parameter.array
                slope = parameter.grad.array if plain else self._direction(parameter, group)
                xp, step = module_of(array), self.scratch(array)
                xp.multiply(slope, rate, out=step)
                xp.add(array, step, out=array)
                parameter.changed()

    def _direction(self, parameter: Tensor, group: Group) -> Any:
        """The gradient with weight decay and momentum."""
        slope = self.slope(parameter, group, group["weight_decay"])
        return self._with_momentum(parameter, slope, group) if group["momentum"] else slope

    def _with_momentum(self, parameter: Tensor, slope: Any, group: Group) -> Any:
        xp, momentum = module_of(slope), group["momentum"]
        state = self.state[parameter]
        held = state.get("momentum_buffer")
        if held is None:
            held = state["momentum_buffer"] = wrap(slope.copy())
        else:
            run, part = held.array, self.scratch(slope)
            run *= momentum
            run += xp.multiply(slope, 1 - group["dampening"], out=part)
        if not group["nesterov"]:
            return held.array
        ahead = xp.multiply(held.array, momentum, out=self.scratch(slope, 3))
        return xp.add(slope, ahead, out=ahead)
