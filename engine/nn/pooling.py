"""Layers that summarise windows of sequences, pictures and volumes."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from engine.errors import ArgumentError
from engine.nn import functional
from engine.nn.convolution import Border, Borders, Step, Steps, pair
from engine.nn.incoming import expect_picture, per_axis
from engine.nn.module import Between, Module, Shape, layer
from engine.nn.settings import Suggested, Unshown, checked
from engine.tensor import Tensor

PoolSide = Annotated[int, Between(1, 1024, common=(1, 8)), Suggested(2)]
PoolWindow = PoolSide | tuple[PoolSide, PoolSide]
OutputSide = Annotated[int, Between(1, 1024, common=(1, 16)), Suggested(1)]
OutputSides = OutputSide | tuple[OutputSide | None, OutputSide | None]
AnyWindow = PoolSide | tuple[PoolSide, ...]
AnySteps = Step | tuple[Step, ...]
AnyBorders = Border | tuple[Border, ...]
AnyOutput = OutputSide | None | tuple[OutputSide | None, ...]
Indices = Annotated[bool, Unshown]
Power = Annotated[float, Between(1e-6, 1e6, common=(1, 8)), Suggested(2.0)]


class Pool(Module):
    """Base of the layers that pool. `axes`: how many the window slides along; `shown`: the settings in the text."""

    axes: ClassVar[int]
    shown: ClassVar[tuple[str, ...]] = ("kernel_size", "stride", "padding")
    kernel_size: Any
    stride: Any
    padding: Any

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but only pictures can be pooled."""
        expect_picture(cls.__name__, shapes)
        return {}

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


class MaxPool(Pool):
    """Base of the layers that keep the largest number of each window."""

    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: AnyWindow,
        stride: AnySteps | None = None,
        padding: AnyBorders = 0,
        dilation: AnySteps = 1,
        return_indices: Indices = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding, self.dilation = kernel_size, padding, dilation
        self.stride = kernel_size if stride is None else stride
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        """The largest numbers; with `return_indices` also where they were."""
        pool = getattr(functional, f"max_pool{self.axes}d")
        places = self.kernel_size, self.stride, self.padding, self.dilation
        return pool(input, *places, ceil_mode=self.ceil_mode, return_indices=self.return_indices)


@checked
class MaxPool1d(MaxPool):
    """Keeps the largest number of each window of a sequence.

    >>> nn.MaxPool1d(2)(engine.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    axes = 1


@layer("pooling")
class MaxPool2d(MaxPool):
    """Keeps the largest number of each window.

    >>> nn.MaxPool2d(2)(engine.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    tensor([[[3.]]])
    """

    axes = 2

    def __init__(
        self,
        kernel_size: PoolWindow,
        stride: Steps | None = None,
        padding: Borders = 0,
        dilation: Steps = 1,
        return_indices: Indices = False,
        ceil_mode: bool = False,
    ) -> None:
        _check_padding("MaxPool2d", kernel_size, padding)
        super().__init__(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


@checked
class MaxPool3d(MaxPool):
    """Keeps the largest number of each window of a volume.

    >>> nn.MaxPool3d(2)(engine.ones(1, 4, 4, 4)).shape
    engine.Size([1, 2, 2, 2])
    """

    axes = 3


@checked
class AvgPool1d(Pool):
    """Takes the mean of each window of a sequence.

    >>> nn.AvgPool1d(2)(engine.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    axes = 1

    def __init__(
        self,
        kernel_size: AnyWindow,
        stride: AnySteps | None = None,
        padding: AnyBorders = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = per_axis("AvgPool1d", kernel_size, 1), per_axis("AvgPool1d", padding, 1)
        self.stride = self.kernel_size if stride is None else per_axis("AvgPool1d", stride, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, length) to (N, C, length')."""
        places = self.kernel_size, self.stride, self.padding
        return functional.avg_pool1d(input, *places, self.ceil_mode, self.count_include_pad)


class AvgPool(Pool):
    """Base of the layers that take the mean of each window of a picture or volume."""

    def __init__(
        self,
        kernel_size: AnyWindow,
        stride: AnySteps | None = None,
        padding: AnyBorders = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        pool = getattr(functional, f"avg_pool{self.axes}d")
        places = self.kernel_size, self.stride, self.padding
        return pool(input, *places, self.ceil_mode, self.count_include_pad, self.divisor_override)


@layer("pooling")
class AvgPool2d(AvgPool):
    """Takes the mean of each window.

    >>> nn.AvgPool2d(2)(engine.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    tensor([[[1.5000]]])
    """

    axes = 2

    def __init__(
        self,
        kernel_size: PoolWindow,
        stride: Steps | None = None,
        padding: Borders = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Annotated[int | None, Unshown] = None,
    ) -> None:
        _check_padding("AvgPool2d", kernel_size, padding)
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@checked
class AvgPool3d(AvgPool):
    """Takes the mean of each window of a volume.

    >>> nn.AvgPool3d(2)(engine.ones(1, 4, 4, 4)).shape
    engine.Size([1, 2, 2, 2])
    """

    axes = 3


class LPPool(Pool):
    """Base of the layers that take a norm of each window."""

    shown = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(
        self, norm_type: Power, kernel_size: AnyWindow, stride: AnySteps | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """(sum |x|**p)**(1 / p)."""
        pool = getattr(functional, f"lp_pool{self.axes}d")
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


@checked
class LPPool1d(LPPool):
    """Takes the p-norm of each window of a sequence.

    >>> nn.LPPool1d(2, kernel_size=2)(engine.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """

    axes = 1


@layer("pooling")
class LPPool2d(LPPool):
    """Takes the p-norm of each window: between a sum (p = 1) and a maximum (p large).

    >>> nn.LPPool2d(2, kernel_size=2)(engine.ones(1, 2, 2))
    tensor([[[2.]]])
    """

    axes = 2

    def __init__(
        self, norm_type: Power, kernel_size: PoolWindow, stride: Steps | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(norm_type, kernel_size, stride, ceil_mode)


@checked
class LPPool3d(LPPool):
    """Takes the p-norm of each window of a volume.

    >>> nn.LPPool3d(1, kernel_size=2)(engine.ones(1, 2, 2, 2))
    tensor([[[[8.]]]])
    """

    axes = 3


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
