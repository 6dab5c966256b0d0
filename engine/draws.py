"""Tensors of random numbers, and tensors filled with them in place.

Numbers are drawn from the `generator` that is given, else from the one that `manual_seed` seeds; equal seeds give
equal numbers on every machine and device.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract, Shape
from engine.create import float_or, maker, sizes_of
from engine.errors import ArgumentError, DTypeError, ShapeError
from engine.inplace import inplace
from engine.ops.elementwise import Filled
from engine.rng import Generator, default_generator
from engine.sample import sampled
from engine.tensor import Tensor, apply, wrap

Source = Generator | None


def _drawn(generator: Source) -> Generator:
    return default_generator if generator is None else generator


# ------------------------------------------------------------------ how samples are drawn (see `engine.sample.Sample`)
def _uniform(generator: Generator, shape: Shape, dtype: Any, low: float = 0, high: float = 1) -> Any:
    """Rounding to fewer digits may give `high` itself: the next number below takes its place."""
    drawn = generator.uniform(shape, low, high).astype(dtype)
    return np.minimum(drawn, np.nextafter(dtype.type(high), dtype.type(low))) if high > low else drawn


def _normal(generator: Generator, shape: Shape, _: Any, mean: float = 0.0, std: float = 1.0) -> Any:
    return generator.normal(shape, mean, std)


def _scaled(generator: Generator, shape: Shape, _: Any, mean: Any, std: Any) -> Any:
    return generator.normal(shape) * std + mean


def _integers(generator: Generator, shape: Shape, _: Any, low: int, high: int) -> Any:
    return generator.integers(low, high, shape)


def _permutation(generator: Generator, shape: Shape, _: Any) -> Any:
    return generator.permutation(shape[0])


def _successes(generator: Generator, shape: Shape, _: Any, chance: Any) -> Any:
    return generator.uniform(shape) < chance


def _waiting(generator: Generator, shape: Shape, dtype: Any, rate: float) -> Any:
    """Above 0, so that their logarithm is a number."""
    return np.maximum(-np.log1p(-generator.uniform(shape)) / rate, np.finfo(dtype).tiny if dtype.kind == "f" else 0)


def _trials(generator: Generator, shape: Shape, _: Any, p: float) -> Any:
    return np.ceil(np.log1p(-generator.uniform(shape)) / np.log1p(-p)).clip(1)


def _cauchy(generator: Generator, shape: Shape, _: Any, median: float, sigma: float) -> Any:
    return median + sigma * np.tan(np.pi * (generator.uniform(shape) - 0.5))


def _log_normal(generator: Generator, shape: Shape, _: Any, mean: float, std: float) -> Any:
    return np.exp(generator.normal(shape, mean, std))


# ----------------------------------------------------------------------------------------------------- new tensors


def _given(sizes: tuple[Any, ...], size: Any) -> Shape:
    return sizes_of(sizes if size is None else (size,))


@maker
def randn(*sizes: Any, size: Any = None, generator: Source = None, dtype: Any = None) -> Any:
    """Numbers from the normal distribution with mean 0 and variance 1.

    >>> engine.randn(2, 3).shape
    engine.Size([2, 3])
    """
    return sampled(_drawn(generator), _normal, _given(sizes, size), float_or(dtype))


@maker
def rand(*sizes: Any, size: Any = None, generator: Source = None, dtype: Any = None) -> Any:
    """Numbers evenly spread over [0, 1).

    >>> engine.rand(2, generator=engine.Generator().manual_seed(1)).shape
    engine.Size([2])
    """
    return sampled(_drawn(generator), _uniform, _given(sizes, size), float_or(dtype))


@maker
def randint(low: int, high: Any = None, size: Any = None, *, generator: Source = None, dtype: Any = None) -> Any:
    """Whole numbers from low to high - 1: randint(10, (2,)) or randint(0, 10, (2,)).

    >>> engine.randint(5, 6, (2,))
    tensor([5, 5])
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if high <= low:
        raise ArgumentError("randint", "low below high", f"low {low}, high {high}", "high itself is never drawn.")
    kind = arrays_.INT if dtype is None else dtype
    return sampled(_drawn(generator), _integers, sizes_of((size,)), kind, low, high)


@maker
def randperm(n: int, *, generator: Source = None, dtype: Any = None) -> Any:
    """The numbers 0..n-1 in random order.

    >>> engine.randperm(3).sum()
    tensor(3)
    """
    if n < 0:
        raise ArgumentError("randperm", "n of at least 0", n)
    return sampled(_drawn(generator), _permutation, (n,), arrays_.INT if dtype is None else dtype)


