"""PyTorch's `torch.distributions`, the few that learning by reward and variational networks draw from.

A distribution is made of its parameters, which are tensors with gradients; `log_prob`, `entropy`, `rsample` and
`kl_divergence` are compositions of operations, so that the gradients reach the parameters.
"""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so most of their types are not written anywhere)

from __future__ import annotations

import math
from typing import Any, ClassVar

from engine import draws, functions
from engine.counted import arange
from engine.create import as_tensor
from engine.errors import ArgumentError, Unsupported
from engine.functions import TABLE
from engine.grad_mode import no_grad
from engine.graph import Size
from engine.tensor import Tensor

__path__: list[str] = []
"""There are modules below this name: `torch.distributions.normal`."""

broadcast_tensors = TABLE["broadcast_tensors"]


class Distribution:
    """What all distributions share. `batch_shape` is the common shape of the parameters.

    >>> engine.distributions.Normal(0.0, 1.0).sample((2, 3)).shape
    engine.Size([2, 3])
    """

    names: ClassVar[tuple[str, ...]] = ()
    event_shape = Size(())

    def __init__(self, *parameters: Any, validate_args: bool | None = None) -> None:
        given = [p if isinstance(p, Tensor) else as_tensor(float(p)) for p in parameters]
        for name, parameter in zip(self.names, functions.broadcast_tensors(*given), strict=True):
            setattr(self, name, parameter)
        self.batch_shape = Size(getattr(self, self.names[0]).shape)

    def _wide(self, sample_shape: Any) -> tuple[int, ...]:
        return (*sample_shape, *self.batch_shape)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """A draw without gradient; `sample_shape` stands in front of `batch_shape`."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """A draw through which gradients flow to the parameters."""
        raise Unsupported(f"{type(self).__name__}.rsample", "a distribution that can be reparameterised")

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density (or probability) at a value."""
        raise NotImplementedError

    @property
    def stddev(self) -> Any:
        """The square root of the variance."""
        return self.variance.sqrt()  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}: {_shown(getattr(self, n))}' for n in self.names)})"


