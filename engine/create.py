"""Making tensors: from data, filled, counted, and random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract, Shape, dtype_of
from engine.autodiff import ones_like as ones_like_known
from engine.errors import ArgumentError
from engine.inplace import inplace
from engine.rng import Generator, default_generator
from engine.tensor import Tensor, wrap


def _finished(a: Any, device: Any, requires_grad: bool) -> Tensor:
    t = wrap(a if device is None else arrays_.to_device(a, device))
    if requires_grad:
        t.requires_grad = True
    return t


def _sizes(shape: tuple[Any, ...]) -> Shape:
    sizes = arrays_.as_shape("shape", shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape)
    if min(sizes, default=0) < 0:
        raise ArgumentError("shape", "sizes of at least 0", sizes)
    return sizes


def _float(dtype: Any) -> np.dtype[Any]:
    return arrays_.default_dtype() if dtype is None else dtype_of(dtype)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of the data: numbers, nested lists, arrays or tensors. Python floats become float32."""
    if isinstance(data, Tensor):
        data = data.array
    a = data.copy() if arrays_.is_array(data) else _from_python(data)
    return _finished(a if dtype is None else a.astype(dtype_of(dtype)), device, requires_grad)


def _from_python(data: Any) -> Any:
    if isinstance(data, list | tuple):
        data = [x.tolist() if isinstance(x, Tensor) else x for x in data]
    try:
        a = np.array(data)
    except ValueError as refusal:
        raise ArgumentError("tensor", "lists of equal length at every level", str(refusal)) from None
    if isinstance(data, np.generic):
        return a
    if a.dtype.kind == "f" or not a.size:
        return a.astype(arrays_.default_dtype())
    if a.dtype.kind not in "iub":
        raise ArgumentError("tensor", "numbers", a.dtype)
    return a.astype(np.int64) if a.dtype.kind in "iu" else a


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the data, sharing memory with an array where nothing must be changed."""
    if not isinstance(data, Tensor):
        data = wrap(data) if arrays_.is_array(data) else tensor(data)
    result: Tensor = data.to(dtype=dtype, device=device)
    return result


def from_numpy(array: Any) -> Tensor:
    """A tensor that shares memory with a NumPy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    dtype_of(array.dtype)
    return wrap(array)


