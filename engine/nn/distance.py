"""Layers that compare two inputs."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from engine.nn import functional
from engine.nn.module import Module
from engine.nn.settings import checked
from engine.tensor import Tensor


@checked
class CosineSimilarity(Module):
    """The cosine of the angle between vectors: 1 for the same direction, 0 for a right angle.

    >>> nn.CosineSimilarity()(engine.tensor([[1.0, 0.0]]), engine.tensor([[0.0, 2.0]]))
    tensor([0.])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The similarity along `dim`."""
        return functional.cosine_similarity(x1, x2, self.dim, self.eps)


@checked
class PairwiseDistance(Module):
    """The distance between vectors, by the p-norm.

    >>> nn.PairwiseDistance(eps=0.0)(engine.tensor([[3.0, 0.0]]), engine.tensor([[0.0, 4.0]]))
    tensor([5.])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """The distance along the last axis."""
        return functional.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
