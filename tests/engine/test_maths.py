"""Kinks and corners of the mathematical operations beside PyTorch: ties, zeros, infinities, NaN, types, emptiness."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")

NAN, INF = math.nan, math.inf
LINE = [-INF, -7.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0, 20.0, 25.0, INF, NAN]
FINE = [-7.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0]
TIES = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
ZEROS = [[2.0, 0.0, 3.0, -1.0], [0.0, 5.0, 0.0, 2.0], [1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]]
HOLES = [[1.0, NAN, 3.0, 2.0], [NAN, NAN, NAN, NAN], [4.0, 4.0, NAN, 1.0]]
SAME = [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0], [3.0, -4.0, 0.0]]


def functional(t: Any) -> Any:
    return t.nn.functional


def both(f: Callable[..., Any], *values: Any, dtype: str = "float64") -> list[tuple[Any, list[Any]]]:
    """For PyTorch and the engine: what f gives, and the leaves."""
    sides = []
    for t in (torch, engine):
        leaves = [t.tensor(v, dtype=getattr(t, dtype)) for v in values]
        if dtype.startswith("float"):
            leaves = [x.requires_grad_() for x in leaves]
        y = f(t, *leaves)
        sides.append((y, leaves))
    return sides


def numbers(x: Any) -> np.ndarray:
    return np.asarray(x.detach().numpy(force=True) if isinstance(x, torch.Tensor) else x.detach().numpy())


def equal(ours: Any, theirs: Any, what: str) -> None:
    if isinstance(theirs, tuple | list):
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            equal(a, b, f"{what} {i}")
        return
    a, b = numbers(ours), numbers(theirs)
    assert (a.shape, a.dtype) == (b.shape, b.dtype), what
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12, err_msg=what)


def first(y: Any) -> Any:
    return next(t for t in y if t.is_floating_point()) if isinstance(y, tuple | list) else y


def slope(t: Any, y: Any, leaves: list[Any], weight: np.ndarray, deeper: bool) -> list[Any]:
    w = t.tensor(weight.tolist(), dtype=t.float64).reshape(y.shape)
    found = t.autograd.grad(y, leaves, w, create_graph=deeper, allow_unused=True)
    return [t.zeros_like(x) if g is None else g for g, x in zip(found, leaves, strict=True)]


def weights(y: Any, seed: int) -> np.ndarray:
    return np.round(np.random.default_rng(seed).uniform(0.5, 2.0, int(np.prod(tuple(y.shape)))), 3)


def compare(f: Callable[..., Any], *values: Any, second: bool = True) -> None:
    """Values, gradients and second derivatives are PyTorch's."""
    (theirs, b), (ours, a) = both(f, *values)
    equal(ours, theirs, "value")
    theirs, ours = first(theirs), first(ours)
    assert ours.requires_grad is theirs.requires_grad
    w = weights(theirs, 0)
    p, q = slope(torch, theirs, b, w, second), slope(engine, ours, a, w, second)
    equal(q, p, "gradient")
    if not second or not any(g.requires_grad for g in p):
        return
    total, mine = sum((g * g.detach()).sum() for g in p), sum((g * g.detach()).sum() for g in q)
    if not mine.requires_grad:
        mine = mine + sum((x * 0).sum() for x in a)
    one = np.ones(())
    equal(slope(engine, mine, a, one, False), slope(torch, total, b, one, False), "second derivative")


