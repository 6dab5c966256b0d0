"""Layers that bend each number by a fixed curve, and softmax."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine.nn import functional, init
from engine.nn.module import Between, Module, layer
from engine.nn.parameter import empty_parameter
from engine.nn.settings import Suggested
from engine.tensor import Tensor

Slope = Annotated[float, Between(-100, 100, common=(0, 1))]
Positive = Annotated[float, Between(1e-6, 1e6, common=(0.1, 5))]
Level = Annotated[float, Between(-1e6, 1e6, common=(-3, 3))]
Axis = Annotated[int, Between(-8, 8, common=(-1, 3))]


class Curve(Module):
    """Base of the activations without settings, and of those that show their settings by name."""

    shown: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.shown)


class Rectifier(Curve):
    """Base of the activations that PyTorch lets work in place; here the result is always a new tensor."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


@layer("activation")
class ReLU(Rectifier):
    """Keeps what is positive, turns the rest to 0."""

    def forward(self, input: Tensor) -> Tensor:
        """max(0, x)."""
        return input.relu()


@layer("activation")
class Tanh(Curve):
    """Squashes numbers into (-1, 1)."""

    def forward(self, input: Tensor) -> Tensor:
        """tanh(x)."""
        return input.tanh()


@layer("activation")
class Sigmoid(Curve):
    """Squashes numbers into (0, 1)."""

    def forward(self, input: Tensor) -> Tensor:
        """1 / (1 + e**-x)."""
        return input.sigmoid()


@layer("activation")
class LeakyReLU(Curve):
    """Keeps what is positive, shrinks what is negative."""

    shown = ("negative_slope",)

    def __init__(self, negative_slope: Slope = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or negative_slope * x."""
        return input.leaky_relu(self.negative_slope)


@layer("activation")
class PReLU(Curve):
    """A leaky ReLU that learns the slope of its negative side."""

    shown = ("num_parameters",)

    def __init__(
        self,
        num_parameters: Annotated[int, Between(1, 2**31 - 1, common=(1, 64))] = 1,
        init: Slope = 0.25,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = empty_parameter((num_parameters,), device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The first slope."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """x, or weight * x."""
        return input.prelu(self.weight)


@layer("activation")
class ELU(Curve):
    """Keeps what is positive; what is negative falls smoothly to -alpha."""

    shown = ("alpha",)

    def __init__(self, alpha: Positive = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha * (e**x - 1)."""
        return input.elu(self.alpha)


@layer("activation")
class CELU(Curve):
    """An ELU that is smooth for every alpha."""

    shown = ("alpha",)

    def __init__(self, alpha: Positive = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha * (e**(x / alpha) - 1)."""
        return functional.celu(input, self.alpha)


@layer("activation")
class SELU(Rectifier):
    """The ELU whose outputs keep mean 0 and spread 1 from layer to layer."""

    def forward(self, input: Tensor) -> Tensor:
        """scale * elu(x, alpha) with two fixed numbers."""
        return input.selu()


@layer("activation")
class GELU(Curve):
    """x times the chance that a normal number is below x: a smooth ReLU."""

    shown = ("approximate",)

    def __init__(self, approximate: functional.Approximation = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x * Phi(x)."""
        return input.gelu(self.approximate)


@layer("activation")
class SiLU(Rectifier):
    """x times its own sigmoid, also called swish."""

    def forward(self, input: Tensor) -> Tensor:
        """x * sigmoid(x)."""
        return input.silu()


@layer("activation")
class Mish(Rectifier):
    """x times the tanh of its softplus: a smooth ReLU that dips below 0."""

    def forward(self, input: Tensor) -> Tensor:
        """x * tanh(softplus(x))."""
        return input.mish()


@layer("activation")
class Softplus(Curve):
    """A smooth ReLU: ln(1 + e**x)."""

    shown = ("beta", "threshold")

    def __init__(self, beta: Positive = 1.0, threshold: Positive = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """ln(1 + e**(beta * x)) / beta, linear above the threshold."""
        return input.softplus(self.beta, self.threshold)


@layer("activation")
class Softsign(Curve):
    """Squashes numbers into (-1, 1), more gently than tanh."""

    def forward(self, input: Tensor) -> Tensor:
        """x / (1 + |x|)."""
        return input.softsign()


@layer("activation")
class Hardtanh(Curve):
    """A straight line between two levels."""

    shown = ("min_val", "max_val")

    def __init__(self, min_val: Level = -1.0, max_val: Level = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, held between the levels."""
        return input.hardtanh(self.min_val, self.max_val)


@layer("activation")
class ReLU6(Rectifier):
    """A ReLU that stops at 6."""

    def forward(self, input: Tensor) -> Tensor:
        """min(max(0, x), 6)."""
        return input.relu6()


@layer("activation")
class Hardsigmoid(Rectifier):
    """A sigmoid made of straight lines."""

    def forward(self, input: Tensor) -> Tensor:
        """(x + 3) / 6, held between 0 and 1."""
        return input.hardsigmoid()


@layer("activation")
class Hardswish(Rectifier):
    """x times its hard sigmoid."""

    def forward(self, input: Tensor) -> Tensor:
        """x * hardsigmoid(x)."""
        return input.hardswish()


@layer("activation")
class LogSigmoid(Curve):
    """The logarithm of the sigmoid."""

    def forward(self, input: Tensor) -> Tensor:
        """ln(sigmoid(x))."""
        return input.logsigmoid()


@layer("activation")
class Tanhshrink(Curve):
    """x less its tanh."""

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh(x)."""
        return input.tanhshrink()


@layer("activation")
class Softmax(Curve):
    """Turns scores into probabilities that sum to 1."""

    shown = ("dim",)

    def __init__(self, dim: Annotated[Axis, Suggested(1)] | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """e**x over its sum along `dim`."""
        return input.softmax(self.dim)


@layer("activation")
class LogSoftmax(Curve):
    """The logarithm of softmax."""

    shown = ("dim",)

    def __init__(self, dim: Annotated[Axis, Suggested(1)] | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """ln(softmax(x))."""
        return input.log_softmax(self.dim)
