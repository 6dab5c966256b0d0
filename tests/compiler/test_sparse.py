"""Products that leave zeros out, on every processor that we can be, and where a plan has them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import held, run, run_special, seen
from simulate import simulate
from steps import same_gradients
from test_contract import SUM, Arena, check, wanted

import engine
from engine import nn
from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, interpret
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.sparse import DEPTH, LISTS, PAIRS, Sparse, sparse
from engine.compiler.kernels.work import Operand, Store
from engine.compiler.machine.cpu import Cpu, host
from engine.compiler.plan import zeros
from engine.compiler.plan.planner import plan
from engine.compiler.plan.zeros import often_zero


@pytest.fixture(params=HOSTS, ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


def product(m: int, n: int, k: int, share: float = 0.5, turned: bool = False) -> Sparse:
    """A product whose rows read number by number have this share of numbers that are not zero, or none at all."""
    arena = Arena(m + n + k)
    a = arena.operand((m, k), unit=0 if turned else 1)
    a.buffer.array[arena.random.random(a.buffer.count) >= share] = 0
    seen(a, (m, k))[arena.random.random(m) < 0.1] = 0
    return Sparse(
        (), m, n, (k,), a, arena.operand((n, k), unit=0), (SUM,), (arena.operand((m, n), unit=1),), (Store(0, 0),)
    )


SIZES = [(2, 16, 1), (1, 5, 3), (16, 48, 32), (17, 49, 33), (31, 130, 64), (65, 100, 65), (40, 784, 63), (33, 70, 300),
         (2 * PAIRS + 3, 64, 40), (21, 50, DEPTH * LISTS // 8 + 5)]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("how", [run, run_special])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_zeros_are_left_out_of_sums(cpu: Cpu, size: Any, how: Any, turned: bool) -> None:
    work = product(*size, turned=turned)
    check(work, cpu, wanted(work), how)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.9, 1.0])
def test_however_many_there_are(cpu: Cpu, share: float) -> None:
    work = product(37, 120, 150, share)
    check(work, cpu, wanted(work))


def test_pieces_have_the_same_bits_as_the_whole(cpu: Cpu) -> None:
    for size in ((67, 130, 100), (20, 500, 64)):
        work = product(*size)
        found = seen(work.operands[0], work.sizes)
        run(work, cpu)
        whole = found.copy()
        for parts in (2, 3, 5):
            found[...] = 0
            pieces = work.split(parts)
            assert len(pieces) == parts
            for piece in pieces:
                run(piece, cpu)
            np.testing.assert_array_equal(found, whole)


def test_what_follows_a_sum_follows_every_row(cpu: Cpu) -> None:
    """Also those of zeros only; what is there already may be added."""
    work = product(35, 90, 70)
    bias = Operand(held(np.random.default_rng(1).standard_normal(90).astype("f4")), 0, (0, 1))
    body = (SUM, ("load", 0), ("add", 0, 1), ("load", 1), ("add", 2, 3))
    work = replace(work, body=body, operands=(bias, *work.operands), stores=(Store(1, 4),))
    check(work, cpu, wanted(work) + seen(work.operands[1], work.sizes).astype("f8") + bias.buffer.array)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("place", [0, 70, 140])
def test_zero_times_infinity_is_no_number(cpu: Cpu, number: float, place: int) -> None:
    """As everywhere: a sum that meets what is not finite is not, and all others are what they are."""
    work = product(36, 130, 150, turned=True)
    b = seen(work.b, (work.n, 150))
    b[100, place] = number
    with np.errstate(invalid="ignore"):
        check(work, cpu, wanted(work))
    a = seen(work.a, (work.m, 150))
    assert (a[:, place] == 0).any()
    assert np.isnan(seen(work.operands[0], work.sizes)[a[:, place] == 0, 100]).all()


def test_numbers_that_are_not_finite_are_no_zeros(cpu: Cpu) -> None:
    work = product(20, 60, 40)
    seen(work.a, (work.m, 40))[3, 5] = np.nan
    check(work, cpu, wanted(work))


def test_small_ones_and_those_that_lie_otherwise_stay_as_they_are() -> None:
    arena = Arena(2)

    def contraction(
        m: int, n: int, k: tuple[int, ...], outer: tuple[int, ...] = (), unit: int | None = 0
    ) -> Contraction:
        a, b = arena.operand((*outer, m, *k), unit=unit), arena.operand((*outer, n, *k), unit=len(outer))
        return Contraction(outer, m, n, k, a, b, (SUM,), (arena.operand((*outer, m, n)),), (Store(0, 0),))

    assert isinstance(sparse(contraction(16, 48, (32,))), Sparse)
    assert isinstance(sparse(contraction(16, 48, (32,), unit=1)), Sparse)
    others = [contraction(15, 48, (32,)), contraction(16, 47, (32,)), contraction(16, 48, (31,)),
              contraction(16, 48, (1025,)), contraction(64, 64, (8, 8)), contraction(64, 64, (64,), (3,))]  # fmt: skip
    assert [sparse(work) for work in others] == [None] * len(others)
    gaps = contraction(16, 48, (32,))
    assert sparse(replace(gaps, a=gaps.a._replace(strides=(2, 40)))) is None


# ------------------------------------------------------------------------------------------------------- in a plan
def test_what_relu_makes_and_sends_back_is_often_zero() -> None:
    g = Graph()
    x, y = (g.source("input", (6, 8), "f4", slot=slot) for slot in (0, 1))
    relu, mask = g.map("max", x, 0.0), g.cast(g.map("gt", x, 0.0), ir.FLOAT)
    often = [relu, g.map("mul", y, mask), g.map("mul", relu, 0.5), g.map("div", relu, y), g.map("min", relu, 6.0),
             g.map("where", g.map("le", x, 0.0), 0.0, y), g.reshape(relu, (48,)),
             g.add(ir.Permute, g.map("mul", mask, y), order=(1, 0))]  # fmt: skip
    seldom = [x, mask, g.map("max", x, y), g.map("max", x, 1.0), g.map("add", relu, y), g.map("exp", relu),
              g.map("where", g.map("gt", x, 0.0), x, g.map("mul", x, 0.01)), g.map("where", g.map("gt", x, y), x, 0.0),
              g.map("mul", x, g.cast(g.map("gt", x, 0.3), ir.FLOAT))]  # fmt: skip
    assert [often_zero(v) for v in often] == [True] * len(often)
    assert [often_zero(v) for v in seldom] == [False] * len(seldom)
    assert not often_zero(0.0)


def test_long_chains_of_factors_are_walked_once() -> None:
    """h * h, a hundred times, is not looked at 2 ** 100 times; a thousand factors are no recursion."""
    g = Graph()
    x = square = chain = g.source("input", (6, 8), "f4", slot=0)
    for _ in range(100):
        square = g.map("mul", square, square)
    for _ in range(3000):
        chain = g.map("mul", chain, x)
    assert not often_zero(square)
    assert not often_zero(chain)
    assert often_zero(g.map("mul", g.map("max", x, 0.0), g.map("mul", square, chain)))


def layers(activation: Callable[[], nn.Module]) -> Any:
    engine.manual_seed(0)
    return nn.Sequential(nn.Linear(70, 100), activation(), nn.Linear(100, 64), activation(), nn.Linear(64, 10))


def kept(activation: Callable[[], nn.Module]) -> list[str]:
    """The rows of a step that leave out zeros; its losses and gradients are those of PyTorch's semantics."""
    model, twin = layers(activation), layers(activation)
    x, y = engine.randn(64, 70), engine.randint(0, 10, (64,))

    def step_of(network: Any) -> Any:
        optimizer = engine.optim.SGD(network.parameters(), lr=0.1)

        def step(x: Any, y: Any) -> float:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()  # type: ignore[no-any-return]

        return step

    fast, slow = engine.compile(step_of(model), threads=2), step_of(twin)
    for _ in range(6):
        np.testing.assert_allclose(fast(x, y), slow(x, y), rtol=2e-5)
    fast.wait()
    for _ in range(6):
        np.testing.assert_allclose(fast(x, y), slow(x, y), rtol=2e-5)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=2e-4, atol=2e-6)
    return [row.what for page in fast.explain().pages for row in page.rows if row.what == "sparse"]


