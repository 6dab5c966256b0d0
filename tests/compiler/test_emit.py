"""The SIMD emitter: what is known folds away, what is not runs as NumPy says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.compiler.code.emit import Function, module
from engine.compiler.code.ssa import FLOAT
from engine.compiler.machine.cpu import Cpu
from tests.compiler.native import HOSTS, build, function

R = np.random.default_rng(0)


@pytest.fixture(params=HOSTS, ids=lambda h: f"{h.lanes} lanes")
def host(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


def run(host: Cpu, emit: Callable[..., Any], *numbers: int) -> None:
    f = Function("k", host)
    emit(f, *(f.argument(i) for i in range(len(numbers))))
    function(f, host)(list(numbers))
    f = Function("k", host)  # and again with everything known
    emit(f, *numbers)
    function(f, host)([])


def test_plain_ints_emit_nothing() -> None:
    f = Function("k", HOSTS[0])
    found = f.loop(1, lambda i, x: (f.add(f.mul(i, 4), x),), (5,))
    assert found == (5,)
    assert f.when(f.compare("gt", 3, 4), lambda: (1,), (2,)) == (2,)
    assert len(f.lines) == 1


def test_the_same_expression_is_emitted_once_where_it_is_known() -> None:
    f = Function("k", HOSTS[0])
    x = f.parameters[0]
    a, b = x * 12 + 3, x * 12 + 3
    assert a.name == b.name
    f.loop(x, lambda i: (f.add(i, x * 12), None)[1])
    assert sum("mul" in line for line in f.lines) == 1


@pytest.mark.parametrize("n", [0, 1, 4, 15, 16, 17, 33, 100])
def test_a_sweep_touches_exactly_its_elements(host: Cpu, n: int) -> None:
    x, y = R.standard_normal(n).astype("f4"), np.full(n + 40, 7, "f4")

    def emit(f: Function, x: Any, y: Any, n: Any) -> None:
        f.sweep(n, lambda i, mask: f.store(f.load(f.floats, x + i * 4, mask) * 2.0 + 1.0, y + i * 4, mask))

    run(host, emit, x.ctypes.data, y.ctypes.data, n)
    np.testing.assert_array_equal(y[:n], x * np.float32(2) + 1)
    assert (y[n:] == 7).all()


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_loops_carry_values(host: Cpu, n: int) -> None:
    out = np.zeros(2, "i8")

    def emit(f: Function, out: Any, n: Any) -> None:
        total, product = f.loop(n, lambda i, s, p: (s + i, p * 3), (f.value(10), f.value(1)))
        f.store(f.value(total), out)
        f.store(f.value(product), out + 8)

    run(host, emit, out.ctypes.data, n)
    assert out.tolist() == [10 + sum(range(n)), 3**n]


def test_a_branch_takes_one_side(host: Cpu) -> None:
    out = np.zeros(2, "i8")

    def emit(f: Function, out: Any, n: Any) -> None:
        for place, limit in enumerate((3, 30)):
            (x,) = f.branch(f.compare("lt", n, limit), lambda: (f.value(1),), lambda: (f.value(2),))
            f.store(x, out + 8 * place)

    run(host, emit, out.ctypes.data, 10)
    assert out.tolist() == [2, 1]


def test_vectors_reduce_to_what_numpy_says(host: Cpu) -> None:
    x, out = R.standard_normal(host.lanes).astype("f4"), np.zeros(3, "f4")

    def emit(f: Function, x: Any, out: Any) -> None:
        v = f.load(f.floats, x)
        for place, fn in enumerate((f.add, f.max, f.min)):
            f.store(f.reduce(fn, v), out + 4 * place)

    run(host, emit, x.ctypes.data, out.ctypes.data)
    np.testing.assert_allclose(out, [x.sum(), x.max(), x.min()], rtol=1e-6)


def test_max_and_min_hand_nan_on_and_comparisons_do_not(host: Cpu) -> None:
    n = host.lanes
    a, b = R.standard_normal(n).astype("f4"), R.standard_normal(n).astype("f4")
    a[0] = b[1] = np.nan
    out = np.zeros((5, n), "f4")

    def emit(f: Function, a: Any, b: Any, out: Any) -> None:
        x, y = f.load(f.floats, a), f.load(f.floats, b)
        found = f.max(x, y), f.min(x, y), f.max(x, 0.0), f.min(0.0, x), f.select(x < y, 1.0, 0.0)
        for i, v in enumerate(found):
            f.store(v, out + 4 * n * i)

    run(host, emit, a.ctypes.data, b.ctypes.data, out.ctypes.data)
    wanted = [np.maximum(a, b), np.minimum(a, b), np.maximum(a, 0), np.minimum(a, 0), a < b]
    np.testing.assert_array_equal(out, np.array(wanted, "f4"))


def test_gather_and_scatter_follow_an_index(host: Cpu) -> None:
    n = host.lanes
    x, out = R.standard_normal(5 * n).astype("f4"), np.zeros(5 * n, "f4")

    def emit(f: Function, x: Any, out: Any) -> None:
        index, mask = f.places() * 5, f.below(n - 1)
        f.scatter(f.gather(FLOAT, x + 8, index, mask), out + 4, index, mask)

    run(host, emit, x.ctypes.data, out.ctypes.data)
    wanted = np.zeros(5 * n, "f4")
    wanted[1::5][: n - 1] = x[2::5][: n - 1]
    np.testing.assert_array_equal(out, wanted)


def test_integers_of_32_bits_wrap_and_shift(host: Cpu) -> None:
    x, out = R.integers(0, 2**32, host.lanes, dtype=np.uint32), np.zeros(host.lanes, "u4")

    def emit(f: Function, x: Any, out: Any) -> None:
        v = f.load(f.ints, x)
        f.store((v ^ (v >> 16)) * 0x7FEB352D, out)

    run(host, emit, x.ctypes.data, out.ctypes.data)
    np.testing.assert_array_equal(out, (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D))


def test_a_module_declares_what_its_functions_call(host: Cpu) -> None:
    f = Function("k", host)
    f.store(f.intrinsic("sqrt", f.splat(f.cast("sitofp", f.argument(0), FLOAT))), f.argument(1))
    text = module([f])
    assert f"declare <{host.lanes} x float> @llvm.sqrt" in text
    build(text, host)