def zeros(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros: zeros(2, 3) or zeros((2, 3))."""
    return _finished(np.zeros(_sizes(shape), _float(dtype)), device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones: ones(2, 3) or ones((2, 3))."""
    return _finished(np.ones(_sizes(shape), _float(dtype)), device, requires_grad)


def empty(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory whose content means nothing yet (here: zeros)."""
    return zeros(*shape, dtype=dtype, device=device, requires_grad=requires_grad)


def full(
    shape: Any, fill_value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number everywhere; its kind gives the dtype."""
    kind = dtype_of(type(fill_value) if dtype is None else dtype)
    return _finished(np.full(_sizes((shape,)), fill_value, kind), device, requires_grad)


def _like(x: Tensor, value: Any, dtype: Any, requires_grad: bool) -> Tensor:
    kind = x.array.dtype if dtype is None else dtype_of(dtype)
    if isinstance(x.array, Abstract):
        return wrap(Abstract(x.array.shape, kind))
    return _finished(arrays_.module_of(x.array).full(x.array.shape, value, kind), None, requires_grad)


def zeros_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape of another tensor."""
    return _like(x, 0, dtype, requires_grad)


def ones_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape of another tensor."""
    return ones_like_known(x) if dtype is None and not requires_grad else _like(x, 1, dtype, requires_grad)


def full_like(x: Tensor, fill_value: float, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One number in the shape of another tensor."""
    return _like(x, fill_value, dtype, requires_grad)


empty_like = zeros_like


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    return _finished(np.eye(n, m, dtype=_float(dtype)), device, requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, ... below end; whole numbers give int64."""
    low, high = (0, start) if end is None else (start, end)
    if step == 0 or (high - low) / step < 0:
        raise ArgumentError("arange", "a step that leads from start to end", f"start {low}, end {high}, step {step}")
    whole = all(isinstance(n, int) for n in (low, high, step))
    kind = (np.dtype(np.int64) if whole else arrays_.default_dtype()) if dtype is None else dtype_of(dtype)
    count = math.ceil((high - low) / step)
    return _finished((np.arange(count) * step + low).astype(kind), device, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` numbers from start to end, both included, evenly spaced."""
    return _finished(np.linspace(start, end, steps).astype(_float(dtype)), device, requires_grad)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid, one tensor per axis."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors
    return tuple(wrap(np.ascontiguousarray(a)) for a in np.meshgrid(*(t.numpy() for t in given), indexing=indexing))  # type: ignore[call-overload]


# ------------------------------------------------------------------------------------------------- random
def randn(
    *shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers from the normal distribution with mean 0 and variance 1."""
    drawn = (generator or default_generator).normal(_sizes(shape))
    return _finished(drawn.astype(_float(dtype)), device, requires_grad)


def rand(
    *shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers evenly spread over [0, 1)."""
    return _finished(_uniform(generator, _sizes(shape), 0, 1, _float(dtype)), device, requires_grad)


def _uniform(generator: Generator | None, shape: Shape, low: float, high: float, dtype: Any) -> Any:
    """Rounding to fewer digits may give `high` itself: the next number below takes its place."""
    drawn = (generator or default_generator).uniform(shape, low, high).astype(dtype)
    return np.minimum(drawn, np.nextafter(dtype.type(high), dtype.type(low))) if high > low else drawn


def randint(low: int, high: Any, size: Any = None, *, generator: Generator | None = None, dtype: Any = None) -> Tensor:
    """Whole numbers from low to high - 1: randint(10, (2,)) or randint(0, 10, (2,))."""
    if size is None:
        low, high, size = 0, low, high
    drawn = (generator or default_generator).integers(low, high, _sizes((size,)))
    return wrap(drawn if dtype is None else drawn.astype(dtype_of(dtype)))


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The numbers 0..n-1 in random order."""
    return wrap((generator or default_generator).permutation(n))


def normal(mean: float = 0.0, std: float = 1.0, size: Any = (), *, generator: Generator | None = None) -> Tensor:
    """Numbers from a normal distribution."""
    return wrap((generator or default_generator).normal(_sizes((size,)), mean, std).astype(arrays_.default_dtype()))


def randn_like(x: Tensor) -> Tensor:
    """Normal random numbers in the shape of another tensor."""
    return randn(tuple(x.shape), dtype=x.dtype)


def rand_like(x: Tensor) -> Tensor:
    """Evenly spread random numbers in the shape of another tensor."""
    return rand(tuple(x.shape), dtype=x.dtype)


def bernoulli(p: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 by the chance that stands at each place, else 0."""
    drawn = (generator or default_generator).uniform(p.array.shape)
    return wrap((drawn < p.array).astype(p.array.dtype))


def multinomial(
    weights: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Positions drawn by weight, row by row."""
    rows = np.atleast_2d(weights.array).astype(np.float64)
    source = generator or default_generator
    if not replacement and num_samples > rows.shape[1]:
        raise ArgumentError("multinomial", f"at most {rows.shape[1]} samples without replacement", num_samples)
    keys = source.uniform((*rows.shape, num_samples) if replacement else rows.shape)
    # The exponential race: the smallest of -ln(u)/w wins with a chance proportional to w.
    with np.errstate(all="ignore"):
        race = -np.log1p(-keys) / (rows[..., None] if replacement else rows)
    chosen = race.argmin(axis=1) if replacement else np.argsort(race, axis=1)[:, :num_samples]
    return wrap(chosen.reshape((*weights.array.shape[:-1], num_samples)).astype(np.int64))


def normal_(x: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """In place: numbers from a normal distribution."""
    drawn = (generator or default_generator).normal(x.array.shape, mean, std)
    return inplace(x, lambda old: wrap(drawn.astype(old.array.dtype)))


def uniform_(x: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """In place: numbers evenly spread over [a, b)."""
    return inplace(x, lambda old: wrap(_uniform(generator, old.array.shape, a, b, old.array.dtype)))


setattr(Tensor, "normal_", normal_)  # noqa: B010
setattr(Tensor, "uniform_", uniform_)  # noqa: B010
