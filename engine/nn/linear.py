"""Layers that multiply by a matrix."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

import math
from typing import Annotated, Any

from engine.errors import ShapeError
from engine.nn import functional, init
from engine.nn.incoming import expect_one, in_brackets
from engine.nn.module import Between, Inferred, Module, Shape, layer
from engine.nn.parameter import empty_parameter
from engine.nn.settings import Suggested, checked
from engine.tensor import Tensor

Width = Annotated[int, Between(1, 2**31 - 1, common=(1, 64)), Suggested(4)]
FLATTEN = "Insert a Flatten layer before it."


@layer("linear")
class Linear(Module):
    """Every output is a weighted sum of all inputs, plus a bias.

    Shapes: (..., in_features) to (..., out_features). weight (out_features, in_features), bias (out_features,).

    >>> nn.Linear(3, 2)(engine.ones(4, 3)).shape
    engine.Size([4, 2])
    """

    def __init__(
        self,
        in_features: Annotated[int, Inferred],
        out_features: Width,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = empty_parameter((out_features, in_features), device, dtype)
        self.bias = empty_parameter((out_features,), device, dtype) if bias else None
        self.reset_parameters()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """The number of incoming features."""
        shape = expect_one("Linear", shapes)
        if len(shape) not in (1, 2):
            raise ShapeError(where="Linear", expected="features in one row", got=in_brackets(shape), hint=FLATTEN)
        return {"in_features": shape[-1]}

    def reset_parameters(self) -> None:
        """Draw first values: uniform, bounded by one over the root of the number of inputs."""
        draw_weight_and_bias(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """input @ weight.T + bias."""
        return input.linear(self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


@layer("linear")
class Identity(Module):
    """Hands its input on as it is.

    >>> nn.Identity()(engine.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input."""
        return input


@checked
class Bilinear(Module):
    """Every output is a weighted sum of all products of the two inputs: x1 W x2 + b.

    >>> nn.Bilinear(3, 4, 2)(engine.ones(5, 3), engine.ones(5, 4)).shape
    engine.Size([5, 2])
    """

    def __init__(
        self,
        in1_features: Width,
        in2_features: Width,
        out_features: Width,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = empty_parameter((out_features, in1_features, in2_features), device, dtype)
        self.bias = empty_parameter((out_features,), device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw first values: uniform, bounded by one over the root of the first input's size."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """(..., in1_features) and (..., in2_features) to (..., out_features)."""
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings."""
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


def draw_weight_and_bias(weight: Tensor, bias: Tensor | None) -> None:
    """PyTorch's first values for linear and convolution layers."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = init.fans(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
        init.uniform_(bias, -bound, bound)
