"""Layers that bend each number by straight lines: ReLU and its relatives, limits, thresholds."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine.errors import ArgumentError
from engine.nn import functional, init
from engine.nn.activation import Curve, Level, Rectifier, Slope
from engine.nn.module import Between, layer
from engine.nn.parameter import empty_parameter
from engine.nn.settings import Suggested
from engine.tensor import Tensor

Limit = Annotated[float, Between(0, 1e6, common=(0, 3))]


@layer("activation")
class ReLU(Rectifier):
    """Keeps what is positive, turns the rest to 0.

    >>> nn.ReLU()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """max(0, x)."""
        return functional.relu(input, self.inplace)


@layer("activation")
class LeakyReLU(Curve):
    """Keeps what is positive, shrinks what is negative.

    >>> nn.LeakyReLU(0.1)(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.2000,  0.0000,  2.0000])
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope: Slope = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or negative_slope * x."""
        return functional.leaky_relu(input, self.negative_slope, self.inplace)


@layer("activation")
class PReLU(Curve):
    """A leaky ReLU that learns the slope of its negative side.

    >>> nn.PReLU()(engine.tensor([-2.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

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
        return functional.prelu(input, self.weight)


@layer("activation")
class RReLU(Curve):
    """A leaky ReLU whose slope is drawn at random while training; in evaluation it is the middle one (Xu et al., 2015).

    >>> nn.RReLU().eval()(engine.tensor([-6.0, 2.0]))
    tensor([-1.3750,  2.0000])
    """

    shown = ("lower", "upper")

    def __init__(self, lower: Slope = 1.0 / 8, upper: Slope = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        if lower > upper:
            raise ArgumentError("RReLU(lower)", f"at most the upper slope, {upper}", lower, field="lower")
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or a random slope times x."""
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)


@layer("activation")
class Hardtanh(Curve):
    """A straight line between two levels.

    >>> nn.Hardtanh()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: Level = -1.0, max_val: Level = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, held between the levels."""
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)


@layer("activation")
class ReLU6(Rectifier):
    """A ReLU that stops at 6.

    >>> nn.ReLU6()(engine.tensor([-2.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """min(max(0, x), 6)."""
        return functional.relu6(input, self.inplace)


@layer("activation")
class Hardsigmoid(Rectifier):
    """A sigmoid made of straight lines.

    >>> nn.Hardsigmoid()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1667, 0.5000, 0.8333])
    """

    def forward(self, input: Tensor) -> Tensor:
        """(x + 3) / 6, held between 0 and 1."""
        return functional.hardsigmoid(input, self.inplace)


@layer("activation")
class Hardswish(Rectifier):
    """x times its hard sigmoid.

    >>> nn.Hardswish()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.3333,  0.0000,  1.6667])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x * hardsigmoid(x)."""
        return functional.hardswish(input, self.inplace)


@layer("activation")
class Hardshrink(Curve):
    """Turns what is small to 0.

    >>> nn.Hardshrink(1.0)(engine.tensor([-2.0, 0.5, 2.0]))
    tensor([-2.,  0.,  2.])
    """

    def __init__(self, lambd: Limit = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The setting, without a name."""
        return f"{self.lambd}"

    def forward(self, input: Tensor) -> Tensor:
        """x where |x| > lambd, else 0."""
        return functional.hardshrink(input, self.lambd)


@layer("activation")
class Softshrink(Curve):
    """Moves numbers towards 0, and what is small to 0.

    >>> nn.Softshrink(1.0)(engine.tensor([-2.0, 0.5, 2.0]))
    tensor([-1.,  0.,  1.])
    """

    def __init__(self, lambd: Limit = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The setting, without a name."""
        return f"{self.lambd}"

    def forward(self, input: Tensor) -> Tensor:
        """x - lambd, x + lambd, or 0."""
        return functional.softshrink(input, self.lambd)


@layer("activation")
class Threshold(Curve):
    """Keeps what is above a threshold; the rest becomes one value.

    >>> nn.Threshold(1.0, -1.0)(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-1., -1.,  2.])
    """

    shown = ("threshold", "value")

    def __init__(
        self,
        threshold: Annotated[Level, Suggested(0.0)],
        value: Annotated[Level, Suggested(0.0)],
        inplace: bool = False,
    ) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x where x > threshold, else value."""
        return functional.threshold(input, self.threshold, self.value, self.inplace)