def flat(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """What is drawn does not follow its parameters: their gradient is 0, as in PyTorch."""

    @wraps(f)
    def drawn(*arguments: Any, **named: Any) -> Tensor:
        y = f(*arguments, **named)
        for t in (*arguments, *named.values()):
            if isinstance(t, Tensor) and t.requires_grad:
                y = y + apply(Filled, (t,), {"value": 0.0})
        return y

    return drawn


@flat
@maker
def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Source = None, dtype: Any = None
) -> Any:  # fmt: skip
    """Numbers from normal distributions; mean and std may be tensors, with one distribution per element.

    >>> engine.normal(0.0, 1.0, (2,)).shape, engine.normal(engine.zeros(3), 1.0).shape
    (engine.Size([2]), engine.Size([3]))
    """
    given = [x.detach().numpy() if isinstance(x, Tensor) else x for x in (mean, std)]
    if np.size(given[1]) and np.min(given[1]) < 0:
        raise ArgumentError("normal", "a std of at least 0", given[1])
    shape = np.broadcast_shapes(*(np.shape(x) for x in given)) if size is None else sizes_of((size,))
    kinds = [x.dtype for x in given if hasattr(x, "dtype")]
    kind = (kinds[0] if kinds else arrays_.default_dtype()) if dtype is None else dtype
    if kinds:  # numbers that a step computes
        return np.asarray(_scaled(_drawn(generator), shape, kind, *given), kind)
    return sampled(_drawn(generator), _scaled, shape, kind, *given)


def _as_numpy(x: Tensor) -> Any:
    return arrays_.to_host(x._known("a random draw"))


def _like(input: Tensor, dtype: Any, generator: Source, draw: Callable[..., Any], *settings: Any) -> Any:
    """A sample in the shape of a tensor, on its device."""
    kind = input.array.dtype if dtype is None else dtype
    meta = isinstance(input.array, Abstract)
    drawn = sampled(_drawn(generator), draw, tuple(input.array.shape), kind, *settings, meta=meta)
    return arrays_.to_device(drawn, input.device)


def _shaped(input: Tensor, dtype: Any, draw: Callable[[Any], Any]) -> Any:
    """An array shaped like a tensor, on its device, which follows from what the tensor holds."""
    kind = input.array.dtype if dtype is None else dtype
    if isinstance(input.array, Abstract):
        return Abstract(input.array.shape, kind)
    return arrays_.to_device(draw(kind), input.device)


@maker
def randn_like(input: Tensor, *, generator: Source = None, dtype: Any = None) -> Any:
    """Normal random numbers in the shape of another tensor.

    >>> engine.randn_like(engine.ones(2)).shape
    engine.Size([2])
    """
    return _like(input, dtype, generator, _normal)


@maker
def rand_like(input: Tensor, *, generator: Source = None, dtype: Any = None) -> Any:
    """Evenly spread random numbers in the shape of another tensor.

    >>> engine.rand_like(engine.ones(2)).shape
    engine.Size([2])
    """
    return _like(input, dtype, generator, _uniform)


@maker
def randint_like(
    input: Tensor, low: int, high: int | None = None, *, generator: Source = None, dtype: Any = None
) -> Any:  # fmt: skip
    """Whole random numbers in the shape of another tensor.

    >>> engine.randint_like(engine.ones(2), 3, 4)
    tensor([3., 3.])
    """
    first, last = (0, low) if high is None else (low, high)
    return _like(input, dtype, generator, _integers, first, last)


