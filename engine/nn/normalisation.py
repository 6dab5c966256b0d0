"""Layers that bring numbers to mean 0 and spread 1."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Annotated, Any

from engine.errors import ArgumentError, ShapeError
from engine.graph import tell
from engine.nn import functional, init
from engine.nn.incoming import expect_one, in_brackets
from engine.nn.module import Between, Inferred, Module, Shape, layer
from engine.nn.parameter import count_up, counter, empty_parameter, filled
from engine.nn.settings import Suggested, checked
from engine.tensor import Tensor

Epsilon = Annotated[float, Between(0, 1, common=(0, 1e-3))]
AboveZero = Annotated[float, Between(1e-300, 1, common=(1e-8, 1e-3))]
Momentum = Annotated[float, Between(0, 1)]


class BatchNorm(Module):
    """Base of the batch norms: statistics over the batch while training, running ones in evaluation."""

    axes: tuple[int, ...] = (1,)
    wanted = ""

    def __init__(
        self,
        num_features: Annotated[int, Inferred],
        eps: AboveZero = 1e-5,
        momentum: Momentum | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        shape = (num_features,)
        self.weight = empty_parameter(shape, device, dtype) if affine else None
        self.bias = empty_parameter(shape, device, dtype) if affine and bias else None
        self.register_buffer("running_mean", filled(shape, 0.0, device, dtype) if track_running_stats else None)
        self.register_buffer("running_var", filled(shape, 1.0, device, dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", counter(device) if track_running_stats else None)
        self.reset_parameters()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """The number of channels or features: the first axis."""
        shape = expect_one(cls.__name__, shapes)
        if len(shape) not in cls.axes:
            raise ShapeError(where=cls.__name__, expected=cls.wanted, got=in_brackets(shape), hint=_other(len(shape)))
        return {"num_features": shape[0]}

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, running mean 0, running variance 1."""
        self.reset_running_stats()
        first_values(self.weight, self.bias)

    def reset_running_stats(self) -> None:
        """Forget what was seen."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """A state that does not count batches leaves the count as it is."""
        if self.num_batches_tracked is not None:
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...) normalised over every axis but C."""
        if input.ndim - 1 not in self.axes:
            got = in_brackets(tuple(input.shape))
            raise ShapeError(where=type(self).__name__, expected=f"a batch of {self.wanted}", got=got)
        of_batch = self.training or self.running_mean is None
        keep = self.training and self.track_running_stats
        factor = self._factor() if keep else 0.0
        mean, var = (self.running_mean, self.running_var) if keep or not of_batch else (None, None)
        return functional.batch_norm(input, mean, var, self.weight, self.bias, of_batch, factor, self.eps)

    def _factor(self) -> float:
        """Count the batch; without a momentum every batch weighs the same."""
        seen = count_up(self.num_batches_tracked)
        if self.momentum is not None:
            return self.momentum
        tell("looked", self.num_batches_tracked, "the number of batches, which weighs them")
        return 1.0 / seen

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


@layer("normalisation")
class BatchNorm1d(BatchNorm):
    """Brings every feature to mean 0 and spread 1 over the batch, then scales and shifts it by learned numbers.

    >>> nn.BatchNorm1d(2)(engine.tensor([[1.0, 5.0], [3.0, 9.0]])).round()
    tensor([[-1., -1.],
            [ 1.,  1.]], grad_fn=<RoundBackward0>)
    """

    axes, wanted = (1, 2), "features [features] or sequences [channels, length]"


@layer("normalisation")
class BatchNorm2d(BatchNorm):
    """Brings every channel of a picture to mean 0 and spread 1 over the batch, then scales and shifts it.

    >>> nn.BatchNorm2d(3)(engine.ones(2, 3, 4, 4)).shape
    engine.Size([2, 3, 4, 4])
    """

    axes, wanted = (3,), "pictures [channels, height, width]"


@checked
class BatchNorm3d(BatchNorm):
    """Brings every channel of a volume to mean 0 and spread 1 over the batch, then scales and shifts it.

    >>> nn.BatchNorm3d(3)(engine.ones(2, 3, 4, 4, 4)).shape
    engine.Size([2, 3, 4, 4, 4])
    """

    axes, wanted = (4,), "volumes [channels, depth, height, width]"


@layer("normalisation")
class LayerNorm(Module):
    """Brings the numbers of each example to mean 0 and spread 1, then scales and shifts them by learned numbers.

    >>> nn.LayerNorm(2, elementwise_affine=False)(engine.tensor([[1.0, 3.0]])).round()
    tensor([[-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: Annotated[int | list[int], Inferred],
        eps: Epsilon = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = normalized_shape if isinstance(normalized_shape, list | tuple) else [normalized_shape]
        self.normalized_shape = tuple(int(n) for n in given)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = empty_parameter(self.normalized_shape, device, dtype) if elementwise_affine else None
        self.bias = empty_parameter(self.normalized_shape, device, dtype) if elementwise_affine and bias else None
        self.reset_parameters()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """All axes of an example."""
        return {"normalized_shape": list(expect_one("LayerNorm", shapes))}

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        first_values(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalised over the last axes."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        affine = self.elementwise_affine
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}, bias={self.bias is not None}"


@layer("normalisation")
class GroupNorm(Module):
    """Brings groups of channels of each example to mean 0 and spread 1, then scales and shifts every channel.

    >>> nn.GroupNorm(2, 6)(engine.ones(1, 6, 4, 4)).shape
    engine.Size([1, 6, 4, 4])
    """

    def __init__(
        self,
        num_groups: Annotated[int, Between(1, 2**31 - 1, common=(1, 16)), Suggested(1)],
        num_channels: Annotated[int, Inferred],
        eps: Epsilon = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ArgumentError(
                where="GroupNorm(num_groups)",
                expected=f"a divisor of the number of channels, {num_channels}",
                got=num_groups,
                hint="Each group gets the same number of channels.",
                field="num_groups",
            )
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = empty_parameter((num_channels,), device, dtype) if affine else None
        self.bias = empty_parameter((num_channels,), device, dtype) if affine and bias else None
        self.reset_parameters()

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """The number of channels: the first axis."""
        return {"num_channels": expect_one("GroupNorm", shapes)[0]}

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        first_values(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, ...) normalised over each group of channels."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        settings = f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
        return f"{settings}, bias={self.bias is not None}"


def first_values(weight: Tensor | None, bias: Tensor | None) -> None:
    """Weight 1 and bias 0: at first nothing is scaled or shifted."""
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


def _other(axes: int) -> str:
    return {1: "Use BatchNorm1d.", 2: "Use BatchNorm1d.", 3: "Use BatchNorm2d."}.get(axes, "")


_BatchNorm = BatchNorm  # the name by which programs for PyTorch ask whether a layer is one
