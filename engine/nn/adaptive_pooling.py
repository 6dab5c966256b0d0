"""Layers that pool to a given size, that pool at random, and that undo a pooling."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine.errors import ArgumentError
from engine.nn import functional
from engine.nn.incoming import per_axis
from engine.nn.module import Between, layer
from engine.nn.pooling import AnyBorders, AnyOutput, AnySteps, AnyWindow, Indices, OutputSides, Pool
from engine.nn.settings import checked
from engine.tensor import Tensor

Ratio = Annotated[float, Between(0, 1, open_end=True)]


class AdaptiveAvgPool(Pool):
    """Base of the layers that take means over windows chosen for an output size."""

    shown = ("output_size",)

    def __init__(self, output_size: AnyOutput) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...) to (N, C, *output_size)."""
        pool = getattr(functional, f"adaptive_avg_pool{self.axes}d")
        return pool(input, self.output_size)


@checked
class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """Takes means over windows of a sequence, so that the output has a given length.

    >>> nn.AdaptiveAvgPool1d(2)(engine.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    axes = 1


@layer("pooling")
class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """Takes means over windows that are chosen so that the output has a given size.

    >>> nn.AdaptiveAvgPool2d(1)(engine.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    tensor([[[1.5000]]])
    """

    axes = 2

    def __init__(self, output_size: OutputSides) -> None:
        super().__init__(output_size)


@checked
class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """Takes means over windows of a volume, so that the output has a given size.

    >>> nn.AdaptiveAvgPool3d(1)(engine.ones(2, 4, 4, 4)).shape
    engine.Size([2, 1, 1, 1])
    """

    axes = 3


class AdaptiveMaxPool(Pool):
    """Base of the layers that keep the largest number of windows chosen for an output size."""

    shown = ("output_size",)

    def __init__(self, output_size: AnyOutput, return_indices: Indices = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        """The largest numbers; with `return_indices` also where they were."""
        pool = getattr(functional, f"adaptive_max_pool{self.axes}d")
        return pool(input, self.output_size, self.return_indices)


@checked
class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """Keeps the largest number of windows of a sequence, so that the output has a given length.

    >>> nn.AdaptiveMaxPool1d(2)(engine.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    axes = 1


@layer("pooling")
class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """Keeps the largest number of windows that are chosen so that the output has a given size.

    >>> nn.AdaptiveMaxPool2d(1)(engine.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    tensor([[[3.]]])
    """

    axes = 2

    def __init__(self, output_size: OutputSides, return_indices: Indices = False) -> None:
        super().__init__(output_size, return_indices)


@checked
class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """Keeps the largest number of windows of a volume, so that the output has a given size.

    >>> nn.AdaptiveMaxPool3d(1)(engine.ones(2, 4, 4, 4)).shape
    engine.Size([2, 1, 1, 1])
    """

    axes = 3


class MaxUnpool(Pool):
    """Base of the layers that put numbers back where a max pooling found them."""

    def __init__(self, kernel_size: AnyWindow, stride: AnySteps | None = None, padding: AnyBorders = 0) -> None:
        super().__init__()
        kind = type(self).__name__
        self.kernel_size, self.padding = per_axis(kind, kernel_size, self.axes), per_axis(kind, padding, self.axes)
        self.stride = self.kernel_size if stride is None else per_axis(kind, stride, self.axes)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """The numbers at their places, 0 elsewhere."""
        unpool = getattr(functional, f"max_unpool{self.axes}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


@checked
class MaxUnpool1d(MaxUnpool):
    """Puts numbers back where MaxPool1d found them, with 0 elsewhere.

    >>> largest, places = nn.MaxPool1d(2, return_indices=True)(engine.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> nn.MaxUnpool1d(2)(largest, places)
    tensor([[0., 3., 2., 0.]])
    """

    axes = 1


@checked
class MaxUnpool2d(MaxUnpool):
    """Puts numbers back where MaxPool2d found them, with 0 elsewhere.

    >>> largest, places = nn.MaxPool2d(2, return_indices=True)(engine.tensor([[[1.0, 3.0], [2.0, 0.0]]]))
    >>> nn.MaxUnpool2d(2)(largest, places)
    tensor([[[0., 3.],
             [0., 0.]]])
    """

    axes = 2


@checked
class MaxUnpool3d(MaxUnpool):
    """Puts numbers back where MaxPool3d found them, with 0 elsewhere.

    >>> largest, places = nn.MaxPool3d(2, return_indices=True)(engine.ones(1, 2, 2, 2))
    >>> nn.MaxUnpool3d(2)(largest, places).sum()
    tensor(1.)
    """

    axes = 3


class FractionalMaxPool(Pool):
    """Base of the layers that pool over windows at random places."""

    shown = ()

    def __init__(
        self,
        kernel_size: AnyWindow,
        output_size: AnyOutput = None,
        output_ratio: Ratio | tuple[Ratio, ...] | None = None,
        return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(kind, "either an output_size or an output_ratio", "both" if output_size else "neither")
        self.kernel_size = per_axis(kind, kernel_size, self.axes)
        self.output_size = None if output_size is None else per_axis(kind, output_size, self.axes)
        ratios: Any = output_ratio if isinstance(output_ratio, tuple | list) else (output_ratio,) * self.axes
        self.output_ratio = None if output_ratio is None else tuple(ratios)
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ArgumentError(f"{kind}(output_ratio)", "numbers between 0 and 1", output_ratio)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        """The largest numbers; with `return_indices` also where they were."""
        pool = getattr(functional, f"fractional_max_pool{self.axes}d")
        return pool(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


@checked
class FractionalMaxPool2d(FractionalMaxPool):
    """Keeps the largest number of windows at random places (Graham, 2014, "Fractional Max-Pooling").

    >>> nn.FractionalMaxPool2d(2, output_size=3)(engine.ones(1, 1, 7, 7)).shape
    engine.Size([1, 1, 3, 3])
    """

    axes = 2


@checked
class FractionalMaxPool3d(FractionalMaxPool):
    """Keeps the largest number of windows at random places in a volume.

    >>> nn.FractionalMaxPool3d(2, output_size=2)(engine.ones(1, 1, 5, 5, 5)).shape
    engine.Size([1, 1, 2, 2, 2])
    """

    axes = 3
