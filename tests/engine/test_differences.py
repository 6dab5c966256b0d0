"""Finite differences, and the cost of every way to differentiate one function."""

import math
from typing import Any

import numpy as np
import pytest

import engine
from engine import derivative as D


def lecture(x1: Any, x2: Any) -> Any:
    return x1.log() + x1 * x2 - x2.sin()


@pytest.mark.parametrize(("kind", "digits"), [("forward", 6), ("backward", 6), ("central", 8), ("richardson", 10)])
def test_each_kind_has_its_digits_on_the_lectures_function(kind: str, digits: int) -> None:
    found = D.differences(lecture, 2.0, 5.0, kind=kind)
    assert [float(j) for j in found.jacobians] == pytest.approx([5.5, 5.5 - 3.5 - math.cos(5.0)], abs=10.0**-digits)
    assert float(found.value) == pytest.approx(11.6521, abs=1e-4)


def test_an_unknown_kind_is_refused_and_nothing_to_differentiate_too() -> None:
    with pytest.raises(ValueError, match="central"):
        D.differences(lecture, 2.0, 5.0, kind="sideways")
    with pytest.raises(ValueError, match="point"):
        D.reverse(lecture)


@pytest.mark.parametrize(("kind", "calls"), [("forward", 4), ("backward", 4), ("central", 7), ("richardson", 31)])
def test_calls_are_counted(kind: str, calls: int) -> None:
    seen = []
    found = D.differences(lambda x: seen.append(1) or (x * x).sum(), engine.ones(3, dtype=engine.float64), kind=kind)
    assert (len(seen), found.cost.calls) == (calls, calls)
    np.testing.assert_allclose(found.jacobians[0], [2, 2, 2], rtol=1e-6)


def test_differences_see_through_branches_loops_and_recursion() -> None:
    def collatz(x: Any, n: int = 6) -> Any:
        return x if n == 0 else collatz(x / 2 if float(x) > 1 else 3 * x + x * x, n - 1)

    for x in (0.3, 2.7):
        exact = D.reverse(collatz, x).number
        assert D.forward(collatz, x).number == pytest.approx(exact)
        assert D.differences(collatz, x).number == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(("kind", "slope", "best"), [("forward", 1, 1e-8), ("central", 2, 6e-6)])
def test_the_error_is_a_v_truncation_to_the_right_and_rounding_to_the_left(kind: str, slope: int, best: float) -> None:
    curve = D.error_by_step(lambda x: x.sin(), 1.0, kind)
    right = (curve.steps > 1e-3) & (curve.steps < 0.1)
    tilt = np.polyfit(np.log10(curve.steps[right]), np.log10(curve.errors[right]), 1)[0]
    assert tilt == pytest.approx(slope, abs=0.1)
    np.testing.assert_allclose(curve.errors[right], curve.truncation[right], rtol=0.2)
    left = (curve.steps > 1e-14) & (curve.steps < best / 100)
    assert np.median(curve.errors[left] / curve.rounding[left]) == pytest.approx(0.5, abs=0.5)
    assert best / 100 < curve.best < best * 100


# ------------------------------------------------------------------------------------------------------- cost
def line(n: int, m: int) -> tuple[Any, Any]:
    """A function of n numbers with m values, and a point."""
    rng = np.random.default_rng(0)
    w = engine.tensor(rng.normal(size=(m, n)))
    return (lambda x: (w @ x).tanh()), engine.tensor(rng.normal(size=n))


@pytest.mark.parametrize(("n", "m"), [(1, 20), (20, 1), (5, 5)])
def test_forward_costs_a_pass_per_input_and_reverse_one_per_output(n: int, m: int) -> None:
    f, x = line(n, m)
    forward, reverse = D.forward(f, x), D.reverse(f, x)
    assert (forward.cost.passes, reverse.cost.passes) == (n, m)
    assert (forward.cost.calls, reverse.cost.calls) == (n, 1)
    assert forward.jacobians[0].shape == (m, n)
    np.testing.assert_allclose(forward.jacobians[0], reverse.jacobians[0], rtol=1e-12)
    if n != m:
        assert (forward.cost.total < reverse.cost.total) == (n < m)


def test_reverse_mode_keeps_values_and_forward_mode_keeps_none() -> None:
    def chain(length: int) -> Any:
        def f(x: Any) -> Any:
            for _ in range(length):
                x = x.sin()
            return x

        return f

    short, long = D.reverse(chain(10), 0.5).cost, D.reverse(chain(100), 0.5).cost
    assert (short.kept_values, long.kept_values) == (10, 100)
    assert long.kept_bytes == 800
    assert D.forward(chain(100), 0.5).cost.kept_values == 0


def test_a_matrix_product_counts_its_multiplications_and_additions() -> None:
    with D.Count() as count:
        engine.ones(2, 3) @ engine.ones(3, 4)
        engine.ones(5).sum()
        engine.ones(5).reshape(5, 1)
    assert dict(count.operations) == {"mul": 24, "add": 16 + 4}


def test_a_derivative_costs_a_small_multiple_of_the_function() -> None:
    def f(x: Any) -> Any:
        return (x.sin() * x.exp()).prod()

    x = engine.rand(50, dtype=engine.float64)
    with D.Count() as count:
        f(x)
    assert D.reverse(f, x).cost.total < 6 * sum(count.operations.values())


def test_one_record_for_all_ways() -> None:
    ways = [D.differences(lecture, 2.0, 5.0), D.symbolic(lecture, 2.0, 5.0), D.forward(lecture, 2.0, 5.0)]
    ways.append(D.reverse(lecture, 2.0, 5.0))
    assert [w.way for w in ways] == ["central differences", "symbolic", "forward mode", "reverse mode"]
    for way in ways:
        np.testing.assert_allclose(way.value, 11.652071455, rtol=1e-8)
        np.testing.assert_allclose([float(j) for j in way.jacobians], [5.5, 1.716337815], rtol=1e-6)
        assert way.cost.total > 0
    with pytest.raises(ValueError, match="one input"):
        _ = ways[0].number
