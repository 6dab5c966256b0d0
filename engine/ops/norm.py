"""Normalisation: numbers brought to mean 0 and variance 1 along some axes, then scaled and shifted, in one op.

With m the mean and v the (biased) variance along `dims`: y = w (x - m) / sqrt(v + eps) + b. `moments` holds m and v;
they are functions of x and are given only so that they are computed once: the rules take their part in the gradient
into account.
"""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Op, Rule, function, reduced, words

Axes = tuple[int, ...]
SPACING = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
"""The distance from 1 to the next number."""


class Moments(Op):
    """Mean and biased variance along `dims` (or 0 and the mean square), stacked: (2, *kept shape)."""

    latex, promotion = r"(\mu, \sigma^2)({0})", "none"

    @staticmethod
    def forward(xp: Any, x: Any, *, dims: Axes, centred: bool = True) -> Any:
        kind = xp.float64 if x.dtype == xp.float64 else xp.float32
        found = xp.zeros((2, *reduced(x.shape, dims, True)), kind)
        x = x.astype(kind, copy=False)
        if centred:
            found[0] = x.mean(axis=dims, keepdims=True)
            x = x - found[0]
        found[1] = (x * x).mean(axis=dims, keepdims=True)
        return found

    @staticmethod
    def infer(x: Any, *, dims: Axes, centred: bool = True) -> Abstract:
        return Abstract((2, *reduced(x.shape, dims, True)), x.dtype)


class Standardize(Op):
    """(x - mean) / sqrt(variance + eps) along `dims`, times a weight, plus a bias; (0, mean square) for RMS norms."""

    latex, promotion = r"\frac{{{0} - \mu}}{{\sqrt{{\sigma^2 + \epsilon}}}}\,w + b", "none"

    @staticmethod
    def forward(
        xp: Any, x: Any, moments: Any, weight: Any = None, bias: Any = None, *, dims: Axes, eps: float, centred: bool
    ) -> Any:
        scale = 1 / xp.sqrt(moments[1] + eps)
        y = x - moments[0] if centred else x.astype(moments.dtype)
        y *= scale
        if weight is not None:
            y *= weight
        if bias is not None:
            y += bias
        return y.astype(x.dtype, copy=False)

    @staticmethod
    def infer(x: Any, moments: Any, weight: Any = None, bias: Any = None, **attrs: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, moments: Any, weight: Any = None, __: Any = None, **attrs: Any) -> Rule:
        return (
            lambda: g.standardize_backward(x, moments, *(() if weight is None else (weight,)), **attrs),
            None,
            lambda: g * x.standardize(moments, **attrs),
            g,
        )


class StandardizeBackward(Op):
    """The gradient by x: the part of w g that changes neither mean nor variance, over the standard deviation.

    With u the standardised x, r = 1 / sqrt(v + eps) and m(.) the mean along `dims`: r (w g - m(w g) - u m(w g u)).
    """

    latex, promotion = r"\operatorname{{standardize}}'({0}, {1})", "none"

    @staticmethod
    def forward(
        xp: Any, g: Any, x: Any, moments: Any, weight: Any = None, *, dims: Axes, eps: float, centred: bool
    ) -> Any:
        wg = g if weight is None else g * weight
        r = 1 / xp.sqrt(moments[1] + eps)
        u = (x - moments[0] if centred else x) * r
        u *= -(wg * u).mean(axis=dims, keepdims=True)
        u += wg
        if centred:
            u -= wg.mean(axis=dims, keepdims=True)
        u *= r
        return u.astype(x.dtype, copy=False)

    @staticmethod
    def infer(g: Any, x: Any, moments: Any, weight: Any = None, **attrs: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, x: Any, moments: Any, weight: Any = None, **attrs: Any) -> Rule:
        """Linear and self-adjoint in w g; through x by the chain rule over u and r."""

        return (
            lambda: _times(h.standardize_backward(x, moments, **attrs), weight),
            lambda: _bent(h, g if weight is None else g * weight, x, moments, **attrs),
            None,
            lambda: g * h.standardize_backward(x, moments, **attrs),
        )


