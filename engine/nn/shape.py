"""Layers that only change the shape."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated

from engine.nn.module import Between, Module, layer
from engine.nn.settings import Suggested
from engine.tensor import Tensor

Axis = Annotated[int, Between(-8, 8, common=(1, 3))]


@layer("shape")
class Flatten(Module):
    """Lays all axes of an example, or some of them, end to end."""

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
    """Folds one axis into several, for instance a row of numbers into a picture."""

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
