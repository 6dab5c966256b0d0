"""Layers that slide a small window over a picture."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any, Literal

from engine.errors import ArgumentError
from engine.nn.incoming import expect_axes, expect_one
from engine.nn.linear import draw_weight_and_bias
from engine.nn.module import Between, Inferred, Module, Shape, layer
from engine.nn.parameter import empty_parameter
from engine.nn.settings import Suggested
from engine.tensor import Tensor

Channels = Annotated[int, Between(1, 2**31 - 1, common=(1, 64)), Suggested(6)]
Side = Annotated[int, Between(1, 1024, common=(1, 11)), Suggested(3)]
Step = Annotated[int, Between(1, 1024, common=(1, 4))]
Border = Annotated[int, Between(0, 1024, common=(0, 5))]
Window = Side | tuple[Side, Side]
Steps = Step | tuple[Step, Step]
Borders = Border | tuple[Border, Border]


@layer("convolution")
class Conv2d(Module):
    """Slides small filters over a picture: every output pixel is a weighted sum of a window of the input.

    Shapes: (N, in_channels, h, w) to (N, out_channels, h', w'). weight (out_channels, in_channels / groups, kernel).
    """

    def __init__(
        self,
        in_channels: Annotated[int, Inferred],
        out_channels: Channels,
        kernel_size: Window,
        stride: Steps = 1,
        padding: Borders | Literal["same", "valid"] = 0,
        dilation: Steps = 1,
        groups: Annotated[int, Between(1, 2**31 - 1, common=(1, 16))] = 1,
        bias: bool = True,
        padding_mode: Literal["zeros"] = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_groups(groups, in_channels, out_channels)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = pair(kernel_size), pair(stride), pair(dilation)
        self.padding: tuple[int, int] | str = padding if isinstance(padding, str) else pair(padding)
        self.padding_mode = padding_mode
        self.weight = empty_parameter((out_channels, in_channels // groups, *self.kernel_size), device, dtype)
        self.bias = empty_parameter((out_channels,), device, dtype) if bias else None
        self.reset_parameters()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """The number of incoming channels."""
        shape = expect_one("Conv2d", shapes)
        expect_axes(
            "Conv2d", shape, 3, "a picture [channels, height, width]", "Feed it pictures, or use a Linear layer."
        )
        return {"in_channels": shape[0]}

    def reset_parameters(self) -> None:
        """Draw first values: uniform, bounded by one over the root of the window's size."""
        draw_weight_and_bias(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """The filters, slid over the input."""
        return input.conv2d(self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """The settings that differ from the usual ones."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        usual = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        text += "".join(
            f", {name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value
        )
        return text + ("" if self.bias is not None else ", bias=False")


def pair(value: Any) -> tuple[int, int]:
    """One size for both axes, or two sizes, as a tuple."""
    return (int(value[0]), int(value[1])) if isinstance(value, tuple | list) else (int(value), int(value))


def _check_groups(groups: int, incoming: int, outgoing: int) -> None:
    for name, channels in (("in_channels", incoming), ("out_channels", outgoing)):
        if channels % groups:
            raise ArgumentError(
                where="Conv2d(groups)",
                expected=f"a divisor of {name}, which is {channels}",
                got=groups,
                hint="Each group gets the same number of channels.",
                field="groups",
            )
