"""Optimisers that look at a weight as a matrix: Adafactor and Muon."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from engine.array import module_of
from engine.errors import ShapeError
from engine.nn.settings import Between, checked
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
from engine.tensor import Tensor, wrap


@optimizer
class Adafactor(Optimizer):
    """Adam's scale from the row and column means of the squared gradient, with little memory (Shazeer, Stern, 2018).

    >>> optim.Adafactor([nn.Parameter(engine.zeros(2, 2))]).defaults["beta2_decay"]
    -0.8
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-2,
        beta2_decay: Annotated[float, Between(-10, 0, common=(-1, 0))] = -0.8,
        eps: tuple[Small | None, Small] = (None, 1e-3),
        d: Annotated[float, Between(1, 1e6, common=(1, 10))] = 1.0,
        weight_decay: Decay = 0.0,
        *,
        foreach: Flag = None,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def update(self, group: Group) -> None:
        """Weight decay is kept apart from the gradient."""
        for parameter in group["params"]:
            if parameter.grad is not None:
                self.follow(parameter, self.slope(parameter, group, 0.0), group)
                parameter.changed()

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """A step whose size is relative to the size of the weights, clipped where the scaled gradient is large."""
        xp, array, state = module_of(slope), parameter.array, self.memory(parameter, ())
        step, (tiny, least) = count(state), group["eps"]
        tiny = float(xp.finfo(array.dtype).eps) if tiny is None else tiny
        rate = max(least, _size(array)) * min(group["lr"], 1 / math.sqrt(step))
        if group["weight_decay"]:
            array *= 1 - group["lr"] * group["weight_decay"]
        square = _squares(state, slope, step ** group["beta2_decay"], tiny)
        change = slope / xp.sqrt(xp.maximum(square, tiny * tiny))
        array -= (rate / max(1.0, _size(change) / group["d"])) * change


def _size(array: Any) -> float:
    """The root of the mean square."""
    flat = array.reshape(-1)
    return math.sqrt(float(flat @ flat) / flat.size)


def _squares(state: State, slope: Any, share: float, tiny: float) -> Any:
    """The running mean square: of rows times columns over their mean for matrices, else of every element."""
    square = module_of(slope).square(slope)[...]
    if slope.ndim < 2:
        return _mixed(state, "variance", square, share)
    rows = _mixed(state, "row_var", square.mean(-1, keepdims=True), share)
    columns = _mixed(state, "col_var", square.mean(-2, keepdims=True), share)
    return rows * columns / module_of(slope).maximum(rows.mean(-2, keepdims=True), tiny)


def _mixed(state: State, name: str, values: Any, share: float) -> Any:
    mean = state.setdefault(name, wrap(module_of(values).zeros_like(values))).array
    mean += (values - mean) * share
    return mean


@checked
class Muon(Optimizer):
    """Momentum made orthogonal: every singular value of a step is about 1 (Jordan et al., 2024). For matrices only.

    PyTorch iterates in bfloat16, this engine in the parameter's own type.

    >>> optim.Muon([nn.Parameter(engine.eye(2))], lr=0.02).defaults["momentum"]
    0.95
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1e-3,
        weight_decay: Decay = 0.1,
        momentum: Annotated[float, Between(0, 1e6, common=(0, 0.99))] = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: Small = 1e-7,
        ns_steps: Annotated[int, Between(0, 99, common=(1, 10))] = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
    ) -> None:
        super().__init__(params, given(locals()))
        for tensor in (p for group in self.param_groups for p in group["params"]):
            if tensor.ndim != 2:
                raise NotMatrix("Muon", "parameters of two axes", list(tensor.shape), "Give the others to AdamW.")

    def update(self, group: Group) -> None:
        """The momentum, made orthogonal; weight decay is kept apart from it."""
        momentum = group["momentum"]
        for parameter in group["params"]:
            if parameter.grad is not None:
                array, slope = parameter.array, parameter.grad.array
                fresh = wrap(module_of(slope).zeros_like(slope))
                run = self.state[parameter].setdefault("momentum_buffer", fresh).array
                run += (slope - run) * (1 - momentum)
                along = slope + (run - slope) * momentum if group["nesterov"] else run
                array *= 1 - group["lr"] * group["weight_decay"]
                array -= group["lr"] * _stretch(group["adjust_lr_fn"], *array.shape) * _orthogonal(along, group)
                parameter.changed()


class NotMatrix(ShapeError, ValueError):
    """A parameter that is no matrix."""


def _stretch(how: str | None, rows: int, columns: int) -> float:
    """What the rate is multiplied by, so that matrices of all shapes take steps of one size."""
    return 0.2 * math.sqrt(max(rows, columns)) if how == "match_rms_adamw" else math.sqrt(max(1.0, rows / columns))


def _orthogonal(matrix: Any, group: Group) -> Any:
    """The nearest orthogonal matrix, roughly, by a Newton-Schulz iteration of degree five."""
    a, b, c = group["ns_coefficients"]
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / max(math.sqrt(float((x * x).sum())), group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x