@pytest.mark.skipif(host().lanes != 16, reason="this processor cannot move the lanes of a mask together")
def test_networks_with_relu_leave_out_zeros() -> None:
    assert len(kept(nn.ReLU)) >= 3
    assert not kept(nn.Tanh)


class Shortcut(nn.Module):
    """What a layer behind ReLU adds to what comes in."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(size, size)

    def forward(self, x: Any) -> Any:
        return nn.functional.relu(x + self.layer(x))


@pytest.mark.parametrize("seed", range(8))
def test_networks_at_random_have_the_gradients_of_eager_ones(seed: int) -> None:
    draw = random.Random(seed)
    batch, sizes = draw.randint(16, 220), [draw.randint(20, 400) for _ in range(draw.randint(3, 5))]
    kinds = [draw.choice([nn.ReLU, nn.ReLU, nn.ReLU6, nn.Tanh]) for _ in sizes]
    norms, shortcuts = [draw.random() < 0.2 for _ in sizes], draw.random() < 0.3

    def made() -> nn.Module:
        parts: list[Any] = []
        for (before, behind), kind, norm in zip(pairwise(sizes), kinds, norms, strict=False):
            parts += [nn.Linear(before, behind), *([nn.BatchNorm1d(behind)] if norm else []), kind()]
            parts += [Shortcut(behind)] if shortcuts else []
        return nn.Sequential(*parts, nn.Linear(sizes[-1], 7))

    engine.manual_seed(seed)
    x, y = engine.randn(batch, sizes[0]), engine.randint(0, 7, (batch,))
    same_gradients(made, x, y, draw.choice([1, 2]))


def test_other_processors_multiply_them(monkeypatch: pytest.MonkeyPatch) -> None:
    g = Graph()
    x, w = g.source("input", (64, 70), "f4", slot=0), g.source("input", (70, 80), "f4", slot=1)
    g.outputs = [g.add(ir.Contract, g.map("max", x, 0.0), w, left="bk", right="kn", out="bn")]
    numbers = np.random.default_rng(0)
    inputs = [numbers.standard_normal(v.shape).astype("f4") for v in (x, w)]
    for lanes, count in ((16, 1), (8, 0), (4, 0)):
        monkeypatch.setattr(zeros, "host", lambda lanes=lanes: Cpu("", "", lanes, 32))
        made = plan(g, 1)
        assert sum(isinstance(row.work, Sparse) for row in made.rows) == count
        np.testing.assert_allclose(simulate(made, inputs)[0], interpret(g, inputs)[0], rtol=1e-4, atol=1e-4)
