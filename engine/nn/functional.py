"""The layers and losses as functions, under PyTorch's names: `import engine.nn.functional as F`.

Each is a call of the operation of the same name; what is written here is the signature.
"""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from engine.rng import Generator
from engine.tensor import Tensor

Approximation = Literal["none", "tanh"]
Size = int | Sequence[int]


# ------------------------------------------------------------------------------------------ linear, convolution
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias."""
    return input.linear(weight) if bias is None else input.linear(weight, bias)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Filters (out, in / groups, k) slid over sequences (N, in, length)."""
    return input.conv1d(weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Filters (out, in / groups, kh, kw) slid over pictures (N, in, h, w)."""
    return input.conv2d(weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Every pixel stamps its filter onto a larger picture; filters (in, out / groups, kh, kw)."""
    return input.conv_transpose2d(weight, bias, stride, padding, output_padding, groups, dilation)


# ------------------------------------------------------------------------------------------------------ pooling
def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The largest number of each window."""
    return input.max_pool2d(kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window."""
    return input.avg_pool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over windows that are chosen so that the output has a given size."""
    return input.adaptive_avg_pool2d(output_size)


# ------------------------------------------------------------------------------------------------ normalisation
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Channels at mean 0 and spread 1: by the batch while training, which updates the running statistics."""
    return input.batch_norm(running_mean, running_var, weight, bias, training, momentum, eps)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last axes of each example at mean 0 and spread 1."""
    return input.layer_norm(tuple(normalized_shape), weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Groups of channels of each example at mean 0 and spread 1."""
    return input.group_norm(num_groups, weight, bias, eps)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Vectors along `dim` at length 1."""
    return input / input.norm(p, dim, True).clamp(min=eps)


# ------------------------------------------------------------------------------------------------------ dropout
def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Numbers set to 0 with probability p while training, the rest scaled up."""
    return input.dropout(p, training, generator=generator)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Whole channels of pictures (N, C, h, w) set to 0 with probability p while training, the rest scaled up."""
    if not training or p == 0:
        return input
    channels = (*input.shape[:-2], 1, 1)
    return input * input.new_ones(channels).dropout(p, True, generator=generator)


# -------------------------------------------------------------------------------------------------- activations
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x)."""
    return input.relu()


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x, or negative_slope * x where x is negative."""
    return input.leaky_relu(negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x, or weight * x where x is negative."""
    return input.prelu(weight)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x, or alpha * (e**x - 1) where x is negative."""
    return input.elu(alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x, or alpha * (e**(x / alpha) - 1) where x is negative."""
    return input.mul(1.0 / alpha).elu().mul(alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The ELU that keeps mean 0 and spread 1."""
    return input.selu()


def gelu(input: Tensor, approximate: Approximation = "none") -> Tensor:
    """x times the chance that a normal number is below x."""
    return input.gelu(approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    return input.silu()


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x))."""
    return input.mish()


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e**(beta * x)) / beta, linear above the threshold."""
    return input.softplus(beta, threshold)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return input.softsign()


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, held between two levels."""
    return input.hardtanh(min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6)."""
    return input.relu6()


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """(x + 3) / 6, held between 0 and 1."""
    return input.hardsigmoid()


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x)."""
    return input.hardswish()


def logsigmoid(input: Tensor) -> Tensor:
    """ln(sigmoid(x))."""
    return input.logsigmoid()


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input.tanhshrink()


def tanh(input: Tensor) -> Tensor:
    """tanh(x)."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e**-x)."""
    return input.sigmoid()


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of an axis times the sigmoid of the second."""
    return input.glu(dim)


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """e**x over its sum along an axis."""
    return input.softmax(dim, dtype)


def softmin(input: Tensor, dim: int | None = None) -> Tensor:
    """softmax(-x)."""
    return input.softmin(dim)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """ln(softmax(x))."""
    return input.log_softmax(dim, dtype)


# ------------------------------------------------------------------------------------------------------- losses
def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target)**2."""
    return input.mse_loss(target, reduction)


def half_mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(input - target)**2 / 2."""
    return input.half_mse_loss(target, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """|input - target|."""
    return input.l1_loss(target, reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d**2 / (2 * beta) for |d| up to beta, else |d| - beta / 2."""
    return input.smooth_l1_loss(target, reduction, beta)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """d**2 / 2 for |d| up to delta, else delta * (|d| - delta / 2)."""
    return input.huber_loss(target, reduction, delta)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The surprise at the right class, for scores (N, classes, ...); targets are indices or probabilities."""
    return input.cross_entropy(target, weight, ignore_index, reduction, label_smoothing)


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """The surprise at the right class, for logarithms of probabilities (N, classes, ...)."""
    return input.nll_loss(target, weight, ignore_index, reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """The surprise at yes or no, for probabilities."""
    return input.binary_cross_entropy(target, weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The surprise at yes or no, for scores before the sigmoid."""
    return input.binary_cross_entropy_with_logits(target, weight, reduction, pos_weight)


# -------------------------------------------------------------------------------------------------------- other
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class indices as rows with a single 1."""
    return tensor.one_hot(num_classes)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """A border around the last axes: (left, right, top, bottom, ...)."""
    return input.pad(pad, mode, value)


def embedding(input: Tensor, weight: Any) -> Any:
    """The rows of `weight` that the whole numbers of `input` name."""
    return weight[input]