CURVES = {
    **{name: name for name in ("relu", "sigmoid", "tanh", "softsign", "tanhshrink", "logsigmoid", "silu", "mish")},
    **{name: name for name in ("relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "elu")},
    **{name: name for name in ("selu", "celu", "gelu", "softplus", "leaky_relu", "rrelu")},
}


@pytest.mark.parametrize("name", CURVES)
def test_an_activation_at_its_kinks(name: str) -> None:
    compare(lambda t, x: getattr(functional(t), name)(x), FINE, second=name != "hardsigmoid")


ONES = """abs sign sgn floor ceil trunc frac round exp exp2 expm1 sin cos sinh cosh tanh asinh atan erf erfc sinc angle
deg2rad rad2deg square nan_to_num positive i0"""


@pytest.mark.parametrize("name", ONES.split())
def test_a_function_of_one_number_at_its_kinks(name: str) -> None:
    compare(lambda t, x: getattr(t, name)(x), FINE, second=name != "sinc")


EVERYWHERE = f"""{ONES} log log2 log10 log1p sqrt rsqrt reciprocal asin acos acosh atanh erfinv logit lgamma isfinite
isinf isnan isposinf isneginf signbit logical_not nan_to_num special.entr special.ndtr special.ndtri special.log_ndtr
special.erfcx special.i0e special.i1 special.i1e special.bessel_j1 special.modified_bessel_k0 special.expit"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", EVERYWHERE.split())
def test_infinities_nan_and_what_is_outside_of_the_domain(name: str, dtype: str) -> None:
    (theirs, _), (ours, _) = both(lambda t, x: named(t, name)(x.detach()), LINE, dtype=dtype)
    np.testing.assert_allclose(
        numbers(ours), numbers(theirs), rtol=1e-5, atol=1e-30 if dtype == "float64" else 2e-12, err_msg=name
    )


def named(t: Any, path: str) -> Any:
    for part in path.split("."):
        t = getattr(t, part)
    return t


PAIRS = """maximum minimum fmax fmin atan2 hypot copysign fmod remainder logaddexp logaddexp2 xlogy special.xlog1py pow
floor_divide true_divide eq lt ge nextafter heaviside isclose"""


@pytest.mark.parametrize("name", PAIRS.split())
def test_a_function_of_two_numbers_on_every_pair_of_corners(name: str) -> None:
    a = [[v] for v in LINE]
    (theirs, _), (ours, _) = both(lambda t, x, y: named(t, name)(x.detach(), y.detach()), a, LINE)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-12, atol=1e-15, err_msg=name)


SMOOTH = "maximum minimum fmax fmin atan2 copysign xlogy special.xlog1py logaddexp logaddexp2 pow remainder fmod"


@pytest.mark.parametrize("name", SMOOTH.split())
def test_the_gradient_of_a_function_of_two_numbers_at_ties_and_zeros(name: str) -> None:
    a, b = [-1.5, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0], [2.0, -1.0, 0.0, 1.0, 2.5, 1.0, 3.0, 0.0]
    if name in ("remainder", "fmod"):
        b = [n or 0.7 for n in b]
    compare(lambda t, x, y: named(t, name)(x, y), a, b, second=name in ("maximum", "fmax", "logaddexp"))


FOLDS: dict[str, Callable[..., Any]] = {
    "amax": lambda t, x: x.amax(1),
    "amin of all": lambda t, x: x.amin(),
    "max": lambda t, x: x.max(),
    "max along": lambda t, x: x.max(1),
    "min along": lambda t, x: x.min(0),
    "aminmax": lambda t, x: t.aminmax(x, dim=1),
    "median": lambda t, x: x.median(),
    "median along": lambda t, x: x.median(1),
    "prod": lambda t, x: x.prod(1),
    "prod of all": lambda t, x: x.prod(),
    "cumprod": lambda t, x: x.cumprod(1),
    "cumprod down": lambda t, x: x.cumprod(0),
    "cummax": lambda t, x: x.cummax(1),
    "cummin": lambda t, x: x.cummin(1),
    "logsumexp": lambda t, x: x.logsumexp(1),
    "logcumsumexp": lambda t, x: x.logcumsumexp(1),
    "softmax": lambda t, x: x.softmax(1),
    "log_softmax": lambda t, x: x.log_softmax(1),
    "norm": lambda t, x: x.norm(dim=1),
    "norm 1": lambda t, x: x.norm(1, 1),
    "norm 3": lambda t, x: x.norm(3, 1),
    "norm 1.5": lambda t, x: x.norm(1.5, 1),
    "norm 0.5": lambda t, x: x.norm(0.5, 1),
    "norm inf": lambda t, x: x.norm(INF, 1),
    "norm 0": lambda t, x: x.norm(0, 1),
    "std": lambda t, x: x.std(1),
    "var biased": lambda t, x: x.var(1, correction=0),
    "std of all": lambda t, x: x.std(unbiased=False),
    "var_mean": lambda t, x: t.var_mean(x, 1),
    "dist": lambda t, x: t.dist(x, x.detach()),
    "renorm": lambda t, x: x.renorm(2, 0, 1.0),
    "quantile": lambda t, x: x.quantile(0.4, 1),
    "nanmedian": lambda t, x: x.nanmedian(1),
    "nansum": lambda t, x: x.nansum(1),
    "nanmean": lambda t, x: x.nanmean(0),
    "sort": lambda t, x: t.sort(x, dim=1, descending=True, stable=True),
    "clamp": lambda t, x: x.clamp(1.0, 2.0),
    "diff": lambda t, x: x.diff(2, 1),
    "trapezoid": lambda t, x: t.trapezoid(x, dx=0.5),
    "gradient": lambda t, x: t.gradient(x, dim=1)[0],
    "cov": lambda t, x: x.cov(),
}
SECOND_AT_KINK = {"norm", "std", "std of all", "dist", "renorm", "norm 1.5", "norm 0.5", "norm 3"}


@pytest.mark.parametrize("data", [TIES, ZEROS, SAME], ids=["ties", "zeros", "same"])
@pytest.mark.parametrize("name", FOLDS)
def test_a_reduction_at_ties_and_zeros(name: str, data: Any) -> None:
    compare(FOLDS[name], data, second=name not in SECOND_AT_KINK)


@pytest.mark.parametrize("name", [n for n in FOLDS if n not in ("renorm", "cov")])
def test_a_reduction_with_holes(name: str) -> None:
    (theirs, _), (ours, _) = both(FOLDS[name], HOLES)
    equal(first(ours), first(theirs), name)


KINDS = ["bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64"]
ALONE = """exp sqrt sin sigmoid erf lgamma sinc sum prod max min any all argmax abs sign floor square neg std mean
median mode isfinite signbit unique nansum"""
ALONG = "cumsum cumprod logsumexp count_nonzero"
TYPED: dict[str, Callable[..., Any]] = {
    **{name: lambda t, x, name=name: named(t, name)(x) for name in ALONE.split()},
    **{name: lambda t, x, name=name: named(t, name)(x, 0) for name in ALONG.split()},
    "softmax": lambda t, x: x.softmax(0, dtype=t.float32),
    "sum as": lambda t, x: x.sum(dtype=t.float64),
    "add": lambda t, x: x + 1,
    "add a float": lambda t, x: x + 1.5,
    "alpha": lambda t, x: t.add(x, x, alpha=2),
    "multiply by true": lambda t, x: x * True,
    "divide": lambda t, x: x / 2,
    "divide down": lambda t, x: t.div(x, 2, rounding_mode="floor"),
    "divide towards 0": lambda t, x: t.div(x, 2, rounding_mode="trunc"),
    "rest": lambda t, x: x % 3,
    "fmod": lambda t, x: t.fmod(x, 3),
    "power": lambda t, x: x**2,
    "power of two": lambda t, x: 2**x,
    "root": lambda t, x: x**0.5,
    "float_power": lambda t, x: t.float_power(x, 2),
    "clamp": lambda t, x: x.clamp(0, 1),
    "clamp with a float": lambda t, x: x.clamp(0.5),
    "less": lambda t, x: x < 1.5,
    "shift": lambda t, x: x << 1,
    "and": lambda t, x: x & 1,
    "not": lambda t, x: ~x,
    "where": lambda t, x: t.where(x > 0, x, 0),
    "masked_fill": lambda t, x: x.masked_fill(x > 0, 1),
    "lerp": lambda t, x: x.lerp(x, 0.5),
    "round": lambda t, x: x.round(),
    "histc": lambda t, x: t.histc(x, 4),
    "bincount": lambda t, x: t.bincount(x),
    "quantile": lambda t, x: x.quantile(0.5),
    "norm": lambda t, x: x.norm(),
    "diff": lambda t, x: x.diff(),
    "xlogy": lambda t, x: t.xlogy(x, 2.0),
    "relu": lambda t, x: t.relu(x),
    "gelu": lambda t, x: functional(t).gelu(x),
    "heaviside": lambda t, x: t.heaviside(x, x),
    "isclose": lambda t, x: t.isclose(x, x),
    "bucketize": lambda t, x: t.bucketize(x, x.sort()[0]),
    "atan2": lambda t, x: t.atan2(x, x),
}
REFUSED = {"mean", "std", "norm", "neg", "not", "and", "shift", "quantile", "heaviside"}
"""What PyTorch refuses here would be a wrong answer, not only an unusual question."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TYPED)
def test_an_element_type_gives_pytorchs_type_and_values_or_is_refused_by_both(name: str, kind: str) -> None:
    values = [True, False, True] if kind == "bool" else [3, 0, 2, 1]
    (theirs, ours) = (attempt(TYPED[name], t, values, kind) for t in (torch, engine))
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception) or name not in REFUSED, f"taken, where PyTorch says {theirs}"
        return
    if isinstance(ours, Exception):
        raise ours
    if isinstance(theirs, tuple):
        theirs, ours = theirs[0], ours[0]
    a, b = numbers(ours), numbers(theirs)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_allclose(a, b, rtol=2e-3 if kind == "float16" else 1e-6, atol=1e-6)


def attempt(f: Callable[..., Any], t: Any, values: Any, kind: str) -> Any:
    try:
        return f(t, t.tensor(values, dtype=getattr(t, kind)))
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError) as refusal:
        return refusal


