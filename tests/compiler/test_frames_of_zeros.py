"""Products with the zeros around a picture are left out, and what is left sums to the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulate import simulate

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, interpret
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.work import Record
from engine.compiler.plan.frames import Frame, frame
from engine.compiler.plan.planner import plan


def picture(width: int, taps: int, low: int, step: int, filters: int = 32, value: float = 0.0) -> tuple[Graph, Any]:
    """A convolution of 16 channels over padded pictures, channels or batch innermost as the plan likes it."""
    g, random = Graph(), np.random.default_rng(0)
    x = g.source("input", (4, 16, width, width), "f4", slot=0)
    w = g.source("input", (filters, 16, taps, taps), "f4", slot=1)
    around = (0, 0, low, low)
    padded = g.add(ir.Pad, x, low=around, high=around, inner=(0, 0, 0, 0), value=value)
    rows = g.add(ir.Window, padded, axis=2, taps=taps, step=step, dilation=1)
    seen = g.add(ir.Window, rows, axis=3, taps=taps, step=step, dilation=1)
    g.outputs = [g.add(ir.Contract, seen, w, left="ncpqij", right="fcij", out="nfpq")]
    inputs = [random.standard_normal(s.shape).astype("f4") for s in (x, w)]
    return g, inputs


@pytest.mark.parametrize("width", [5, 12])
@pytest.mark.parametrize("taps", [3, 5])
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_sums_are_the_same_with_less_products(width: int, taps: int, step: int, value: float) -> None:
    g, inputs = picture(width, taps, taps - 1, step, value=value)
    made = plan(g, 1)
    rows = [row.work for row in made.rows if isinstance(row, Record) and isinstance(row.work, Contraction)]
    products = sum(np.prod([*w.sizes, *w.k], dtype=int) for w in rows)
    count = g.outputs[0].shape[2]
    full = 4 * 32 * count * count * 16 * taps * taps
    assert products < full if value == 0.0 else products == full
    (found,) = simulate(made, inputs)
    (wanted,) = interpret(g, inputs)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_frame_of_zeros_is_found_behind_windows() -> None:
    g, _ = picture(12, 3, 1, 1)
    seen = g.outputs[0].node.inputs[0]
    assert frame(seen, 2, 4) == Frame(1, 1, 1, 13)
    assert frame(seen, 3, 5) == Frame(1, 1, 1, 13)
    assert frame(seen, 2, 5) is None
    assert Frame(1, 1, 1, 13).taps(0, 3) == (1, 3)
    assert Frame(1, 1, 1, 13).taps(5, 3) == (0, 3)
    assert Frame(4, 1, 9, 13).taps(0, 3) == (0, 0)
