"""Layers that summarise windows of a picture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from engine.errors import ArgumentError
from engine.nn import functional
from engine.nn.convolution import Borders, Steps, pair
from engine.nn.incoming import expect_axes, expect_one
from engine.nn.module import Between, Module, Shape, layer
from engine.nn.settings import Suggested
from engine.tensor import Tensor

PoolSide = Annotated[int, Between(1, 1024, common=(1, 8)), Suggested(2)]
PoolWindow = PoolSide | tuple[PoolSide, PoolSide]
OutputSide = Annotated[int, Between(1, 1024, common=(1, 16)), Suggested(1)]


class Pool(Module):
    """Base of the layers that pool a picture."""

    kernel_size: Any
    stride: Any
    padding: Any

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but only pictures can be pooled."""
        shape = expect_one(cls.__name__, shapes)
        expect_axes(cls.__name__, shape, 3, "a picture [channels, height, width]", "Put it before Flatten, not after.")
        return {}

    def extra_repr(self) -> str:
        """The settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


@layer("pooling")
class MaxPool2d(Pool):
    """Keeps the largest number of each window."""

    def __init__(
        self,
        kernel_size: PoolWindow,
        stride: Steps | None = None,
        padding: Borders = 0,
        dilation: Steps = 1,
        return_indices: Literal[False] = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        _check_padding("MaxPool2d", kernel_size, padding)
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, h', w')."""
        return functional.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{super().extra_repr()}, dilation={self.dilation}, ceil_mode={self.ceil_mode}"


@layer("pooling")
class AvgPool2d(Pool):
    """Takes the mean of each window."""

    def __init__(
        self,
        kernel_size: PoolWindow,
        stride: Steps | None = None,
        padding: Borders = 0,
        ceil_mode: Literal[False] = False,
        count_include_pad: bool = True,
        divisor_override: Literal[None] = None,
    ) -> None:
        super().__init__()
        _check_padding("AvgPool2d", kernel_size, padding)
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, h', w')."""
        return functional.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, count_include_pad=self.count_include_pad
        )


@layer("pooling")
class AdaptiveAvgPool2d(Pool):
    """Takes means over windows that are chosen so that the output has a given size."""

    def __init__(self, output_size: OutputSide | tuple[OutputSide | None, OutputSide | None]) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, *output_size)."""
        return functional.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        """The settings."""
        return f"output_size={self.output_size}"


def _check_padding(where: str, kernel_size: Any, padding: Any) -> None:
    for side, border in zip(pair(kernel_size), pair(padding), strict=True):
        if 2 * border > side:
            raise ArgumentError(
                where=f"{where}(padding)",
                expected=f"at most half of the window, {side // 2}",
                got=border,
                hint="Else some windows would see nothing but padding.",
                field="padding",
            )