DOWN = "sum prod mean nansum amax max argmax median mode all any cumsum cumprod logsumexp var norm sort"
WHOLE = "sum prod mean amax max argmax median all any var std norm unique aminmax count_nonzero"
EMPTY: dict[str, Callable[..., Any]] = {
    **{name: lambda t, x, name=name: getattr(x, name)(0) for name in DOWN.split()},
    **{f"{name} of all": lambda t, x, name=name: getattr(t, name)(x) for name in WHOLE.split()},
}


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), ()])
@pytest.mark.parametrize("name", EMPTY)
def test_empty_tensors_and_single_numbers(name: str, shape: tuple[int, ...]) -> None:
    theirs, ours = (zeros(EMPTY[name], t, shape) for t in (torch, engine))
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"taken, where PyTorch says {str(theirs)[:80]}"
        assert isinstance(ours, IndexError | RuntimeError | ValueError)
        return
    if isinstance(ours, Exception):
        raise ours
    for a, b in zip(*([y] if not isinstance(y, tuple) else y for y in (ours, theirs)), strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        np.testing.assert_array_equal(numbers(a), numbers(b))


def zeros(f: Callable[..., Any], t: Any, shape: tuple[int, ...]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f(t, t.zeros(shape))
    except (RuntimeError, ValueError, IndexError) as refusal:
        return refusal
