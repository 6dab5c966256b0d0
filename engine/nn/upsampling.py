"""Layers that make pictures larger, or trade channels for pixels."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any, Literal

from engine.nn import functional
from engine.nn.incoming import expect_picture
from engine.nn.module import Between, Module, Shape, layer
from engine.nn.settings import Suggested, Unshown, checked
from engine.tensor import Tensor

Factor = Annotated[int, Between(1, 64, common=(1, 4)), Suggested(2)]
Scale = Annotated[float, Between(1e-3, 64, common=(1, 4)), Suggested(2.0)]
Sizes = Annotated[Any, Unshown]


class PictureLayer(Module):
    """Base of the layers that take pictures."""

    shown: tuple[str, ...] = ()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but only pictures fit."""
        expect_picture(cls.__name__, shapes)
        return {}

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


@layer("shape")
class Upsample(PictureLayer):
    """Makes pictures larger (or smaller) by repeating pixels or by interpolating between them.

    >>> nn.Upsample(scale_factor=2)(engine.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(
        self,
        size: Sizes = None,
        scale_factor: Scale | tuple[Scale, ...] | None = None,
        mode: Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "nearest-exact", "area"] = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: Annotated[bool | None, Unshown] = None,
    ) -> None:
        super().__init__()
        several = isinstance(scale_factor, tuple | list)
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor: Any = (
            tuple(float(s) for s in scale_factor)  # type: ignore[union-attr]
            if several
            else None
            if scale_factor is None
            else float(scale_factor)  # type: ignore[arg-type]
        )
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...) to (N, C, ...) of another size."""
        how = {"align_corners": self.align_corners, "recompute_scale_factor": self.recompute_scale_factor}
        return functional.interpolate(input, self.size, self.scale_factor, self.mode, **how)

    def extra_repr(self) -> str:
        """The settings."""
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)}, mode={self.mode!r}"


@checked
class UpsamplingNearest2d(Upsample):
    """Makes pictures larger by repeating pixels.

    >>> nn.UpsamplingNearest2d(scale_factor=2)(engine.ones(1, 1, 2, 2)).shape
    engine.Size([1, 1, 4, 4])
    """

    def __init__(self, size: Sizes = None, scale_factor: Scale | tuple[Scale, ...] | None = None) -> None:
        super().__init__(size, scale_factor, "nearest")


@checked
class UpsamplingBilinear2d(Upsample):
    """Makes pictures larger by interpolating; corners keep their values.

    >>> nn.UpsamplingBilinear2d(size=(1, 3))(engine.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(self, size: Sizes = None, scale_factor: Scale | tuple[Scale, ...] | None = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


@layer("shape")
class PixelShuffle(PictureLayer):
    """Turns groups of channels into pixels: (C * r * r, h, w) to (C, h * r, w * r) (Shi et al., 2016).

    >>> nn.PixelShuffle(2)(engine.arange(4.0).reshape(1, 4, 1, 1))
    tensor([[[[0., 1.],
              [2., 3.]]]])
    """

    shown = ("upscale_factor",)

    def __init__(self, upscale_factor: Factor) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """(N, C * r * r, h, w) to (N, C, h * r, w * r)."""
        return functional.pixel_shuffle(input, self.upscale_factor)


@layer("shape")
class PixelUnshuffle(PictureLayer):
    """Turns pixels into channels: (C, h * r, w * r) to (C * r * r, h, w).

    >>> nn.PixelUnshuffle(2)(engine.ones(1, 1, 2, 2)).shape
    engine.Size([1, 4, 1, 1])
    """

    shown = ("downscale_factor",)

    def __init__(self, downscale_factor: Factor) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h * r, w * r) to (N, C * r * r, h, w)."""
        return functional.pixel_unshuffle(input, self.downscale_factor)


@layer("shape")
class ChannelShuffle(PictureLayer):
    """Deals the channels of several groups like cards, so that groups exchange what they know (Zhang et al., 2018).

    >>> nn.ChannelShuffle(2)(engine.arange(4.0).reshape(1, 4, 1, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    shown = ("groups",)

    def __init__(self, groups: Factor) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h, w), the channels in another order."""
        return functional.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The setting."""
        return f"groups={self.groups}"
