"""Layers that put a border around sequences, pictures and volumes."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from engine.errors import ShapeError
from engine.nn import functional
from engine.nn.incoming import expect_picture, per_axis
from engine.nn.module import Between, Module, Shape, layer
from engine.nn.settings import Suggested, checked
from engine.tensor import Tensor

Width = Annotated[int, Between(0, 1024, common=(0, 5)), Suggested(1)]
Signed = Annotated[int, Between(-1024, 1024, common=(0, 5)), Suggested(1)]
Widths = Width | tuple[Width, ...]
Widths2d = Width | tuple[Width, Width, Width, Width]
SignedWidths = Signed | tuple[Signed, ...]
SignedWidths2d = Signed | tuple[Signed, Signed, Signed, Signed]
Filling = Annotated[float, Between(-1e30, 1e30, common=(-1, 1)), Suggested(0.0)]


class Border(Module):
    """Base of the paddings. padding: one width, or (left, right, top, bottom, front, back) as far as there are axes."""

    axes: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Widths) -> None:
        super().__init__()
        self.padding = per_axis(f"{type(self).__name__}(padding)", padding, 2 * self.axes)

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but only pictures have such borders."""
        expect_picture(cls.__name__, shapes)
        return {}

    def forward(self, input: Tensor) -> Tensor:
        """The input with its border."""
        if input.ndim not in (self.axes + 1, self.axes + 2):
            dims = f"{self.axes + 1} dims, or {self.axes + 2} with a batch"
            raise BadDims(type(self).__name__, dims, f"{input.ndim}")
        return functional.pad(input, self.padding, mode=self.mode)

    def extra_repr(self) -> str:
        """The widths."""
        return f"{self.padding}"


class BadDims(ShapeError, ValueError):
    """An input with the wrong number of dims."""


class ConstantBorder(Border):
    """Base of the paddings with one number."""

    mode = "constant"

    def __init__(self, padding: SignedWidths, value: Filling) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The input with its border."""
        return functional.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The widths and the number."""
        return f"padding={self.padding}, value={self.value}"


class ZeroBorder(ConstantBorder):
    """Base of the paddings with zeros."""

    def __init__(self, padding: SignedWidths) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The widths."""
        return f"{self.padding}"


@checked
class ConstantPad1d(ConstantBorder):
    """Puts a number at both ends of sequences; negative widths cut.

    >>> nn.ConstantPad1d((1, 2), 9.0)(engine.ones(1, 2))
    tensor([[9., 1., 1., 9., 9.]])
    """

    axes = 1


@layer("padding")
class ConstantPad2d(ConstantBorder):
    """Puts a border of one number around pictures; negative widths cut.

    >>> nn.ConstantPad2d(1, 9.0)(engine.ones(1, 1, 1))
    tensor([[[9., 9., 9.],
             [9., 1., 9.],
             [9., 9., 9.]]])
    """

    axes = 2

    def __init__(self, padding: SignedWidths2d, value: Filling) -> None:
        super().__init__(padding, value)


@checked
class ConstantPad3d(ConstantBorder):
    """Puts a border of one number around volumes; negative widths cut.

    >>> nn.ConstantPad3d(1, 9.0)(engine.ones(1, 1, 1, 1)).shape
    engine.Size([1, 3, 3, 3])
    """

    axes = 3


@checked
class ZeroPad1d(ZeroBorder):
    """Puts zeros at both ends of sequences.

    >>> nn.ZeroPad1d(1)(engine.ones(1, 2))
    tensor([[0., 1., 1., 0.]])
    """

    axes = 1


@layer("padding")
class ZeroPad2d(ZeroBorder):
    """Puts a border of zeros around pictures.

    >>> nn.ZeroPad2d((1, 0, 0, 0))(engine.ones(1, 1, 1))
    tensor([[[0., 1.]]])
    """

    axes = 2

    def __init__(self, padding: SignedWidths2d) -> None:
        super().__init__(padding)


@checked
class ZeroPad3d(ZeroBorder):
    """Puts a border of zeros around volumes.

    >>> nn.ZeroPad3d(1)(engine.ones(1, 1, 1, 1)).sum()
    tensor(1.)
    """

    axes = 3


class ReflectionBorder(Border):
    """Base of the paddings with a mirror image."""

    mode = "reflect"


class ReplicationBorder(Border):
    """Base of the paddings that repeat the edge."""

    mode = "replicate"


class CircularBorder(Border):
    """Base of the paddings that go on at the other side."""

    mode = "circular"


@checked
class ReflectionPad1d(ReflectionBorder):
    """Continues sequences by their mirror image.

    >>> nn.ReflectionPad1d(1)(engine.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 1., 2., 3., 2.]])
    """

    axes = 1


@layer("padding")
class ReflectionPad2d(ReflectionBorder):
    """Continues pictures by their mirror image.

    >>> nn.ReflectionPad2d((1, 1, 0, 0))(engine.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[2., 1., 2., 3., 2.]]])
    """

    axes = 2

    def __init__(self, padding: Widths2d) -> None:
        super().__init__(padding)


@checked
class ReflectionPad3d(ReflectionBorder):
    """Continues volumes by their mirror image.

    >>> nn.ReflectionPad3d(1)(engine.ones(1, 2, 2, 2)).shape
    engine.Size([1, 4, 4, 4])
    """

    axes = 3


@checked
class ReplicationPad1d(ReplicationBorder):
    """Continues sequences by their first and last number.

    >>> nn.ReplicationPad1d(1)(engine.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 2., 3., 3.]])
    """

    axes = 1


@layer("padding")
class ReplicationPad2d(ReplicationBorder):
    """Continues pictures by their edge.

    >>> nn.ReplicationPad2d((1, 1, 0, 0))(engine.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[1., 1., 2., 3., 3.]]])
    """

    axes = 2

    def __init__(self, padding: Widths2d) -> None:
        super().__init__(padding)


@checked
class ReplicationPad3d(ReplicationBorder):
    """Continues volumes by their edge.

    >>> nn.ReplicationPad3d(1)(engine.ones(1, 2, 2, 2)).shape
    engine.Size([1, 4, 4, 4])
    """

    axes = 3


@checked
class CircularPad1d(CircularBorder):
    """Continues sequences from their other end.

    >>> nn.CircularPad1d(1)(engine.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1.]])
    """

    axes = 1


@layer("padding")
class CircularPad2d(CircularBorder):
    """Continues pictures from their other side, as on a torus.

    >>> nn.CircularPad2d((1, 1, 0, 0))(engine.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[3., 1., 2., 3., 1.]]])
    """

    axes = 2

    def __init__(self, padding: Widths2d) -> None:
        super().__init__(padding)


@checked
class CircularPad3d(CircularBorder):
    """Continues volumes from their other side.

    >>> nn.CircularPad3d(1)(engine.ones(1, 2, 2, 2)).shape
    engine.Size([1, 4, 4, 4])
    """

    axes = 3