class Normal(Distribution):
    """The normal distribution of a mean and a standard deviation.

    >>> engine.distributions.Normal(0.0, 1.0).log_prob(engine.tensor(0.0))
    tensor(-0.9189)
    """

    names = ("loc", "scale")
    loc: Any
    scale: Any

    mean = property(lambda self: self.loc)
    mode = property(lambda self: self.loc)
    variance = property(lambda self: self.scale**2)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """The mean plus a standard normal draw times the deviation."""
        return self.loc + self.scale * draws.randn(self._wide(sample_shape), dtype=self.loc.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density."""
        return -((value - self.loc) ** 2) / (2 * self.variance) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Any) -> Tensor:
        """The probability of a value at most this large."""
        return 0.5 * (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf())

    def entropy(self) -> Tensor:
        """The expected surprise, in nats."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class Uniform(Distribution):
    """Equal density between two bounds.

    >>> engine.distributions.Uniform(0.0, 2.0).entropy()
    tensor(0.6931)
    """

    names = ("low", "high")
    low: Any
    high: Any

    mean = property(lambda self: (self.high + self.low) / 2)
    variance = property(lambda self: (self.high - self.low) ** 2 / 12)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """A draw between the bounds."""
        return self.low + draws.rand(self._wide(sample_shape), dtype=self.low.dtype) * (self.high - self.low)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density; minus infinity outside."""
        inside = (value >= self.low) & (value < self.high)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def entropy(self) -> Tensor:
        """The logarithm of the width."""
        return (self.high - self.low).log()


class _Chances(Distribution):
    """Given by probabilities or by logits, one of them; the other follows."""

    _probs: Any
    _logits: Any

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ArgumentError(type(self).__name__, "either probs or logits", "both or none")
        self._probs: Any = None if probs is None else as_tensor(probs)
        self._logits: Any = None if logits is None else as_tensor(logits)
        self.batch_shape = self._batch(self._logits if self._probs is None else self._probs)

    def _batch(self, x: Any) -> Size:
        return Size(x.shape)

    def __repr__(self) -> str:
        kind, given = ("logits", self._logits) if self._probs is None else ("probs", self._probs)
        return f"{type(self).__name__}({kind}: {_shown(given)})"


class Bernoulli(_Chances):
    """One or nought.

    >>> engine.distributions.Bernoulli(0.5).log_prob(engine.tensor(1.0))
    tensor(-0.6931)
    """

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    @property
    def probs(self) -> Any:
        """The probabilities of one."""
        return self._logits.sigmoid() if self._probs is None else self._probs

    @property
    def logits(self) -> Any:
        """The logarithms of the odds."""
        return self._probs.logit(_smallest(self._probs)) if self._logits is None else self._logits

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Ones with their probabilities, else noughts."""
        return draws.bernoulli(self.probs.detach().expand(self._wide(sample_shape)))

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of a one or a nought."""
        return -(self.logits.clamp(min=0) - self.logits * value + (-self.logits.abs()).exp().log1p())

    def entropy(self) -> Tensor:
        """The expected surprise, in nats."""
        return -(self.probs * self.log_prob(1.0) + (1 - self.probs) * self.log_prob(0.0))


class Categorical(_Chances):
    """One of several classes; the last axis of the parameters holds the classes.

    >>> engine.distributions.Categorical(engine.tensor([1.0, 3.0])).probs
    tensor([0.2500, 0.7500])
    """

    def _batch(self, x: Any) -> Size:
        return Size(x.shape[:-1])

    @property
    def probs(self) -> Any:
        """The probabilities; they sum to one."""
        return self.logits.softmax(-1) if self._probs is None else self._probs / self._probs.sum(-1, keepdim=True)

    @property
    def logits(self) -> Any:
        """The logarithms of the probabilities."""
        if self._logits is not None:
            return self._logits - self._logits.logsumexp(-1, keepdim=True)
        least = _smallest(self._probs)
        return self.probs.clamp(least, 1 - least).log()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Class numbers, drawn with their probabilities."""
        shape, rows = self._wide(sample_shape), self.probs.detach()
        count = math.prod(sample_shape)
        drawn = draws.multinomial(rows.reshape(-1, rows.shape[-1]), count, True)
        return drawn.t().reshape(shape)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of class numbers."""
        chosen, logits = functions.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, chosen[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """The expected surprise, in nats."""
        return -(self.probs * self.logits.clamp(min=-1e30)).sum(-1)


class Multinomial(_Chances):
    """How often each class comes in `total_count` draws.

    >>> engine.distributions.Multinomial(3, engine.tensor([0.0, 1.0])).sample()
    tensor([0., 3.])
    """

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        super().__init__(probs, logits)
        self.total_count = total_count
        self._one = Categorical(probs, logits)

    def _batch(self, x: Any) -> Size:
        return Size(x.shape[:-1])

    probs = property(lambda self: self._one.probs)
    logits = property(lambda self: self._one.logits)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """The counts of the classes; they sum to `total_count`."""
        drawn = self._one.sample((self.total_count, *sample_shape))
        counts = drawn.unsqueeze(-1) == arange(self.probs.shape[-1])
        return counts.sum(0).to(self.probs.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of these counts."""
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        return ways + (value * self.logits).sum(-1)


def _shown(x: Any) -> str:
    return f"{x if x.numel() == 1 else Size(x.shape)}"


def _smallest(x: Any) -> float:
    return 2.0**-52 if x.dtype.itemsize == 8 else 2.0**-23


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """How far q lies from p (Kullback and Leibler, 1951); both of one kind.

    >>> engine.distributions.kl_divergence(
    ...     engine.distributions.Normal(0.0, 1.0), engine.distributions.Normal(1.0, 1.0))
    tensor(0.5000)
    """
    if isinstance(p, Normal) and isinstance(q, Normal):
        ratio, distance = p.variance / q.variance, ((p.loc - q.loc) / q.scale) ** 2
        return 0.5 * (ratio + distance - 1 - ratio.log())
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return (p.probs * (p.logits - q.logits)).sum(-1)
    if isinstance(p, Bernoulli) and isinstance(q, Bernoulli):
        ones, noughts = p.log_prob(1.0) - q.log_prob(1.0), p.log_prob(0.0) - q.log_prob(0.0)
        return p.probs * ones + (1 - p.probs) * noughts
    kinds = f"{type(p).__name__} and {type(q).__name__}"
    raise Unsupported("kl_divergence", "two Normal, two Categorical or two Bernoulli", kinds)
