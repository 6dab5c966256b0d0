"""Formulas of derivatives: right, readable, and swelling where nothing is shared."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import derivative as D
from engine.derivative.expression import Book
from engine.derivative.symbolic import SymbolError
from engine.ops.op import OPS


def logistic(n: int) -> Any:
    """l_1 = x, l_{n+1} = 4 l_n (1 - l_n)."""

    def f(x: Any) -> Any:
        for _ in range(n - 1):
            x = 4 * x * (1 - x)
        return x

    return f


def truth(n: int, x: float) -> float:
    """The derivatives of Baydin et al. (2018), Table 1, as the table has them."""
    table = {
        1: lambda x: 1.0,
        2: lambda x: 4 * (1 - x) - 4 * x,
        3: lambda x: 16 * (1 - x) * (1 - 2 * x) ** 2 - 16 * x * (1 - 2 * x) ** 2 - 64 * x * (1 - x) * (1 - 2 * x),
        4: lambda x: (
            128 * x * (1 - x) * (-8 + 16 * x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2)
            + 64 * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2
            - 64 * x * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2
            - 256 * x * (1 - x) * (1 - 2 * x) * (1 - 8 * x + 8 * x**2) ** 2
        ),
    }
    return table[n](x)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("x", [0.1, 0.3, 0.77])
def test_the_logistic_map_has_the_derivatives_of_the_survey_in_all_four_ways(n: int, x: float) -> None:
    for way in (D.symbolic, D.forward, D.reverse, lambda f, x: D.differences(f, x, kind="richardson")):
        assert way(logistic(n), x).number == pytest.approx(truth(n, x), rel=1e-8, abs=1e-9)


def test_a_formula_swells_without_sharing_and_grows_by_a_constant_with_it() -> None:
    formulas = [D.formula(logistic(n), 0.3) for n in range(2, 12)]
    trees, graphs = [f.size() for f in formulas], [f.size(sharing=True) for f in formulas]
    assert all(later > 3.5 * earlier for earlier, later in itertools.pairwise(trees[1:]))
    assert len(set(np.diff(graphs[1:]))) == 1
    assert trees[-1] > 1_000_000
    assert graphs[-1] < 150


def test_operations_without_sharing_are_counted_without_being_done() -> None:
    wide, narrow = D.symbolic(logistic(30), 0.3, sharing=False), D.symbolic(logistic(30), 0.3)
    assert wide.number == narrow.number
    assert wide.cost.total > 10**14 > 10**3 > narrow.cost.total


# ---------------------------------------------------------------------------------------------- how it is said
def test_formulas_read_like_formulas() -> None:
    assert D.formula(lambda x: x * x.sin(), 1.0).text() == "sin(x) + x * cos(x)"
    assert D.formula(lambda x, y: x**2 * y + 3, 1.0, 1.0).text() == "2 * y * x\nx ** 2"
    assert D.formula(lambda x: (x - 1) / (x + 1), 1.0).text() == "1 / (x + 1) - (x - 1) / (x + 1) / (x + 1)"
    assert D.formula(lambda x: -(x**3), 1.0).text() == "-3 * x ** 2"
    assert repr(D.formula(lambda x: x.exp(), 1.0)) == "exp(x)"


def test_latex_comes_from_each_op() -> None:
    assert D.formula(lambda x1: x1.sin() * 2, 1.0).latex() == r"2 \cdot \cos(x_{1})"
    assert r"\frac{1}{x}" in D.formula(lambda x: x.log() + x.sqrt(), 1.0).latex()
    assert D.latex([D.formula(lambda x: (x + 1) * x, 1.0).value]) == r"(x + 1) \cdot x"


def test_what_occurs_twice_gets_a_name_and_a_line() -> None:
    source = D.formula(logistic(3), 0.3).python()
    assert source.splitlines()[:2] == ["def derivative(x):", "    t1 = 1 - x"]
    assert "t1" in D.formula(logistic(3), 0.3).text(sharing=True)


def test_a_formula_becomes_a_function_of_numbers_or_tensors_that_can_be_differentiated_again() -> None:
    f = D.formula(lambda x: x.exp() * x.sin(), 1.0).function()
    assert f(0.5).item() == pytest.approx(np.exp(0.5) * (np.sin(0.5) + np.cos(0.5)))
    assert D.reverse(f, 0.5).number == pytest.approx(2 * np.exp(0.5) * np.cos(0.5))
    assert "return" in f.source


def test_a_formula_that_is_too_long_to_write_out_says_so() -> None:
    with pytest.raises(ValueError, match="sharing=True"):
        D.formula(logistic(12), 0.3).text()


def test_a_deep_formula_needs_no_recursion_and_still_compiles() -> None:
    def f(x: Any) -> Any:
        for _ in range(2000):
            x = (x * 0.999).sin()
        return x

    found = D.formula(f, 0.5)
    assert found.function()(0.5).item() == pytest.approx(D.reverse(f, 0.5).number)


# -------------------------------------------------------------------------------------------------- algebra
def test_the_laws_of_algebra() -> None:
    book = Book()
    x, y = (book.symbol(n, (), np.dtype("f8")) for n in "xy")

    def make(name: str, *parts: Any) -> Any:
        given = tuple(book.number(p) if isinstance(p, int | float) else p for p in parts)
        return book.call(OPS[name], given, {}, (), np.dtype("f8"))

    def said(e: Any) -> str:
        return D.text([e])

    product = make("mul", x, y)
    assert make("mul", y, 1) is y
    assert make("add", 0, product) is product
    assert make("mul", 0, product).is_number(0)
    assert make("neg", make("neg", x)) is x
    assert make("sub", product, product).is_number(0)
    assert make("mul", 2, make("mul", 3, x)) is make("mul", 6, x)
    assert make("add", make("mul", 2, x), make("mul", 3, x)) is make("mul", 5, x)
    assert said(make("mul", make("mul", 2, x), make("neg", y))) == "-2 * x * y"
    assert said(make("sub", x, make("mul", -2, y))) == "x + 2 * y"
    assert make("exp", 0).is_number(1)
    assert make("pow", x, 1) is x
    assert make("div", x, x).is_number(1)


def test_without_simplification_every_step_stands_there() -> None:
    plain, simple = (D.formula(lambda x: x * 1 + 0, 2.0, simplify=s) for s in (False, True))
    assert simple.text() == "1"
    assert plain.size() > simple.size()


# ----------------------------------------------------------------------------------------- loops, branches, shapes
def test_a_branch_on_a_value_is_refused_with_the_reason_and_a_way_out() -> None:
    for f in (
        lambda x: x * x if x > 0 else -x,
        lambda x: x * int(x),
        lambda x: x ** x.item(),
        lambda x: next(x for _ in range(int(x))),
    ):
        with pytest.raises(SymbolError, match="Forward and reverse mode"):
            D.formula(f, 2.0)
    assert D.reverse(lambda x: x * x if x > 0 else -x, 3.0).number == 6.0
    assert D.forward(lambda x: x * x if x > 0 else -x, -3.0).number == -1.0


def test_recursion_over_numbers_and_where_over_values_are_formulas() -> None:
    def power(x: Any, n: int) -> Any:
        return 1 if n == 0 else power(x * x, n // 2) if n % 2 == 0 else x * power(x, n - 1)

    assert D.symbolic(lambda x: power(x, 13), 1.1).number == pytest.approx(13 * 1.1**12)
    kink = D.formula(lambda x: engine.where(x > 0, x * x, -x), 1.0).function()
    assert (kink(3.0).item(), kink(-3.0).item()) == (6.0, -1.0)


def test_tensors_have_formulas_too() -> None:
    rng = np.random.default_rng(0)
    w, x = engine.tensor(rng.normal(size=(3, 2))), engine.tensor(rng.normal(size=2))

    def f(w: Any, x: Any) -> Any:
        return (w @ x).tanh().sum()

    found, known = D.symbolic(f, w, x), D.reverse(f, w, x)
    for a, b in zip(found.jacobians, known.jacobians, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert "tanh" in D.formula(f, w, x).text(sharing=True)


def test_a_vector_of_outputs_has_a_row_for_each() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y, x + y**2, x.sin()

    for way in (D.symbolic, D.forward, D.reverse):
        found = way(f, 2.0, 3.0)
        np.testing.assert_allclose(found.jacobians[0], [3, 1, np.cos(2.0)])
        np.testing.assert_allclose(found.jacobians[1], [2, 6, 0])


def test_writes_in_place_are_part_of_the_formula() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        y += x.sin()
        y.mul_(x)
        return y

    assert D.symbolic(f, 0.7).number == pytest.approx(D.reverse(f, 0.7).number)


# ----------------------------------------------------------------------------------------------- random programs
UNARY = ("sin", "cos", "exp", "tanh", "sigmoid", "square", "atan", "neg")
STEP = st.tuples(st.sampled_from((*UNARY, "add", "sub", "mul", "div")), st.integers(0, 9), st.integers(0, 9))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=8), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_random_programs_agree_in_every_way_and_with_pytorch(steps: Any, x: float, y: float) -> None:
    torch = pytest.importorskip("torch")

    def f(x: Any, y: Any) -> Any:
        known = [x, y]
        for name, i, j in steps:
            a, b = known[i % len(known)], known[j % len(known)]
            if name in UNARY:
                known.append(-a if name == "neg" else getattr(a, name)())
            else:
                known.append(
                    {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b * 0.5,
                     "div": lambda a, b: a / (b * b + 1)}[name](a, b)
                )  # fmt: skip
        return known[-1] + 0 * x

    points = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y)]
    expected = [g.item() for g in torch.autograd.grad(f(*points), points, allow_unused=True, materialize_grads=True)]
    if not np.all(np.isfinite(expected)) or max(map(abs, expected)) > 1e8:
        return
    plain = D.formula(f, x, y).function(sharing=True)(x, y)
    found = [D.symbolic(f, x, y), D.symbolic(f, x, y, simplify=False), D.forward(f, x, y), D.reverse(f, x, y)]
    for way in found:
        np.testing.assert_allclose([float(j) for j in way.jacobians], expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose([float(p) for p in plain], expected, rtol=1e-7, atol=1e-9)
