"""Layers that switch numbers off at random while training."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine.errors import ShapeError
from engine.nn import functional
from engine.nn.incoming import expect_one, in_brackets
from engine.nn.module import Between, Module, Shape, layer
from engine.nn.settings import checked
from engine.rng import Generator
from engine.tensor import Tensor

Share = Annotated[float, Between(0, 1, common=(0, 0.9))]


class RandomLayer(Module):
    """Base of the dropout layers. `generator` is where masks come from; None stands for the global one."""

    def __init__(self, p: Share = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p, self.inplace = p, inplace
        self.generator: Generator | None = None

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, inplace={self.inplace}"


@layer("dropout")
class Dropout(RandomLayer):
    """While training, sets each number to 0 with probability p and scales the rest up; does nothing in evaluation.

    >>> nn.Dropout(0.5).eval()(engine.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape."""
        return functional.dropout(input, self.p, self.training, generator=self.generator)


@checked
class Dropout1d(RandomLayer):
    """While training, sets whole channels of sequences to 0 with probability p and scales the rest up.

    >>> nn.Dropout1d(1.0)(engine.ones(1, 2, 3)).sum()
    tensor(0.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, length)."""
        return functional.dropout1d(input, self.p, self.training)


@layer("dropout")
class Dropout2d(RandomLayer):
    """While training, sets whole channels to 0 with probability p and scales the rest up.

    >>> nn.Dropout2d(1.0)(engine.ones(1, 2, 3, 3)).sum()
    tensor(0.)
    """

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Nothing; but only pictures have channels."""
        shape = expect_one("Dropout2d", shapes)
        if len(shape) != 3:
            expected = "a picture [channels, height, width]"
            raise ShapeError(where="Dropout2d", expected=expected, got=in_brackets(shape), hint="Use Dropout here.")
        return {}

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, h, w)."""
        return functional.dropout2d(input, self.p, self.training, generator=self.generator)


@checked
class Dropout3d(RandomLayer):
    """While training, sets whole channels of volumes to 0 with probability p and scales the rest up.

    >>> nn.Dropout3d(1.0)(engine.ones(1, 2, 3, 3, 3)).sum()
    tensor(0.)
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, d, h, w)."""
        return functional.dropout3d(input, self.p, self.training)


@layer("dropout")
class AlphaDropout(RandomLayer):
    """Dropout for SELU networks: keeps mean 0 and spread 1 (Klambauer et al., 2017).

    >>> nn.AlphaDropout(0.5).eval()(engine.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape."""
        return functional.alpha_dropout(input, self.p, self.training)


@checked
class FeatureAlphaDropout(RandomLayer):
    """Alpha dropout of whole channels.

    >>> nn.FeatureAlphaDropout(0.5).eval()(engine.ones(1, 2, 1)).shape
    engine.Size([1, 2, 1])
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...)."""
        return functional.feature_alpha_dropout(input, self.p, self.training)
