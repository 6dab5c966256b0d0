"""The error function against the C library's, one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.ops.errorfunction import FEW, MANY, erf


def exact(x: np.ndarray) -> np.ndarray:
    return np.array([math.erf(v) for v in x.tolist()])


@pytest.mark.parametrize(("dtype", "units"), [("f4", 7), ("f8", 3)])
@pytest.mark.parametrize("count", [FEW - 1, FEW, MANY + 1])
def test_it_is_right_to_a_few_units_of_the_last_place(dtype: str, units: int, count: int) -> None:
    steps = np.geomspace(1e-6, 6.5, count // 2)
    x = np.concatenate([-steps, steps]).astype(dtype)
    found, truth = erf(np, x), exact(x)
    assert found.dtype == dtype
    assert (np.abs(found - truth) <= units * np.spacing(np.abs(truth).astype(dtype))).all()
    assert np.abs(found).max() == 1


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("count", [7, 7 * FEW, 7 * MANY])
def test_its_ends_are_1_nothing_stays_nothing_and_no_number_none(dtype: str, count: int) -> None:
    x = np.resize(np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 40.0, -40.0], dtype), count)
    found = erf(np, x)[:7]
    np.testing.assert_array_equal(found, [1, -1, np.nan, 0, 0, 1, -1])
    assert np.signbit(found[4])


def test_half_precision_is_right_to_its_last_place() -> None:
    x = np.linspace(-4, 4, 3 * FEW).astype(np.float16)
    found = erf(np, x)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, exact(x.astype("f8")), rtol=1e-3, atol=1e-7)
