"""Vector maths: few units in the last place from the truth over the whole range, and NumPy's answers at the edges."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from native import HOSTS, function

from engine import rng
from engine.compiler.code.emit import Function
from engine.compiler.graph import ir
from engine.compiler.kernels import maths
from engine.compiler.kernels.sweeps import ELEMENTS, SIZES
from engine.compiler.machine.cpu import Cpu

TINY = np.float32(maths.TINY)
LETTERS = {"f4": "f", "i4": "i", "u4": "u"}


@functools.cache
def kernel(name: str, cpu: Cpu, kinds: str, constants: tuple[Any, ...]) -> Any:
    """Compiled: numbers (count, addresses of operands, address of the result); a truth is written as 0 or 1."""
    f = Function("kernel", cpu)
    count, *at = (f.argument(i) for i in range(len(kinds) + 2))

    def body(i: Any) -> None:
        values = [
            f.load(f.vector(ELEMENTS[k] if k != "i" else "i32"), a + i * 4) for k, a in zip(kinds, at, strict=False)
        ]
        given = [v if c is None else c for v, c in zip(values, constants, strict=True)]
        found = maths.scalar(f, name, list(kinds), given)
        f.store(f.cast("zext", found, "i32") if found.element == "i1" else found, at[-1] + i * 4)

    f.loop(count, body, step=cpu.lanes)
    return function(f, cpu)


def computed(name: str, cpu: Cpu, *arrays: Any, result: Any = "f4", constants: Any = None) -> Any:
    """A function of ir.SCALARS by its native code; arrays of float32, int32 (whole numbers) or uint32."""
    count = -(-arrays[0].size // 16) * 16
    padded = [np.resize(a, count) for a in arrays]
    out = np.zeros(count, result)
    kinds = "".join(LETTERS[a.dtype.str[1:]] for a in arrays)
    call = kernel(name, cpu, kinds, constants or (None,) * len(arrays))
    call([count, *(a.ctypes.data for a in padded), out.ctypes.data])
    return out[: arrays[0].size]


def units(found: Any, wanted: Any) -> float:
    """The largest distance from a result in double precision, in units of the last place of float32."""
    with np.errstate(over="ignore"):
        size = np.spacing(np.maximum(np.abs(wanted.astype("f4")), TINY)).astype("f8")
    return float(np.max(np.abs(found.astype("f8") - wanted) / size))


def spread(low: float, high: float, count: int = 40_000) -> Any:
    """Numbers between two bounds, evenly and by magnitude, none of them denormal."""
    random = np.random.default_rng(0)
    small = np.exp(random.uniform(math.log(1e-30), math.log(max(abs(low), abs(high))), count))
    both = np.concatenate([np.linspace(low, high, count), small, -small])
    x = both[(both >= low) & (both <= high) & (np.abs(both) > TINY)].astype("f4")
    return x[(x >= low) & (x <= high)]


erf = np.vectorize(math.erf, otypes=["f8"])
RANGES: list[tuple[str, Any, float, float, float]] = [
    ("exp", np.exp, -87.29, 88.72, 1), ("expm1", np.expm1, -100, 88.72, 3), ("log", np.log, 1.2e-38, 3e38, 1),
    ("log", np.log, 0.5, 2, 1), ("log1p", np.log1p, -0.9999999, 3e38, 1.5), ("log1p", np.log1p, -0.99, 3, 1.5),
    ("tanh", np.tanh, -12, 12, 6), ("erf", erf, -6, 6, 6), ("sin", np.sin, -50, 50, 2), ("cos", np.cos, -50, 50, 2),
    ("sin", np.sin, -2e9, 2e9, 2), ("cos", np.cos, -2e9, 2e9, 2), ("sqrt", np.sqrt, 0, 3e38, 1),
    ("floor", np.floor, -1e10, 1e10, 0),
]  # fmt: skip


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
@pytest.mark.parametrize(("name", "meaning", "low", "high", "most"), RANGES)
def test_functions_are_a_few_units_from_the_truth(
    name: str, meaning: Any, low: float, high: float, most: float, cpu: Cpu
) -> None:
    x = spread(low, high)
    assert units(computed(name, cpu, x), meaning(x.astype("f8"))) <= most


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
def test_power_is_a_few_units_from_the_truth(cpu: Cpu) -> None:
    random = np.random.default_rng(1)
    x, y = np.exp(random.uniform(-40, 40, 60_000)).astype("f4"), random.uniform(-3, 3, 60_000).astype("f4")
    wanted = np.power(x.astype("f8"), y.astype("f8"))
    usual = (wanted > TINY) & (wanted < 3.4e38)
    assert units(computed("pow", cpu, x, y)[usual], wanted[usual]) <= 2


EDGES = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 2, -2, 0.5, -0.5, 3, -3, 1e-3, 200, -200, 1e30], "f4")


def alike(found: Any, wanted: Any) -> bool:
    """Equal but for a few units; infinities and NaN in the same places."""
    return np.allclose(found, wanted, 2e-6, 0, equal_nan=True)


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
@pytest.mark.parametrize("name", [*maths.FLOATS, "neg", "abs", "sign"])
def test_edges_of_functions_are_those_of_numpy(name: str, cpu: Cpu) -> None:
    x = EDGES[:-1] if name in ("sin", "cos") else EDGES
    with np.errstate(all="ignore"):
        wanted = ir.SCALARS[name][0](x)
    assert alike(computed(name, cpu, x), wanted)


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "max", "min", "gt", "ge", "lt", "le", "eq", "ne"])
def test_edges_of_functions_of_two_numbers_are_those_of_numpy(name: str, cpu: Cpu) -> None:
    x, y = (a.ravel().copy() for a in np.meshgrid(EDGES[:-1], EDGES[:-1]))
    truth = ir.SCALARS[name][1] == "truth"
    with np.errstate(all="ignore"):
        wanted = ir.SCALARS[name][0](x, y)
    assert alike(computed(name, cpu, x, y, result="i4" if truth else "f4"), wanted)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 7, -1, -2, 0.5, -0.5, 1.5, 2.5])
def test_known_exponents_mean_the_same(exponent: float) -> None:
    x = EDGES[:-1]
    with np.errstate(all="ignore"):
        wanted = np.power(x, np.float32(exponent))
    assert alike(computed("pow", HOSTS[0], x, x, constants=(None, exponent)), wanted)


@pytest.mark.parametrize("name", ["max", "min", "gt", "le", "where", "sub", "div"])
def test_a_number_known_beforehand_may_stand_for_an_operand(name: str) -> None:
    x = EDGES
    truth = ir.SCALARS[name][1] == "truth"
    given = (x, x, x) if name == "where" else (x, x)
    for place in range(len(given) - (name == "where")):
        constants: list[Any] = [None] * len(given)
        place += name == "where"
        constants[place] = 0.5
        with np.errstate(all="ignore"):
            wanted = ir.SCALARS[name][0](*(np.float32(0.5) if c else a for a, c in zip(given, constants, strict=True)))
        found = computed(name, HOSTS[0], *given, result="i4" if truth else "f4", constants=tuple(constants))
        assert alike(found, wanted)


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
@pytest.mark.parametrize(("name", "low"), [("tanh", 8.0), ("erf", 3.6)])
def test_a_ratio_ends_at_one_and_never_passes_it(name: str, low: float, cpu: Cpu) -> None:
    first, last = (np.float32(x).view("u4") for x in (low, low + 0.4))
    found = computed(name, cpu, np.arange(first, last, dtype="u4").view("f4"))
    assert found.max() == 1.0
    assert computed(name, cpu, np.array([-np.inf, np.inf, -100, 100], "f4")).tolist() == [-1, 1, -1, 1]


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
def test_one_over_a_root_is_right_and_exact_at_the_edges(cpu: Cpu) -> None:
    f = Function("kernel", cpu)
    source, target = (f.argument(i) for i in range(2))
    x = np.exp(np.random.default_rng(0).uniform(-87, 88, 1 << 14)).astype("f4")
    x[:5], found = (0, np.inf, 1, 4, 1e-37), np.zeros_like(x)
    turn = lambda i: f.store(maths.inverse_root(f, f.load(f.floats, source + i * 4)), target + i * 4)
    f.loop(x.size, turn, step=cpu.lanes)
    function(f, cpu)([x.ctypes.data, found.ctypes.data])
    assert found[:4].tolist() == [np.inf, 0, 1, 0.5]
    assert units(found[4:], 1 / np.sqrt(x[4:].astype("f8"))) <= 2


def test_exp_is_exactly_nothing_below_its_range() -> None:
    assert not computed("exp", HOSTS[0], np.array([-87.4, -88, -100, -1e30, -np.inf], "f4")).any()


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
def test_random_words_are_those_of_every_tier(cpu: Cpu) -> None:
    places, key = np.arange(1000, dtype="u4"), np.full(1000, rng.folded(7, 3), "u4")
    assert np.array_equal(computed("hash", cpu, key, places, result="u4"), rng.hashed(np, 7, 3, 1000))


@pytest.mark.parametrize("cpu", HOSTS, ids=lambda c: c.lanes)
@pytest.mark.parametrize("kind", ["i4", "u4"])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "max", "min", "gt", "ge", "lt", "le", "eq", "ne"])
def test_whole_numbers_and_words_compute_as_in_numpy(name: str, kind: str, cpu: Cpu) -> None:
    edges = np.array([0, 1, 2, 7, 2**31 - 1, 2**31, 2**32 - 1, 12345], "u4").view(kind)
    x, y = (a.ravel().copy() for a in np.meshgrid(edges, edges))
    with np.errstate(all="ignore"):
        wanted = ir.SCALARS[name][0](x, y)
    assert np.array_equal(computed(name, cpu, x, y, result="i4" if wanted.dtype == bool else kind), wanted)


def test_every_function_of_the_language_has_native_code() -> None:
    assert set(ir.SCALARS) == {*maths.FLOATS, *maths.ALIKE, "where"}
    assert set(SIZES) == set(ELEMENTS)
