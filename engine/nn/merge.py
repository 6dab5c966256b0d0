"""Layers with several inputs."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine import functions
from engine.errors import ArgumentError, ShapeError
from engine.nn.incoming import in_brackets
from engine.nn.module import Between, Module, Shape, layer
from engine.tensor import Tensor


@layer("merge")
class Add(Module):
    """Adds its inputs, number by number.

    >>> nn.Add()(engine.ones(2), engine.ones(2))
    tensor([2., 2.])
    """

    arity = "many"

    def __init__(self) -> None:
        super().__init__()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but all inputs must have the same shape."""
        _at_least_two("Add", shapes)
        for shape in shapes[1:]:
            if shape != shapes[0]:
                raise ShapeError(
                    where="Add",
                    expected=f"inputs of one shape, {in_brackets(shapes[0])}",
                    got=in_brackets(shape),
                    hint=MATCH,
                )
        return {}

    def forward(self, *inputs: Tensor) -> Tensor:
        """The sum."""
        total = inputs[0]
        for other in inputs[1:]:
            total = total.add(other)
        return total


@layer("merge")
class Concatenate(Module):
    """Lays its inputs side by side along one axis.

    >>> nn.Concatenate()(engine.ones(1, 2), engine.zeros(1, 1))
    tensor([[1., 1., 0.]])
    """

    arity = "many"

    def __init__(self, dim: Annotated[int, Between(-8, 8, common=(1, 3))] = 1) -> None:
        super().__init__()
        self.dim = dim

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but all inputs must have the same number of axes."""
        _at_least_two("Concatenate", shapes)
        for shape in shapes[1:]:
            if len(shape) != len(shapes[0]):
                expected = f"inputs with as many axes as {in_brackets(shapes[0])}"
                raise ShapeError(where="Concatenate", expected=expected, got=in_brackets(shape), hint=MATCH)
        return {}

    def forward(self, *inputs: Tensor) -> Tensor:
        """The inputs, joined along `dim` (the batch is axis 0)."""
        if self.dim == 0 or self.dim == -inputs[0].ndim:
            raise ArgumentError(
                "Concatenate(dim)",
                "an axis of the examples, 1 or more",
                self.dim,
                "Axis 0 counts the examples.",
                field="dim",
            )
        return functions.cat(list(inputs), self.dim)

    def extra_repr(self) -> str:
        """The settings."""
        return f"dim={self.dim}"


MATCH = "Change one of the branches so that the shapes match."


def _at_least_two(where: str, shapes: tuple[Shape, ...]) -> None:
    if len(shapes) < 2:
        raise ArgumentError(
            where=where, expected="two inputs or more", got=len(shapes), hint="Connect another layer to it."
        )
