"""Steps scaled by the size of past gradients (RMSprop, Adagrad, Adadelta) or by their signs (Rprop); ASGD."""

from __future__ import annotations

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
    Small,
    State,
    count,
    given,
    optimizer,
)
from engine.optim.sgd import Momentum
from engine.tensor import Tensor, wrap


def _average(mean: Any, values: Any, share: float, part: Any) -> None:
    """mean = share * mean + (1 - share) * values**2, in place."""
    mean *= share
    module_of(values).multiply(values, values, out=part)
    part *= 1 - share
    mean += part


@optimizer
class RMSprop(Optimizer):
    """Divides each gradient by the root of the running mean of its square (Hinton, 2012).

    >>> optim.RMSprop([nn.Parameter(engine.zeros(2))]).defaults["alpha"]
    0.99
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        alpha: Annotated[float, Between(0, 1, common=(0.5, 0.999))] = 0.99,
        eps: Small = 1e-8,
        weight_decay: Decay = 0.0,
        momentum: Momentum = 0.0,
        centered: bool = False,
        capturable: Flag = False,
        foreach: Flag = None,
        maximize: bool = False,
        differentiable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """The running means, then the step."""
        xp, part = module_of(slope), self.scratch(slope)
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        state = self.memory(parameter, (name for name, needed in wanted.items() if needed))
        _average(state["square_avg"].array, slope, group["alpha"], part)
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

    def _size(self, state: State, slope: Any, part: Any, group: Group) -> Any:
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
class Adagrad(Optimizer):
    """Divides each gradient by the root of the sum of all its squares so far (Duchi et al., 2011).

    >>> optim.Adagrad([nn.Parameter(engine.zeros(2))]).defaults["lr"]
    0.01
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        lr_decay: Decay = 0.0,
        weight_decay: Decay = 0.0,
        initial_accumulator_value: Annotated[float, Between(0, 1e6, common=(0, 1))] = 0.0,
        eps: Small = 1e-10,
        foreach: Flag = None,
        *,
        maximize: bool = False,
        differentiable: Flag = False,
        fused: Flag = None,
    ) -> None:
        super().__init__(params, given(locals()))

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
        part *= -group["lr"] / (1 + (count(state) - 1) * group["lr_decay"])
        parameter.array += part


@optimizer
class Adadelta(Optimizer):
    """Adagrad with running means, and a step measured by the steps before it (Zeiler, 2012).

    >>> optim.Adadelta([nn.Parameter(engine.zeros(2))]).defaults["rho"]
    0.9
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1.0,
        rho: Annotated[float, Between(0, 1, common=(0.5, 0.999))] = 0.9,
        eps: Small = 1e-6,
        weight_decay: Decay = 0.0,
        foreach: Flag = None,
        *,
        capturable: Flag = False,
        maximize: bool = False,
        differentiable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """The gradient times the root of (mean square of the steps / mean square of the gradients)."""
        xp, part, step = module_of(slope), self.scratch(slope), self.scratch(slope, 3)
        state = self.memory(parameter, ("square_avg", "acc_delta"))
        square, steps = state["square_avg"].array, state["acc_delta"].array
        _average(square, slope, group["rho"], part)
        xp.sqrt(xp.add(square, group["eps"], out=part), out=part)
        xp.sqrt(xp.add(steps, group["eps"], out=step), out=step)
        step /= part
        step *= slope
        _average(steps, step, group["rho"], part)
        step *= -group["lr"]
        parameter.array += step


@optimizer
class Rprop(Optimizer):
    """A step size of its own for every weight, which grows while the gradient keeps its sign (Riedmiller, 1993).

    >>> optim.Rprop([nn.Parameter(engine.zeros(2))]).defaults["etas"]
    (0.5, 1.2)
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        etas: tuple[
            Annotated[float, Between(1e-9, 1, common=(0.1, 0.9), open_end=True)],
            Annotated[float, Between(1 + 1e-9, 1e3, common=(1.05, 2))],
        ] = (0.5, 1.2),
        step_sizes: tuple[Small, Annotated[float, Between(0, 1e6, common=(1, 100))]] = (1e-6, 50),
        *,
        capturable: Flag = False,
        foreach: Flag = None,
        maximize: bool = False,
        differentiable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """Grow or shrink the step sizes, then step by the sign; where the sign has just changed, rest."""
        xp, (less, more) = module_of(slope), group["etas"]
        fresh = "step_size" not in self.state[parameter]
        state = self.memory(parameter, ("prev", "step_size"))
        size, before = state["step_size"].array, state["prev"].array
        if fresh:
            size[...] = group["lr"]
        turn = slope * before
        size *= xp.where(turn > 0, more, xp.where(turn < 0, less, 1.0)).astype(size.dtype)
        xp.clip(size, *group["step_sizes"], out=size)
        before[...] = xp.where(turn < 0, 0, slope)
        parameter.array -= xp.sign(before) * size


@optimizer
class ASGD(Optimizer):
    """Gradient descent with a falling rate, and the mean of the path in the state `ax` (Polyak and Juditsky, 1992).

    >>> optim.ASGD([nn.Parameter(engine.zeros(2))]).defaults["alpha"]
    0.75
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        lambd: Decay = 1e-4,
        alpha: Annotated[float, Between(0, 1e3, common=(0, 1))] = 0.75,
        t0: Annotated[float, Between(0, 1e12, common=(1, 1e6))] = 1e6,
        weight_decay: Decay = 0.0,
        foreach: Flag = None,
        maximize: bool = False,
        differentiable: Flag = False,
        capturable: Flag = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """Step with the rate in the state, move the mean, then lower the rate."""
        xp, lr, lambd = module_of(slope), group["lr"], group["lambd"]
        state, array = self.memory(parameter, ("ax",)), parameter.array
        eta = state.setdefault("eta", wrap(xp.asarray(lr, xp.float32)))
        share = state.setdefault("mu", wrap(xp.ones((), xp.float32)))
        rate, mean = float(eta.array), state["ax"].array
        array *= 1 - lambd * rate
        array -= xp.multiply(slope, rate, out=self.scratch(slope))
        if share.array == 1:
            mean[...] = array
        else:
            mean += xp.multiply(array - mean, float(share.array), out=self.scratch(slope))
        step = count(state)
        eta.array[...] = lr / (1 + lambd * lr * step) ** group["alpha"]
        share.array[...] = 1 / max(1.0, step - group["t0"])
