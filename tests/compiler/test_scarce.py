"""Convolutions of what is zero in most places: beside sums in double precision, and where a plan has them."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import run, run_special, seen
from steps import same_gradients, trace_step, training
from test_winograd import DIRECTIONS, convolution, error, wanted

import engine
from engine import nn
from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph
from engine.compiler.kernels import scarce as kernels
from engine.compiler.kernels import winograd
from engine.compiler.kernels.scarce import Scarce, scarce
from engine.compiler.kernels.winograd import Winograd, fewer_products
from engine.compiler.machine.cpu import Cpu, host
from engine.compiler.plan.planner import plan
from engine.compiler.plan.zeros import mostly_zero

SHAPES = [(2, 12, 12, 32, 64), (1, 5, 7, 16, 48), (2, 8, 8, 16, 16), (1, 9, 102, 32, 16), (1, 6, 5, 128, 80),
          (3, 8, 4, 48, 32), (2, 33, 26, 112, 16), (1, 8, 7, 16, 144)]  # fmt: skip
"""Pictures, rows and columns of results, channels, filters."""
HERE = pytest.mark.skipif(host().lanes != 16, reason="this processor cannot move the lanes of a mask together")


@pytest.fixture(params=[c for c in HOSTS if c.lanes == 16], ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "WORTH", 1e9)
    monkeypatch.setattr(Scarce, "cost", lambda _: 0.0)


def thinned(shape: tuple[int, ...], back: bool, share: float = 0.25) -> Any:
    """A convolution where this share of what was sent back is not zero."""
    work = convolution(shape, back)
    sent = (work.b if back else work.a).buffer.array
    sent[np.random.default_rng(0).random(sent.size) >= share] = 0
    return work


def without(work: Any) -> Scarce:
    fewer = fewer_products(work)
    assert fewer is not None
    found = scarce(fewer)
    assert found is not None
    return found


@pytest.mark.usefixtures("always")
@DIRECTIONS
@pytest.mark.parametrize("how", [run, run_special])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_without_zeros_are_as_exact_as_all_of_them(cpu: Cpu, shape: Any, back: bool, how: Any) -> None:
    work = thinned(shape, back)
    expected = wanted(work, back)
    assert error(without(work), cpu, expected, how) <= 2 * error(work, cpu, expected) + 3e-7


@pytest.mark.usefixtures("always")
@DIRECTIONS
@pytest.mark.parametrize("width", [16, 17, 20, 31, 33, 40, 47, 70])
def test_what_is_sent_need_not_be_whole_vectors(cpu: Cpu, back: bool, width: int) -> None:
    work = thinned((2, 9, 11, 32, width) if back else (2, 9, 11, width, 32), back)
    expected = wanted(work, back)
    assert error(without(work), cpu, expected) <= 2 * error(work, cpu, expected) + 3e-7


@pytest.mark.usefixtures("always")
@DIRECTIONS
@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_however_many_there_are(cpu: Cpu, share: float, back: bool) -> None:
    work = thinned((2, 30, 22, 32, 48), back, share)
    target, found = work.operands[-1], without(work)
    target.buffer.array[:] = np.nan
    run(found, cpu)
    np.testing.assert_allclose(seen(target, found.sizes), wanted(work, back), rtol=1e-4, atol=1e-3)


@pytest.mark.usefixtures("always")
@DIRECTIONS
def test_zero_times_infinity_is_no_number(cpu: Cpu, back: bool) -> None:
    work = thinned((2, 12, 12, 32, 64), back)
    other = (work.a if back else work.b).buffer.array
    other[other.size // 2] = np.inf
    target, found = work.operands[-1], without(work)
    run(found, cpu)
    with np.errstate(invalid="ignore"):
        expected = wanted(work, back)
    unlike = np.isnan(expected)
    assert unlike.any()
    assert np.isnan(seen(target, found.sizes))[unlike].all()


@pytest.mark.usefixtures("always")
@DIRECTIONS
def test_pieces_have_the_same_bits_and_the_same_code(cpu: Cpu, back: bool) -> None:
    whole = without(thinned((4, 12, 10, 16, 80), back))
    found = seen(whole.operands[-1], whole.sizes)
    run(whole, cpu)
    kept = found.copy()
    for parts in (2, 3):
        found[...] = 0
        pieces = whole.split(parts)
        assert len(pieces) == parts
        for piece in pieces:
            assert piece.key == whole.key
            run(piece, cpu)
        np.testing.assert_array_equal(found, kept)


@pytest.mark.usefixtures("always")
def test_other_processors_are_never_asked_to() -> None:
    for cpu in (c for c in HOSTS if c.lanes != 16):
        with pytest.raises(ir.CompilerError, match="vectors of 16"):
            run(without(thinned((2, 12, 12, 32, 64), True)), cpu)


@pytest.mark.usefixtures("always")
@DIRECTIONS
def test_what_does_not_fit_stays_as_it_is(back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(shape: tuple[int, ...]) -> Scarce | None:
        fewer = fewer_products(convolution(shape, back))
        return scarce(fewer) if fewer is not None else None

    assert found((2, 12, 12, 32, 64)) is not None
    picture, other = (32, 20) if back else (20, 32)  # channels, filters
    assert found((2, 12, 12, picture, other)) is not None
    assert found((2, 12, 12, other, picture)) is None  # not whole vectors of what the sums hold
    monkeypatch.setattr(kernels, "SUMS", 1000)
    assert found((2, 12, 12, 32, 64)) is None


def pooled(g: Graph, x: Any, window: int = 2, numbers: Any = None) -> Any:
    """What a pool sends back to the largest in each window along one axis."""
    number = g.source("input", (6, 8), "f4", slot=1)
    places = np.arange(window, dtype="f4") if numbers is None else np.array(numbers, "f4")
    which = g.source("constant", (window,), "f4", array=places)
    shape = (6, 8, window)
    whole, sent = (g.add(ir.Expand, g.reshape(v, (6, 8, 1)), shape=shape) for v in (number, x))
    return g.map("where", g.map("eq", whole, g.add(ir.Expand, which, shape=shape)), sent, 0.0)


def test_what_a_pool_sends_back_is_known_to_be_mostly_zero() -> None:
    g = Graph()
    x = g.source("input", (6, 8), "f4", slot=0)
    four = pooled(g, x, 4)
    mask = g.cast(g.map("gt", g.add(ir.Expand, g.reshape(x, (6, 8, 1)), shape=(6, 8, 4)), 0.0), ir.FLOAT)
    often = [four, g.map("mul", four, mask), g.map("mul", mask, four), g.reshape(four, (48, 4)),
             g.map("div", four, 2.0),
             g.add(ir.Pad, g.reshape(four, (48, 4)), low=(2, 2), high=(2, 2), inner=(0, 0), value=0.0)]  # fmt: skip
    seldom = [x, pooled(g, x, 2), pooled(g, x, 4, [0, 1, 1, 2]), g.map("add", four, mask), g.map("max", four, mask),
              g.map("where", g.map("eq", mask, four), mask, 0.0), mask, 0.0]  # fmt: skip
    assert [mostly_zero(v) for v in often] == [True] * len(often)
    assert [mostly_zero(v) for v in seldom] == [False] * len(seldom)


def counted(works: list[Any]) -> list[tuple[bool, bool]]:
    """Which products leave zeros out, and whether they are gradients of taps."""
    return [(isinstance(w, Scarce), w.back) for w in works if isinstance(w, Winograd | Scarce)]


@HERE
@pytest.mark.parametrize("padding", [0, 1])
def test_networks_with_pools_have_the_same_gradients_without_zeros(padding: int) -> None:
    def made() -> nn.Module:
        parts = (nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2))
        size = (18 + 2 * padding - 2) // 2
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(32 * size * size, 5))

    x, y = engine.randn(24, 1, 20, 20), engine.randint(0, 5, (24,))
    for threads in (1, 2):
        found = counted(same_gradients(made, x, y, threads))
        assert (True, True) in found
        assert (True, False) in found


POOLS: list[Callable[[], nn.Module]] = [
    *[lambda: nn.MaxPool2d(2)] * 3, *[lambda: nn.MaxPool2d(3)] * 2, lambda: nn.MaxPool2d(2, padding=1),
    lambda: nn.MaxPool2d(3, 1), lambda: nn.AvgPool2d(2),
]  # fmt: skip


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("seed", range(16))
def test_convolutions_and_pools_at_random_have_the_gradients_of_eager_ones(seed: int) -> None:
    draw = random.Random(seed)
    batch, size, widths = draw.choice([1, 3, 16]), draw.randint(14, 26), [draw.choice([1, 16])]
    widths += [draw.choice([16, 20, 32, 33, 48]) for _ in range(2)]
    around = [(draw.choice([nn.ReLU, nn.ReLU, nn.Tanh, nn.Identity]), draw.choice(POOLS), draw.random() < 0.3)
              for _ in widths[1:]]  # fmt: skip
    paddings = [draw.randint(0, 1), 1]

    def made() -> nn.Module:
        parts: list[Any] = []
        for (before, behind), (kind, pool, later), padding in zip(pairwise(widths), around, paddings, strict=True):
            both = [pool(), kind()] if later else [kind(), pool()]
            parts += [nn.Conv2d(before, behind, 3, padding=padding), *both]
        head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * widths[-1], 7))
        return nn.Sequential(*parts, *head)

    engine.manual_seed(seed)
    x, y = engine.randn(batch, widths[0], size, size), engine.randint(0, 7, (batch,))
    same_gradients(made, x, y, draw.choice([1, 2]))


@HERE
def test_gradients_of_other_pools_are_multiplied_whole() -> None:
    def works(pool: nn.Module, size: int) -> list[Any]:
        parts = (nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), pool)
        model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(32 * size * size, 5))
        step = training(model, engine.optim.SGD(model.parameters(), lr=0.05))
        graph = trace_step(step, (engine.randn(16, 1, 20, 20), engine.randint(0, 5, (16,))))
        return [row.work for row in plan(graph, 1).rows if hasattr(row, "work")]

    assert (True, True) in counted(works(nn.MaxPool2d(2), 8))
    assert (True, True) in counted(works(nn.MaxPool2d(4), 4))
    for pool, size in ((nn.AvgPool2d(2), 8), (nn.MaxPool2d(3, 1), 14)):
        found = counted(works(pool, size))
        assert found
        assert not any(left for left, _ in found)
