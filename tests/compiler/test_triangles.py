"""Where attention may only look back, products with the zeros behind are left out; the numbers stay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from simulate import simulate

from engine.compiler.graph.ir import Contract, Graph, interpret
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.work import Record
from engine.compiler.plan.planner import plan
from engine.compiler.plan.triangles import Before, triangles


def attention(allowed: Any, beyond: float = -math.inf) -> tuple[Graph, list[Any]]:
    """Scores, what they let pass, and slopes as on the way back."""
    n, g, random = len(allowed), Graph(), np.random.default_rng(0)
    q, k, v = (g.source("input", (2, n, 32), "f4", slot=slot) for slot in range(3))
    scores = g.add(Contract, q, k, left="bqd", right="bkd", out="bqk")
    seen = g.map("where", g.expand(g.constant(allowed), scores.shape), scores, beyond)
    large = g.expand(g.reduce(seen, "max", (2,), keepdim=True), scores.shape)
    shares = g.map("exp", g.map("sub", seen, large))
    total = g.expand(g.reduce(shares, "sum", (2,), keepdim=True), scores.shape)
    shares = g.map("mul", shares, g.map("div", 1.0, total))
    forth = g.add(Contract, shares, v, left="bqk", right="bkd", out="bqd")
    back = g.add(Contract, shares, q, left="bqk", right="bqd", out="bkd")
    g.outputs = [forth, back]
    return g, [random.standard_normal((2, n, 32)).astype("f4") for _ in range(3)]


def products(made: Any) -> int:
    rows = [row.work for row in made.rows if isinstance(row, Record) and isinstance(row.work, Contraction)]
    return sum(math.prod((*w.sizes, *w.k)) for w in rows)


@pytest.mark.parametrize("n", [32, 64, 70, 150])
def test_no_place_looks_at_those_behind_it(n: int) -> None:
    g, inputs = attention(np.tril(np.ones((n, n), bool)))
    wanted, made = interpret(g, inputs), plan(g, 1)
    full = 2 * n * n * 32
    assert full * 2 <= products(made) <= full * (1 + 2 * 0.8)
    for found, expected in zip(simulate(made, inputs), wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", ["one more", "upper", "small", "another number"])
def test_what_is_no_triangle_of_zeros_is_summed_in_full(case: str) -> None:
    n = 20 if case == "small" else 48
    allowed = np.tril(np.ones((n, n), bool), 1 if case == "one more" else 0)
    g, inputs = attention(allowed.T if case == "upper" else allowed, -1.0 if case == "another number" else -math.inf)
    wanted, made = interpret(g, inputs), plan(g, 1)
    assert products(made) == 3 * 2 * n * n * 32
    for found, expected in zip(simulate(made, inputs), wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_zeros_are_followed_through_maps() -> None:
    g = Graph()
    mask, x = g.constant(np.tril(np.ones((40, 40), bool))), g.source("input", (3, 40, 40), "f4", slot=0)
    seen = g.map("where", g.expand(mask, x.shape), x, 0.0)
    scaled = g.map("mul", x, seen)
    g.outputs = [g.map("add", scaled, 1.0), g.map("div", x, scaled), g.map("exp", seen)]
    found = triangles(g)
    assert {i: (t.own, t.other, t.beyond) for i, t in found.items()} == {id(v): (1, 2, 0.0) for v in (seen, scaled)}


def test_stretches_of_rows_end_at_their_last_place() -> None:
    assert [Before(True).taps(p, 64) for p in (0, 15, 16, 63)] == [(0, 16), (0, 16), (0, 32), (0, 64)]
    assert [Before(False).taps(p, 64) for p in (0, 15, 16, 63)] == [(0, 64), (0, 64), (16, 64), (48, 64)]
    assert Before(True).taps(69, 70) == (0, 70)