def _times(y: Any, weight: Any) -> Any:
    return y if weight is None else y * weight


def _bent(h: Any, wg: Any, x: Any, moments: Any, dims: Axes, eps: float, centred: bool) -> Any:
    """The slope along x of the sum of h times StandardizeBackward."""
    u = x.standardize(moments, dims=dims, eps=eps, centred=centred)
    spread = x.var(dims, keepdim=True, correction=0) if centred else (x * x).mean(dims, True)
    r = (spread + eps).rsqrt()
    hu, gu = (h * u).mean(dims, True), (wg * u).mean(dims, True)
    common = (h * wg).mean(dims, True) - hu * gu
    if centred:
        common = common - h.mean(dims, True) * wg.mean(dims, True)
    bent = (h * gu + wg * hu).standardize_backward(x, moments, dims=dims, eps=eps, centred=centred)
    return -(bent + u * r * common) * r


@function
def standardized(
    x: Any, dims: Axes, eps: float, weight: Any = None, bias: Any = None, centred: bool = True, moments: Any = None
) -> Any:
    """x standardised along axes, times a weight, plus a bias (which broadcast to x).

    >>> engine.tensor([[1.0, 3.0]]).standardized((1,), 0.0)
    tensor([[-1.,  1.]])
    """
    if moments is None:
        moments = x.detach().moments(dims=dims, centred=centred)
    if weight is None and bias is not None:
        return x.standardize(moments, dims=dims, eps=eps, centred=centred) + bias
    given = [p for p in (weight, bias) if p is not None]
    return x.standardize(moments, *given, dims=dims, eps=eps, centred=centred)


# ------------------------------------------------------------------------------------------- PyTorch's functions
def _column(x: Any, p: Any) -> Any:
    """One number per channel, in the shape that broadcasts along axis 1."""
    return None if p is None else p.reshape((1, -1) + (1,) * (x.ndim - 2))


