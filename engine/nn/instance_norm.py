"""Layers that normalise each example by itself: its channels, its size, its neighbours."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

import warnings
from typing import Annotated, Any

from engine.errors import ShapeError
from engine.nn import functional, init
from engine.nn.incoming import expect_one
from engine.nn.module import Between, Inferred, Module, Shape, layer
from engine.nn.normalisation import BatchNorm, Epsilon, Momentum
from engine.nn.parameter import empty_parameter
from engine.nn.settings import checked
from engine.tensor import Tensor


class InstanceNorm(BatchNorm):
    """Base of the instance norms: every channel of every example by itself."""

    def __init__(
        self,
        num_features: Annotated[int, Inferred],
        eps: Epsilon = 1e-5,
        momentum: Momentum | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...) or (C, ...), normalised over every axis but N and C."""
        batch = self.axes[0] + 1
        if input.ndim not in (batch, batch - 1):
            raise BadDims(type(self).__name__, f"{batch - 1} dims, or {batch} with a batch", f"{input.ndim}")
        channels = input.shape[input.ndim - batch + 1]
        if channels != self.num_features:
            text = f"input's channels ({channels}) should be num_features ({self.num_features})"
            if self.affine:
                raise BadDims(type(self).__name__, text, channels)
            warnings.warn(f"{text}; without affine that changes nothing", stacklevel=3)
        x = input if input.ndim == batch else input.unsqueeze(0)
        own = self.training or not self.track_running_stats
        statistics = self.running_mean, self.running_var, self.weight, self.bias
        factor = 0.0 if self.momentum is None else self.momentum
        y = functional.instance_norm(x, *statistics, own, factor, self.eps)
        return y if input.ndim == batch else y.squeeze(0)


class BadDims(ShapeError, ValueError):
    """An input with the wrong number of dims or channels."""


@checked
class InstanceNorm1d(InstanceNorm):
    """Brings every channel of every sequence to mean 0 and spread 1.

    >>> nn.InstanceNorm1d(1)(engine.tensor([[[1.0, 3.0]]])).round()
    tensor([[[-1.,  1.]]])
    """

    axes, wanted = (2,), "sequences [channels, length]"


@layer("normalisation")
class InstanceNorm2d(InstanceNorm):
    """Brings every channel of every picture to mean 0 and spread 1, by itself (Ulyanov et al., 2016).

    >>> nn.InstanceNorm2d(3)(engine.ones(2, 3, 4, 4)).shape
    engine.Size([2, 3, 4, 4])
    """

    axes, wanted = (3,), "pictures [channels, height, width]"


@checked
class InstanceNorm3d(InstanceNorm):
    """Brings every channel of every volume to mean 0 and spread 1.

    >>> nn.InstanceNorm3d(3)(engine.ones(2, 3, 4, 4, 4)).shape
    engine.Size([2, 3, 4, 4, 4])
    """

    axes, wanted = (4,), "volumes [channels, depth, height, width]"


@layer("normalisation")
class RMSNorm(Module):
    """Divides the numbers of each example by their root mean square, then scales them (Zhang and Sennrich, 2019).

    >>> nn.RMSNorm(2, elementwise_affine=False)(engine.tensor([[3.0, 3.0]])).round()
    tensor([[1., 1.]])
    """

    def __init__(
        self,
        normalized_shape: Annotated[int | list[int], Inferred],
        eps: Epsilon | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = normalized_shape if isinstance(normalized_shape, list | tuple) else [normalized_shape]
        self.normalized_shape = tuple(int(n) for n in given)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = empty_parameter(self.normalized_shape, device, dtype) if elementwise_affine else None
        self.reset_parameters()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """All axes of an example."""
        return {"normalized_shape": list(expect_one("RMSNorm", shapes))}

    def reset_parameters(self) -> None:
        """Weight 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Normalised over the last axes."""
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


@layer("normalisation")
class LocalResponseNorm(Module):
    """Divides each number by the energy of the neighbouring channels, as AlexNet did (Krizhevsky et al., 2012).

    >>> nn.LocalResponseNorm(2)(engine.ones(1, 3, 2, 2)).shape
    engine.Size([1, 3, 2, 2])
    """

    def __init__(
        self,
        size: Annotated[int, Between(1, 1024, common=(1, 9))],
        alpha: Annotated[float, Between(0, 1e6, common=(0, 1))] = 1e-4,
        beta: Annotated[float, Between(-100, 100, common=(0, 2))] = 0.75,
        k: Annotated[float, Between(0, 1e6, common=(0, 5))] = 1.0,
    ) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...), divided by (k + alpha / size * sum of squares)**beta."""
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
