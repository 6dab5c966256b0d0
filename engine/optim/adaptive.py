"""RMSprop and Adagrad: steps scaled by the size of past gradients."""

from __future__ import annotations

from typing import Annotated, Any

from engine.array import module_of
from engine.nn.settings import Between
from engine.optim.optimizer import Decay, Group, LearningRate, Optimizer, Parameters, Small, optimizer
from engine.optim.sgd import Momentum
from engine.tensor import Tensor


class Scaled(Optimizer):
    """Base of the optimisers that divide by the size of past gradients."""

    def update(self, group: Group) -> None:
        """One step of every parameter with a gradient."""
        for parameter in group["params"]:
            if parameter.grad is not None:
                self.follow(parameter, self.slope(parameter, group, group["weight_decay"]), group)
                parameter.changed()

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """Change one parameter in place."""
        raise NotImplementedError


@optimizer
class RMSprop(Scaled):
    """Divides each gradient by the root of the running mean of its square (Hinton)."""

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        alpha: Annotated[float, Between(0, 1, common=(0.5, 0.999))] = 0.99,
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        momentum: Momentum = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum": momentum, "centered": centered, "maximize": maximize})

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """The running means, then the step."""
        xp, alpha = module_of(slope), group["alpha"]
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        state = self.memory(parameter, (name for name, needed in wanted.items() if needed))
        part = self.scratch(slope)
        square = state["square_avg"].array
        square *= alpha
        xp.multiply(slope, slope, out=part)
        part *= 1 - alpha
        square += part
        size = self._size(state, slope, part, group)
        size += group["eps"]
        xp.divide(slope, size, out=part)
        if group["momentum"] > 0:
            run = state["momentum_buffer"].array
            run *= group["momentum"]
            run += part
            xp.multiply(run, -group["lr"], out=part)
        else:
            part *= -group["lr"]
        parameter.array += part

    def _size(self, state: dict[str, Any], slope: Any, part: Any, group: Group) -> Any:
        """The root of the mean square, or of the variance when centred."""
        xp, square = module_of(slope), state["square_avg"].array
        if not group["centered"]:
            return xp.sqrt(square, out=part)
        mean = state["grad_avg"].array
        xp.subtract(slope, mean, out=part)
        part *= 1 - group["alpha"]
        mean += part
        xp.multiply(mean, mean, out=part)
        xp.subtract(square, part, out=part)
        return xp.sqrt(part, out=part)


@optimizer
class Adagrad(Scaled):
    """Divides each gradient by the root of the sum of all its squares so far (Duchi et al., 2011)."""

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        lr_decay: Decay = 0.0,
        weight_decay: Decay = 0.0,
        initial_accumulator_value: Annotated[float, Between(0, 1e6, common=(0, 1))] = 0.0,
        eps: Small = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        super().__init__(
            params, {**defaults, "initial_accumulator_value": initial_accumulator_value, "maximize": maximize}
        )

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """The sum of squares, then the step."""
        xp, part = module_of(slope), self.scratch(slope)
        state = self.memory(parameter, ("sum",), group["initial_accumulator_value"])
        total = state["sum"].array
        xp.multiply(slope, slope, out=part)
        total += part
        xp.sqrt(total, out=part)
        part += group["eps"]
        xp.divide(slope, part, out=part)
        part *= -group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        parameter.array += part
