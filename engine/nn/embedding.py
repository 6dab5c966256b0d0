"""Layers that look vectors up by number."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Any, Literal, Self

from engine.errors import ArgumentError, Unsupported
from engine.nn import functional, init
from engine.nn.linear import Width
from engine.nn.module import Module
from engine.nn.parameter import Parameter, empty_parameter
from engine.nn.settings import checked
from engine.tensor import Tensor


class Table(Module):
    """Base of the embeddings: a table of vectors, one row for each number."""

    def _prepare(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Tensor | None,
        freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        if sparse:
            raise Unsupported(f"{where}(sparse=True)", hint="This engine has no sparse gradients; leave it out.")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise BadPadding(where, "a padding_idx within num_embeddings", padding_idx, field="padding_idx")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse = (
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
        )
        if weight is None:
            self.weight = empty_parameter((num_embeddings, embedding_dim), device, dtype)
            self.weight.requires_grad = not freeze
            self.reset_parameters()
        else:
            if tuple(weight.shape) != (num_embeddings, embedding_dim):
                raise BadPadding(where, f"a weight of shape {[num_embeddings, embedding_dim]}", list(weight.shape))
            self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw first values from the normal distribution; the row of the padding is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **settings: Any) -> Self:
        """A layer with given vectors (num_embeddings, embedding_dim), which training leaves alone if `freeze`."""
        if embeddings.ndim != 2:
            raise ArgumentError(
                f"{cls.__name__}.from_pretrained", "2-dimensional embeddings", f"{embeddings.ndim} dims"
            )
        build: Any = cls
        made: Self = build(*embeddings.shape, _weight=embeddings, **settings)
        made.weight.requires_grad = not freeze
        return made

    def _settings(self, usual: dict[str, Any]) -> str:
        given = {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}
        return f"{self.num_embeddings}, {self.embedding_dim}" + "".join(f", {n}={v}" for n, v in given.items())


class BadPadding(ArgumentError, AssertionError):
    """A row that the table does not have."""


@checked
class Embedding(Table):
    """A table of vectors that are looked up by whole numbers, such as words.

    >>> nn.Embedding(10, 3)(engine.tensor([[1, 2], [4, 5]])).shape
    engine.Size([2, 2, 3])
    """

    def __init__(
        self,
        num_embeddings: Width,
        embedding_dim: Width,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        settings = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        self._prepare(num_embeddings, embedding_dim, *settings, _weight, _freeze, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Whole numbers (*) to vectors (*, embedding_dim)."""
        settings = self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        return functional.embedding(input, self.weight, *settings)

    def extra_repr(self) -> str:
        """The settings that differ from the usual ones."""
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        return self._settings(usual)


@checked
class EmbeddingBag(Table):
    """Sums, means or maxima of bags of vectors that are looked up by whole numbers.

    >>> nn.EmbeddingBag(10, 3, mode="sum")(engine.tensor([[1, 2], [4, 5]])).shape
    engine.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: Width,
        embedding_dim: Width,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Literal["sum", "mean", "max"] = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        settings = padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
        self._prepare(num_embeddings, embedding_dim, *settings, _weight, False, device, dtype)
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Bags: the rows of `input` (N, L), or parts of one long row that begin at `offsets`."""
        settings = self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse
        rest = per_sample_weights, self.include_last_offset, self.padding_idx
        return functional.embedding_bag(input, self.weight, offsets, *settings, *rest)

    def extra_repr(self) -> str:
        """The settings that differ from the usual ones, and the mode."""
        usual = {"max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        return f"{self._settings({**usual, 'padding_idx': None})}, mode={self.mode!r}"