@flat
@maker
def bernoulli(input: Tensor, p: float | None = None, *, generator: Source = None) -> Any:
    """1 by the chance that stands at each place (or by p everywhere), else 0.

    >>> engine.bernoulli(engine.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if p is not None:
        return _like(input, None, generator, _successes, p)

    def draw(kind: Any) -> Any:
        chances = _as_numpy(input)
        if not np.all((chances >= 0) & (chances <= 1)):
            raise ArgumentError("bernoulli", "chances between 0 and 1", "others")
        return np.asarray(_successes(_drawn(generator), tuple(input.shape), kind, chances), kind)

    return _shaped(input, None, draw)


@maker
def poisson(input: Tensor, generator: Source = None) -> Any:
    """Counts of rare events; each element is the mean of its distribution.

    >>> engine.poisson(engine.zeros(2))
    tensor([0., 0.])
    """
    return _shaped(input, None, lambda kind: _drawn(generator).poisson(_as_numpy(input)).astype(kind))


@maker
def binomial(count: Tensor, prob: Tensor, generator: Source = None) -> Any:
    """How many of `count` trials succeed, each with the chance `prob`.

    >>> engine.binomial(engine.tensor([3.0]), engine.tensor([1.0]))
    tensor([3.])
    """
    return _shaped(
        count,
        None,
        lambda kind: _drawn(generator).binomial(_as_numpy(count).astype(np.int64), _as_numpy(prob)).astype(kind),
    )


@maker
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Source = None
) -> Any:  # fmt: skip
    """Positions drawn by weight, row by row.

    >>> engine.multinomial(engine.tensor([0.0, 1.0]), 2, replacement=True)
    tensor([1, 1])
    """
    if input.array.dtype.kind != "f":
        raise DTypeError("multinomial", "weights of a floating-point type", input.dtype, "Convert them: x.float().")
    if input.ndim not in (1, 2):
        raise ShapeError("multinomial", "weights with 1 or 2 dims", f"{input.ndim}")
    rows = np.atleast_2d(_as_numpy(input)).astype(np.float64)
    if rows.size and not (rows >= 0).all():
        raise ArgumentError("multinomial", "weights of at least 0", "others")
    if not replacement and num_samples > rows.shape[1]:
        raise ArgumentError("multinomial", f"at most {rows.shape[1]} samples without replacement", num_samples)
    keys = _drawn(generator).uniform((*rows.shape, num_samples) if replacement else rows.shape)
    # The exponential race: the smallest of -ln(u)/w wins with a chance proportional to w.
    with np.errstate(all="ignore"):
        race = -np.log1p(-keys) / (rows[..., None] if replacement else rows)
    chosen = race.argmin(axis=1) if replacement else np.argsort(race, axis=1)[:, :num_samples]
    places = chosen.reshape((*input.array.shape[:-1], num_samples)).astype(np.int64)
    return arrays_.to_device(places, input.device)


# ---------------------------------------------------------------------------------------------------- in place
def _filled(x: Tensor, generator: Source, draw: Callable[..., Any], *settings: Any) -> Tensor:
    return _written(x, lambda: sampled(_drawn(generator), draw, tuple(x.array.shape), x.array.dtype, *settings))


def _written(x: Tensor, draw: Callable[[], Any]) -> Tensor:
    if isinstance(x.array, Abstract):
        return inplace(x, lambda old: old)
    drawn = arrays_.to_device(draw(), x.device)
    return inplace(x, lambda _: wrap(drawn))


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Source = None) -> Tensor:
    """In place: numbers from a normal distribution.

    >>> engine.empty(2).normal_(5.0, 0.0)
    tensor([5., 5.])
    """
    if std < 0:
        raise ArgumentError("normal_", "a std of at least 0", std)
    return _filled(input, generator, _normal, mean, std)


def uniform_(input: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Source = None, **bounds: float) -> Tensor:
    """In place: numbers evenly spread over [a, b).

    >>> engine.empty(2).uniform_(5.0, 5.0)
    tensor([5., 5.])
    """
    low, high = bounds.get("from", a), bounds.get("to", b)
    if low > high:
        raise ArgumentError("uniform_", "from not above to", f"{low} and {high}")
    return _filled(input, generator, _uniform, low, high)


def random_(input: Tensor, *limits: int | None, generator: Source = None) -> Tensor:
    """In place: whole numbers from the first limit (or 0) below the last.

    >>> engine.empty(2).random_(3, 4)
    tensor([3., 3.])
    """
    kind = input.array.dtype
    most = 2 if kind.kind == "b" else 2 ** (np.finfo(kind).nmant + 1) if kind.kind == "f" else np.iinfo(kind).max
    low, high = (0, *limits)[-2:] if limits else (0, most)
    return _filled(input, generator, _integers, low or 0, most if high is None else high)


def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Source = None) -> Tensor:
    """In place: 1 by the chance p, else 0.

    >>> engine.empty(2).bernoulli_(1.0)
    tensor([1., 1.])
    """
    if isinstance(p, Tensor):
        shape, kind = tuple(input.array.shape), input.array.dtype
        return _written(input, lambda: np.asarray(_successes(_drawn(generator), shape, kind, _as_numpy(p)), kind))
    return _filled(input, generator, _successes, p)


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Source = None) -> Tensor:
    """In place: waiting times with the given rate.

    >>> bool((engine.empty(3).exponential_() >= 0).all())
    True
    """
    if lambd <= 0:
        raise ArgumentError("exponential_", "a rate above 0", lambd)
    return _filled(input, generator, _waiting, lambd)


def geometric_(input: Tensor, p: float, *, generator: Source = None) -> Tensor:
    """In place: the number of trials up to the first success, each with the chance p.

    >>> bool((engine.empty(3).geometric_(0.5) >= 1).all())
    True
    """
    if not 0 < p < 1:
        raise ArgumentError("geometric_", "a chance between 0 and 1", p)
    return _filled(input, generator, _trials, p)


def cauchy_(input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Source = None) -> Tensor:
    """In place: numbers from a Cauchy distribution.

    >>> engine.empty(3).cauchy_().shape
    engine.Size([3])
    """
    if sigma <= 0:
        raise ArgumentError("cauchy_", "a sigma above 0", sigma)
    return _filled(input, generator, _cauchy, median, sigma)


def log_normal_(input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Source = None) -> Tensor:
    """In place: numbers whose logarithm is normally distributed.

    >>> engine.empty(1).log_normal_(0.0, 0.001).round()
    tensor([1.])
    """
    if std <= 0:
        raise ArgumentError("log_normal_", "a std above 0", std)
    return _filled(input, generator, _log_normal, mean, std)


METHODS = (normal_, uniform_, random_, bernoulli_, exponential_, geometric_, cauchy_, log_normal_)
for _method in (*METHODS, bernoulli, multinomial):
    setattr(Tensor, _method.__name__, _method)
