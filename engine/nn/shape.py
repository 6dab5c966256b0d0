"""Layers that only change the shape."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine.nn import functional
from engine.nn.module import Between, Module, layer
from engine.nn.settings import Suggested, checked
from engine.tensor import Tensor

Axis = Annotated[int, Between(-8, 8, common=(1, 3))]


@layer("shape")
class Flatten(Module):
    """Lays all axes of an example, or some of them, end to end.

    >>> nn.Flatten()(engine.ones(5, 2, 3)).shape
    engine.Size([5, 6])
    """

    def __init__(self, start_dim: Axis = 1, end_dim: Axis = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """(N, a, b, ...) to (N, a * b * ...)."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The settings."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


@layer("shape")
class Unflatten(Module):
    """Folds one axis into several, for instance a row of numbers into a picture.

    >>> nn.Unflatten(1, (2, 3))(engine.ones(5, 6)).shape
    engine.Size([5, 2, 3])
    """

    def __init__(
        self,
        dim: Annotated[int, Between(-8, 8, common=(1, 3)), Suggested(1)],
        unflattened_size: list[Annotated[int, Between(-1, 2**31 - 1)]],
    ) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(int(n) for n in unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """(N, a * b) to (N, a, b)."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The settings."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Sliding(Module):
    """Base of Fold and Unfold: the settings of the windows."""

    def _prepare(self, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def extra_repr(self) -> str:
        """The settings."""
        names = ("output_size", "kernel_size", "dilation", "padding", "stride")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names if hasattr(self, name))


@checked
class Unfold(Sliding):
    """Lays the windows of pictures side by side: (N, C, h, w) to (N, C * window, number of windows).

    >>> nn.Unfold(kernel_size=2)(engine.ones(1, 3, 4, 4)).shape
    engine.Size([1, 12, 9])
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self._prepare(kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """The windows as columns."""
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


@checked
class Fold(Sliding):
    """Adds windows up to pictures: the way back of Unfold, where overlaps are summed.

    >>> nn.Fold(output_size=(4, 4), kernel_size=2)(engine.ones(1, 12, 9)).shape
    engine.Size([1, 3, 4, 4])
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        self._prepare(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """The columns as pictures."""
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
