"""Layers that weigh numbers against each other: softmax and its relatives, gates."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated

from engine.errors import ShapeError
from engine.nn import functional
from engine.nn.activation import Axis, Curve
from engine.nn.incoming import expect_picture
from engine.nn.module import Shape, layer
from engine.nn.settings import Suggested
from engine.tensor import Tensor


class AlongAxis(Curve):
    """Base of the activations along one axis."""

    shown = ("dim",)

    def __init__(self, dim: Annotated[Axis, Suggested(1)] | None = None) -> None:
        super().__init__()
        self.dim = dim


@layer("activation")
class Softmax(AlongAxis):
    """Turns scores into probabilities that sum to 1.

    >>> nn.Softmax(dim=1)(engine.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """e**x over its sum along `dim`."""
        return functional.softmax(input, self.dim)


@layer("activation")
class Softmin(AlongAxis):
    """Turns costs into probabilities that sum to 1: the least is the likeliest.

    >>> nn.Softmin(dim=1)(engine.tensor([[0.0, 0.0]]))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """e**-x over its sum along `dim`."""
        return functional.softmin(input, self.dim)


@layer("activation")
class LogSoftmax(AlongAxis):
    """The logarithm of softmax.

    >>> nn.LogSoftmax(dim=1)(engine.tensor([[0.0, 0.0]]))
    tensor([[-0.6931, -0.6931]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """ln(softmax(x))."""
        return functional.log_softmax(input, self.dim)


@layer("activation")
class Softmax2d(Curve):
    """Softmax over the channels, at every pixel.

    >>> nn.Softmax2d()(engine.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, object]:
        """Nothing; but only pictures have channels."""
        expect_picture("Softmax2d", shapes)
        return {}

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h, w) or (C, h, w)."""
        if input.ndim not in (3, 4):
            raise BadDims("Softmax2d", "an input with 3 or 4 dims", f"{input.ndim}")
        return functional.softmax(input, -3)


class BadDims(ShapeError, ValueError):
    """An input with the wrong number of dims."""


@layer("activation")
class GLU(Curve):
    """A gated linear unit: the first half of an axis times the sigmoid of the second (Dauphin et al., 2017).

    >>> nn.GLU()(engine.tensor([[4.0, 0.0]]))
    tensor([[2.]])
    """

    shown = ("dim",)

    def __init__(self, dim: Axis = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """a * sigmoid(b), where x is a and b side by side."""
        return functional.glu(input, self.dim)
