"""Layers that slide a small window over sequences, pictures and volumes."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from engine.errors import ArgumentError
from engine.nn import functional
from engine.nn.incoming import expect_axes, expect_one, per_axis
from engine.nn.linear import draw_weight_and_bias
from engine.nn.module import Between, Inferred, Module, Shape, layer
from engine.nn.parameter import empty_parameter
from engine.nn.settings import Suggested, checked
from engine.tensor import Tensor

Channels = Annotated[int, Between(1, 2**31 - 1, common=(1, 64)), Suggested(6)]
Side = Annotated[int, Between(1, 1024, common=(1, 11)), Suggested(3)]
Step = Annotated[int, Between(1, 1024, common=(1, 4))]
Border = Annotated[int, Between(0, 1024, common=(0, 5))]
Groups = Annotated[int, Between(1, 2**31 - 1, common=(1, 16))]
Window = Side | tuple[Side, Side]
Steps = Step | tuple[Step, Step]
Borders = Border | tuple[Border, Border]
Sides = Side | tuple[Side, ...]
Strides = Step | tuple[Step, ...]
Edges = Border | tuple[Border, ...]
Mode = Literal["zeros", "reflect", "replicate", "circular"]


class Convolution(Module):
    """Base of the convolutions: settings, first values, text. `axes`: how many the window slides along."""

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False
    output_padding: tuple[int, ...] = ()
    padding: tuple[int, ...] | str

    def _prepare(
        self,
        channels: tuple[int, int],
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: Mode,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        _check_groups(kind, groups, *channels)
        self.in_channels, self.out_channels = channels
        self.kernel_size, self.stride = per_axis(kind, kernel_size, self.axes), per_axis(kind, stride, self.axes)
        self.padding = padding if isinstance(padding, str) else per_axis(kind, padding, self.axes)
        self.dilation, self.groups, self.padding_mode = per_axis(kind, dilation, self.axes), groups, padding_mode
        if padding == "same" and max(self.stride) != 1:
            raise ArgumentError(f"{kind}(padding)", "a stride of 1 for padding='same'", stride, field="padding")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ArgumentError(f"{kind}(padding_mode)", "zeros, reflect, replicate or circular", padding_mode)
        first, second = channels if self.transposed else channels[::-1]
        self.weight = empty_parameter((first, second // groups, *self.kernel_size), device, dtype)
        self.bias = empty_parameter((channels[1],), device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw first values: uniform, bounded by one over the root of the window's size."""
        draw_weight_and_bias(self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings that differ from the usual ones."""
        zeros, ones = (0,) * self.axes, (1,) * self.axes
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        usual = {"padding": zeros, "dilation": ones, "output_padding": zeros[: len(self.output_padding)], "groups": 1}
        text += "".join(f", {n}={getattr(self, n)}" for n, value in usual.items() if getattr(self, n) != value)
        text += "" if self.bias is not None else ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class PlainConvolution(Convolution):
    """Base of the convolutions that read windows."""

    def __init__(
        self,
        in_channels: Annotated[int, Inferred],
        out_channels: Channels,
        kernel_size: Sides,
        stride: Strides = 1,
        padding: Edges | Literal["same", "valid"] = 0,
        dilation: Strides = 1,
        groups: Groups = 1,
        bias: bool = True,
        padding_mode: Mode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        channels = (in_channels, out_channels)
        self._prepare(channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """The filters, slid over the input."""
        slide = getattr(functional, f"conv{self.axes}d")
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = functional.pad(input, self._borders(), mode=self.padding_mode), 0
        return slide(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _borders(self) -> list[int]:
        """Left and right of every axis, the last axis first."""
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [side for n in reversed(totals) for side in (n // 2, n - n // 2)]
        widths = [0] * self.axes if isinstance(self.padding, str) else list(self.padding)
        return [side for n in reversed(widths) for side in (n, n)]


@checked
class Conv1d(PlainConvolution):
    """Slides small filters over a sequence: (N, in_channels, length) to (N, out_channels, length').

    >>> nn.Conv1d(2, 4, kernel_size=3)(engine.ones(1, 2, 8)).shape
    engine.Size([1, 4, 6])
    """

    axes = 1


@layer("convolution")
class Conv2d(PlainConvolution):
    """Slides small filters over a picture: every output pixel is a weighted sum of a window of the input.

    Shapes: (N, in_channels, h, w) to (N, out_channels, h', w'). weight (out_channels, in_channels / groups, kernel).

    >>> nn.Conv2d(1, 6, kernel_size=5, padding=2)(engine.ones(1, 1, 28, 28)).shape
    engine.Size([1, 6, 28, 28])
    """

    axes = 2

    def __init__(
        self,
        in_channels: Annotated[int, Inferred],
        out_channels: Channels,
        kernel_size: Window,
        stride: Steps = 1,
        padding: Borders | Literal["same", "valid"] = 0,
        dilation: Steps = 1,
        groups: Groups = 1,
        bias: bool = True,
        padding_mode: Mode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        channels = (in_channels, out_channels)
        self._prepare(channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype)

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """The number of incoming channels."""
        return {"in_channels": _channels("Conv2d", shapes)}


@checked
class Conv3d(PlainConvolution):
    """Slides small filters over a volume: (N, in_channels, d, h, w) to (N, out_channels, d', h', w').

    >>> nn.Conv3d(1, 2, kernel_size=2)(engine.ones(1, 1, 4, 4, 4)).shape
    engine.Size([1, 2, 3, 3, 3])
    """

    axes = 3


class TransposedConvolution(Convolution):
    """Base of the convolutions that write windows: the gradient of a plain one, used forwards."""

    transposed = True

    def __init__(
        self,
        in_channels: Annotated[int, Inferred],
        out_channels: Channels,
        kernel_size: Sides,
        stride: Strides = 1,
        padding: Edges = 0,
        output_padding: Edges = 0,
        groups: Groups = 1,
        bias: bool = True,
        dilation: Strides = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        channels = (in_channels, out_channels)
        self._prepare(channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        self.output_padding = per_axis(type(self).__name__, output_padding, self.axes)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Every number stamps its filter onto a larger picture."""
        widen = getattr(functional, f"conv_transpose{self.axes}d")
        extra = self.output_padding if output_size is None else self._extra(input, tuple(output_size))
        return widen(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """How much must be added at the end of each axis for an output of the wanted size."""
        sides, where = input.shape[-self.axes :], f"{type(self).__name__}(output_size)"
        padding: Any = self.padding
        rows = zip(sides, self.stride, padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in rows]
        extra = tuple(w - n for w, n in zip(wanted[-self.axes :], least, strict=False))
        if len(extra) != self.axes or not all(0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            raise ArgumentError(where, f"sizes between {least} and {most}", list(wanted))
        return extra


@checked
class ConvTranspose1d(TransposedConvolution):
    """The way back of a Conv1d: (N, in_channels, length) to a longer (N, out_channels, length').

    >>> nn.ConvTranspose1d(2, 1, kernel_size=2, stride=2)(engine.ones(1, 2, 4)).shape
    engine.Size([1, 1, 8])
    """

    axes = 1


@layer("convolution")
class ConvTranspose2d(TransposedConvolution):
    """The way back of a convolution: every pixel stamps its filter onto a larger picture.

    Shapes: (N, in_channels, h, w) to (N, out_channels, h', w'). weight (in_channels, out_channels / groups, kernel).

    >>> nn.ConvTranspose2d(4, 1, kernel_size=2, stride=2)(engine.ones(1, 4, 7, 7)).shape
    engine.Size([1, 1, 14, 14])
    """

    axes = 2

    def __init__(
        self,
        in_channels: Annotated[int, Inferred],
        out_channels: Channels,
        kernel_size: Window,
        stride: Steps = 1,
        padding: Borders = 0,
        output_padding: Borders = 0,
        groups: Groups = 1,
        bias: bool = True,
        dilation: Steps = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        channels = (in_channels, out_channels)
        self._prepare(channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        self.output_padding = per_axis("ConvTranspose2d", output_padding, 2)

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """The number of incoming channels."""
        return {"in_channels": _channels("ConvTranspose2d", shapes)}


@checked
class ConvTranspose3d(TransposedConvolution):
    """The way back of a Conv3d: (N, in_channels, d, h, w) to a larger volume.

    >>> nn.ConvTranspose3d(1, 2, kernel_size=2)(engine.ones(1, 1, 3, 3, 3)).shape
    engine.Size([1, 2, 4, 4, 4])
    """

    axes = 3


def pair(value: Any) -> tuple[int, int]:
    """One size for both axes, or two sizes, as a tuple."""
    return (int(value[0]), int(value[1])) if isinstance(value, tuple | list) else (int(value), int(value))


def _channels(where: str, shapes: tuple[Shape, ...]) -> int:
    shape = expect_one(where, shapes)
    expect_axes(where, shape, 3, "a picture [channels, height, width]", "Feed it pictures, or use a Linear layer.")
    return shape[0]


def _check_groups(kind: str, groups: int, incoming: int, outgoing: int) -> None:
    for name, channels in (("in_channels", incoming), ("out_channels", outgoing)):
        if channels % groups:
            raise ArgumentError(
                where=f"{kind}(groups)",
                expected=f"a divisor of {name}, which is {channels}",
                got=groups,
                hint="Each group gets the same number of channels.",
                field="groups",
            )