@function
def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel (axis 1) normalised over the batch, or by the running figures outside of training.

    In training the running figures move towards the batch's by `momentum` (in place; the variance is the unbiased one).
    S. Ioffe, C. Szegedy, 2015.

    >>> F.batch_norm(engine.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if eps <= 0:
        raise ArgumentError("batch_norm", "an eps above 0", eps)
    if not input.numel():
        return input * 1
    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training and running_mean is not None and running_var is not None:
        scale = (running_var + eps).rsqrt()
        scale = scale if weight is None else scale * weight
        shift = running_mean * scale
        shift = -shift if bias is None else bias - shift
        return (input * _column(input, scale) + _column(input, shift)).to(input.dtype)
    dims = (0, *range(2, input.ndim))
    count = math.prod(input.shape[d] for d in dims)
    if training and count <= 1:
        hint = "Train with a larger batch, or switch to evaluation: model.eval()."
        raise ArgumentError("batch_norm", "more than 1 value per channel when training", words(input.shape), hint)
    moments = input.detach().moments(dims=dims)
    if training:
        _update(running_mean, moments[0], 1.0, momentum)
        _update(running_var, moments[1], count / max(count - 1, 1), momentum)
    return input.standardized(dims, eps, _column(input, weight), _column(input, bias), moments=moments)


def _update(running: Any, found: Any, factor: float, momentum: float) -> None:
    """A running figure moves towards what was found."""
    if running is not None:
        seen = found.flatten().to(running.dtype)
        running.copy_(running.detach() * (1 - momentum) + seen * (momentum * factor))


def _check_channels(where: str, x: Any, **figures: Any) -> None:
    if x.ndim < 2:
        raise ShapeError(where, "an input with at least 2 dims", words(x.shape))
    for name, figure in figures.items():
        if figure is not None and tuple(figure.shape) != (x.shape[1],):
            raise ShapeError(where, f"a {name} of shape {words((x.shape[1],))}", words(figure.shape))


@function
def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of each example normalised by itself (or by the running figures).

    D. Ulyanov, A. Vedaldi, V. Lempitsky, 2016.

    >>> F.instance_norm(engine.tensor([[[1.0, 3.0]]]), eps=0.0)
    tensor([[[-1.,  1.]]])
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _check_channels("instance_norm", input, weight=weight, bias=bias)
    dims = tuple(range(2, input.ndim))
    count = math.prod(input.shape[2:])
    if count <= 1:
        hint = "Each channel of each example is normalised by itself."
        raise ArgumentError("instance_norm", "more than 1 spatial element when training", words(input.shape), hint)
    moments = input.detach().moments(dims=dims)
    _update(running_mean, moments[0].mean(0), 1.0, momentum)
    _update(running_var, moments[1].mean(0), count / (count - 1), momentum)
    return input.standardized(dims, eps, _column(input, weight), _column(input, bias), moments=moments)


def _last_axes(where: str, input: Any, normalized_shape: Any, *figures: Any) -> Axes:
    shape: Shape = tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    if not shape or tuple(input.shape[max(input.ndim - len(shape), 0) :]) != shape:
        raise ShapeError(where, f"an input that ends in {words(shape)}, at least one axis", words(input.shape))
    for figure in figures:
        if figure is not None and tuple(figure.shape) != shape:
            raise ShapeError(where, f"weight and bias of shape {words(shape)}", words(figure.shape))
    return tuple(range(input.ndim - len(shape), input.ndim))


@function
def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Every example normalised over its last axes, which must have the shape `normalized_shape`.

    J. L. Ba, J. R. Kiros, G. E. Hinton, 2016.

    >>> F.layer_norm(engine.tensor([1.0, 3.0]), (2,), eps=0.0)
    tensor([-1.,  1.])
    """
    dims = _last_axes("layer_norm", input, normalized_shape, weight, bias)
    return input.standardized(dims, eps, weight, bias)


@function
def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Every example divided by the root of its mean square over the last axes. B. Zhang, R. Sennrich, 2019.

    >>> F.rms_norm(engine.tensor([1.0, 7.0]), (2,))
    tensor([0.2000, 1.4000])
    """
    dims = _last_axes("rms_norm", input, normalized_shape, weight)
    eps = SPACING.get(input.dtype.name, 2.0**-23) if eps is None else eps
    return input.standardized(dims, eps, weight, centred=False)


@function
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The channels in groups, each example's group normalised. Y. Wu, K. He, 2018.

    >>> F.group_norm(engine.tensor([[1.0, 3.0, 5.0, 9.0]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    _check_channels("group_norm", input, weight=weight, bias=bias)
    n, channels = input.shape[:2]
    if num_groups < 1 or channels % num_groups:
        raise ShapeError("group_norm", f"a number of groups that divides {channels} channels", num_groups)
    space = math.prod(input.shape[2:])
    if n * channels // num_groups * space == 1:
        raise ArgumentError("group_norm", "more than 1 value per group when training", words(input.shape))
    grouped = input.reshape((n, num_groups, channels // num_groups, space))
    column = (1, num_groups, channels // num_groups, 1)
    shaped = [None if p is None else p.reshape(column) for p in (weight, bias)]
    return grouped.standardized((2, 3), eps, *shaped).reshape(input.shape)


@function
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """Every number divided by (k + alpha * the mean square of `size` neighbouring channels) ** beta.

    A. Krizhevsky, I. Sutskever, G. E. Hinton, 2012.

    >>> F.local_response_norm(engine.ones(1, 2, 1), 1, alpha=3.0, beta=0.5)
    tensor([[[0.5000],
             [0.5000]]])
    """
    if input.ndim < 3:
        raise ArgumentError("local_response_norm", "an input with at least 3 dims", words(input.shape))
    if not input.numel():
        return input
    squares = (input * input).reshape((input.shape[0], 1, input.shape[1], -1))
    means = squares.pad((0, 0, size // 2, (size - 1) // 2)).avg_pool2d((size, 1), 1).reshape(input.shape)
    return input / (means * alpha + k).pow(beta)


@function
def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """Vectors along `dim` at length 1 (of the p-norm); those shorter than eps are divided by eps.

    >>> F.normalize(engine.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    y = input / input.norm(p, dim, True).clamp(min=eps).expand(input.shape)
    return y if out is None else out.copy_(y)
