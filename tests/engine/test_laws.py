"""Laws that every op obeys, case by case. Adding an op adds its tests."""

import numpy as np
import pytest
from samples import CASES, SMOOTH, arrays, floats, run, tensors

from engine.autodiff import grad
from engine.elements import Abstract
from engine.errors import ArgumentError
from engine.forward import jvp
from engine.ops import OPS, Case, Op
from engine.ops.op import FUNCTIONS, Comparison, function
from engine.tensor import Tensor, abstract, wrap


def weight(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape)


def tangents(inputs: list) -> list:
    rng = np.random.default_rng(1)
    return [wrap(np.asarray(rng.normal(size=t.shape))) for t in floats(inputs)]


def forward_mode(op: type[Op], case: Case, inputs: list, directions: list) -> np.ndarray:
    """The derivative along the directions (one for every float input)."""
    places = [i for i, t in enumerate(inputs) if t.array.dtype.kind == "f"]

    def f(*moved):
        full = list(inputs)
        for place, value in zip(places, moved, strict=True):
            full[place] = value
        return run(op, case, full)

    return jvp(f, tuple(floats(inputs)), tuple(directions))[1].array


@pytest.mark.parametrize(("op", "case"), CASES)
def test_the_shape_rule_tells_the_truth(op: type[Op], case: Case) -> None:
    inputs = tensors(case, "float32")
    y = run(op, case, inputs)
    hollow = [abstract(t.shape, t.dtype) if t.array.dtype.kind == "f" else t for t in inputs]
    inferred = run(op, case, hollow)
    assert (inferred.shape, inferred.dtype) == (y.shape, y.dtype)


@pytest.mark.parametrize(("op", "case"), CASES)
def test_the_shape_rule_says_the_same_of_arrays_and_of_hollow_ones(op: type[Op], case: Case) -> None:
    given = [t.array for t in tensors(case, "float32")]
    for inputs in (given, [Abstract.of(a) for a in given]):
        inferred = op.infer(*inputs, **case.attrs)
        assert inferred.__class__ is Abstract
        assert inferred.shape.__class__ is tuple
        assert all(n.__class__ is int for n in inferred.shape)
        assert not any(inferred is a for a in inputs)


@pytest.mark.parametrize(("op", "case"), CASES)
def test_the_inputs_stay_as_they_were(op: type[Op], case: Case) -> None:
    inputs = tensors(case)
    before = [t.array.copy() for t in inputs]
    y = run(op, case, inputs)
    if y.requires_grad:
        y.backward(wrap(np.asarray(weight(y.shape))))
    for t, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(t.array, old)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_forward_mode_matches_finite_differences(op: type[Op], case: Case) -> None:
    inputs = tensors(case, grad=False)
    directions = tangents(inputs)
    step = 1e-6
    moved = {id(t): v.array for t, v in zip(floats(inputs), directions, strict=True)}
    up, down = (
        [wrap(np.asarray(t.array + s * moved[id(t)])) if id(t) in moved else t for t in inputs] for s in (step, -step)
    )
    numeric = (run(op, case, up).array - run(op, case, down).array) / (2 * step)
    np.testing.assert_allclose(forward_mode(op, case, inputs, directions), numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_reverse_and_forward_mode_are_adjoint(op: type[Op], case: Case) -> None:
    inputs = tensors(case)
    directions = tangents(inputs)
    y = run(op, case, inputs)
    w = weight(y.shape)
    gradients = grad(y, floats(inputs), wrap(w), materialize_grads=True)
    left = sum(float((g.array * v.array).sum()) for g, v in zip(gradients, directions, strict=True))
    right = float((w * forward_mode(op, case, tensors(case, grad=False), directions)).sum())
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_a_gradient_has_a_gradient_that_matches_finite_differences(op: type[Op], case: Case) -> None:
    inputs = tensors(case)
    directions = tangents(inputs)

    def slope(values: list) -> list:
        y = run(op, case, values)
        return grad(y, floats(values), wrap(np.asarray(weight(y.shape))), create_graph=True, materialize_grads=True)

    def along(values: list) -> float:
        return sum(float((g.array * v.array).sum()) for g, v in zip(slope(values), directions, strict=True))

    total = sum((g * v).sum() for g, v in zip(slope(inputs), directions, strict=True))
    if not total.requires_grad:
        analytic = [np.zeros(t.shape) for t in floats(inputs)]
    else:
        analytic = [g.array for g in grad(total, floats(inputs), materialize_grads=True)]
    left = sum(float((g * v.array).sum()) for g, v in zip(analytic, directions, strict=True))
    step = 1e-5
    moved = {id(t): v.array for t, v in zip(floats(inputs), directions, strict=True)}
    shifted = []
    for s in (step, -step):
        values = [wrap(np.asarray(t.array + s * moved[id(t)])) if id(t) in moved else t for t in inputs]
        for t in floats(values):
            t.requires_grad = True
        shifted.append(along(values))
    np.testing.assert_allclose(left, (shifted[0] - shifted[1]) / (2 * step), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("op", "case"), CASES)
def test_float32_gives_float32_and_the_same_numbers(op: type[Op], case: Case) -> None:
    single, double = run(op, case, tensors(case, "float32")), run(op, case, tensors(case))
    if double.array.dtype.kind == "f":
        assert single.array.dtype == np.float32
        np.testing.assert_allclose(single.array, double.array, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", sorted(OPS))
def test_an_op_says_what_it_is(name: str) -> None:
    op = OPS[name]
    assert op.__doc__
    assert op.latex
    assert op.jvp in ("linear", "multilinear", "elementwise", None)
    assert op.cases or op.vjp is None or issubclass(op, Comparison) or name in INTERNAL


def test_two_ops_or_two_compositions_never_share_a_name() -> None:
    with pytest.raises(ArgumentError, match="no other op"):
        type("Sin", (Op,), {})
    with pytest.raises(ArgumentError, match="no other composition"):
        function(FUNCTIONS["mv"])


INTERNAL = {
    "cast",
    "transfer",
    "put_view",
    "cholesky_lower",
    "eigh_parts",
    "max_pool_backward",
    "max_pool_gather",
    "standardize",
    "standardize_backward",
    "igamma",
    "igammac",
    "nextafter",
    "special_zeta",
}
"""Covered by the tests of their users, or (the last four) by PyTorch's samples: one of their inputs has no slope."""


def test_samples_are_the_same_every_time() -> None:
    first = OPS["mul"].cases[0]
    for a, b in zip(arrays(first), arrays(first), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_a_gradient_that_is_computed_when_needed_has_memory_of_its_own(op: type[Op], case: Case) -> None:
    inputs = tensors(case)
    y = run(op, case, inputs).detach()
    g = wrap(np.asarray(weight(y.shape)))
    inputs = [t.detach() for t in inputs]
    made = [
        slope() for slope in op.vjp(g, y, *inputs, **case.attrs) if callable(slope) and not isinstance(slope, Tensor)
    ]
    for k, slope in enumerate(made):
        others = [g, y, *inputs, *made[:k]]
        assert slope.array.base is not None or not any(np.shares_memory(slope.array, t.array) for t in others)
