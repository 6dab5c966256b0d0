"""Layers that bend each number by a smooth curve."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, ClassVar

from engine.nn import functional
from engine.nn.module import Between, Module, layer
from engine.tensor import Tensor

Slope = Annotated[float, Between(-100, 100, common=(0, 1))]
Positive = Annotated[float, Between(1e-6, 1e6, common=(0.1, 5))]
Level = Annotated[float, Between(-1e6, 1e6, common=(-3, 3))]
Axis = Annotated[int, Between(-8, 8, common=(-1, 3))]


class Curve(Module):
    """Base of the activations. `shown`: the settings that the text names; `inplace` shows only where it is on."""

    shown: ClassVar[tuple[str, ...]] = ()
    inplace: bool = False

    def __init__(self) -> None:
        super().__init__()

    def extra_repr(self) -> str:
        """The settings."""
        settings = [f"{name}={getattr(self, name)!r}" for name in self.shown]
        return ", ".join([*settings, "inplace=True"] if self.inplace else settings)


class Rectifier(Curve):
    """Base of the activations whose only setting is whether they write into their input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


@layer("activation")
class Tanh(Curve):
    """Squashes numbers into (-1, 1).

    >>> nn.Tanh()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.9640,  0.0000,  0.9640])
    """

    def forward(self, input: Tensor) -> Tensor:
        """tanh(x)."""
        return functional.tanh(input)


@layer("activation")
class Sigmoid(Curve):
    """Squashes numbers into (0, 1).

    >>> nn.Sigmoid()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1192, 0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """1 / (1 + e**-x)."""
        return functional.sigmoid(input)


@layer("activation")
class LogSigmoid(Curve):
    """The logarithm of the sigmoid.

    >>> nn.LogSigmoid()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-2.1269, -0.6931, -0.1269])
    """

    def forward(self, input: Tensor) -> Tensor:
        """ln(sigmoid(x))."""
        return functional.logsigmoid(input)


@layer("activation")
class Tanhshrink(Curve):
    """x less its tanh.

    >>> nn.Tanhshrink()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-1.0360,  0.0000,  1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x - tanh(x)."""
        return functional.tanhshrink(input)


@layer("activation")
class Softsign(Curve):
    """Squashes numbers into (-1, 1), more gently than tanh.

    >>> nn.Softsign()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.6667,  0.0000,  0.6667])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x / (1 + |x|)."""
        return functional.softsign(input)


@layer("activation")
class Softplus(Curve):
    """A smooth ReLU: ln(1 + e**x).

    >>> nn.Softplus()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1269, 0.6931, 2.1269])
    """

    shown = ("beta", "threshold")

    def __init__(self, beta: Positive = 1.0, threshold: Level = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        """ln(1 + e**(beta * x)) / beta, linear above the threshold."""
        return functional.softplus(input, self.beta, self.threshold)


@layer("activation")
class SELU(Rectifier):
    """The ELU whose outputs keep mean 0 and spread 1 from layer to layer.

    >>> nn.SELU()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-1.5202,  0.0000,  2.1014])
    """

    def forward(self, input: Tensor) -> Tensor:
        """scale * elu(x, alpha) with two fixed numbers."""
        return functional.selu(input, self.inplace)


@layer("activation")
class ELU(Curve):
    """Keeps what is positive; what is negative falls smoothly to -alpha.

    >>> nn.ELU()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.8647,  0.0000,  2.0000])
    """

    shown = ("alpha",)

    def __init__(self, alpha: Positive = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha * (e**x - 1)."""
        return functional.elu(input, self.alpha, self.inplace)


@layer("activation")
class CELU(Curve):
    """An ELU that is smooth for every alpha.

    >>> nn.CELU(2.0)(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-1.2642,  0.0000,  2.0000])
    """

    shown = ("alpha",)

    def __init__(self, alpha: Positive = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        """x, or alpha * (e**(x / alpha) - 1)."""
        return functional.celu(input, self.alpha, self.inplace)


@layer("activation")
class GELU(Curve):
    """x times the chance that a normal number is below x: a smooth ReLU.

    >>> nn.GELU()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.0455,  0.0000,  1.9545])
    """

    shown = ("approximate",)

    def __init__(self, approximate: functional.Approximation = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """x * Phi(x)."""
        return functional.gelu(input, approximate=self.approximate)


@layer("activation")
class SiLU(Rectifier):
    """x times its own sigmoid, also called swish.

    >>> nn.SiLU()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.2384,  0.0000,  1.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x * sigmoid(x)."""
        return functional.silu(input, self.inplace)


@layer("activation")
class Mish(Rectifier):
    """x times the tanh of its softplus: a smooth ReLU that dips below 0.

    >>> nn.Mish()(engine.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.2525,  0.0000,  1.9440])
    """

    def forward(self, input: Tensor) -> Tensor:
        """x * tanh(softplus(x))."""
        return functional.mish(input, self.inplace)
