"""Products of large matrices on every processor that we can be, against NumPy in double precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import held, run, run_special, seen
from simulate import simulate
from test_contract import SUM, Arena, check, evaluated, programs, wanted

from engine.compiler.graph.ir import Contract, Graph, interpret
from engine.compiler.kernels import panels
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.product import NUMBERS
from engine.compiler.kernels.work import Operand, Store
from engine.compiler.machine.cpu import Cpu
from engine.compiler.plan.planner import plan


@pytest.fixture(params=HOSTS, ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


def matrices(arena: Arena, m: int, n: int, k: int, how: str) -> tuple[Operand, Operand]:
    """a, exactly as long as it must be, as it is read in each way, and b."""
    pitch = {"turned": m + 3, "straight": k + 5}[how]
    count = (k - 1) * pitch + m if how == "turned" else (m - 1) * pitch + k
    a = Operand(
        held(arena.random.standard_normal(count).astype("f4")), 0, (1, pitch) if how == "turned" else (pitch, 1)
    )
    return a, arena.operand((n, k), unit=0)


def product(seed: int, m: int, n: int, k: int, how: str) -> Contraction:
    arena = Arena(seed)
    a, b = matrices(arena, m, n, k, how)
    c = arena.operand((m, n), unit=1)
    return Contraction((), m, n, (k,), a, b, (SUM,), (c,), (Store(0, 0),), reading=how)


SIZES = [
    (96, 192, 24),
    (150, 200, 45),
    (107, 205, 200),
    (131, 300, 193),
    (98, 193, 1000),
    (250, 200, 391),
    (260, 530, 220),
]


@pytest.mark.parametrize("reading", ["turned", "straight"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_product_is_a_sum_of_products(cpu: Cpu, size: Any, reading: str) -> None:
    m, n, k = size if reading != "turned" else (size[0] // 2, size[1] // 3, size[2])  # fewer are enough
    work = product(m, m, n, k, reading)
    check(work, cpu, wanted(work))


@pytest.mark.parametrize("reading", ["turned", "straight"])
def test_a_kernel_with_constants_is_the_same(cpu: Cpu, reading: str) -> None:
    work = product(5, 103, 230, 203, reading)
    check(work, cpu, wanted(work), run_special)


@pytest.mark.parametrize("reading", ["turned", "straight"])
@pytest.mark.parametrize("size", [(100, 200, 40), (130, 290, 700), (260, 190, 60)], ids=str)
def test_pieces_have_the_same_bits_and_the_same_code(cpu: Cpu, size: Any, reading: str) -> None:
    work = product(2, *size, reading)
    found = seen(work.operands[0], work.sizes)
    run(work, cpu)
    whole = found.copy()
    for parts in (2, 3, 7):
        found[...] = 0
        for piece in work.split(parts):
            assert piece.key == work.key
            run(piece, cpu)
        np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("program", list(programs()))
@pytest.mark.parametrize("size", [(97, 220, 60), (100, 200, 420)], ids=["one block", "blocks"])
def test_an_epilogue_runs_on_every_sum(cpu: Cpu, program: str, size: Any) -> None:
    body, moves, stores = programs()[program]
    arena, (m, n, k) = Arena(11), size
    a, b = matrices(arena, m, n, k, "straight")
    ways = {"mn": (), "m": (1,), "n": (0,), "": (0, 1)}
    operands = [arena.operand((m, n), unit=1 if "n" in move else None, still=ways[move]) for move in moves]
    work = Contraction((), m, n, (k,), a, b, body, tuple(operands), stores, reading="straight")
    results = evaluated(body, wanted(work), [seen(o, work.sizes).copy() for o in operands])
    run(work, cpu)
    for store in stores:
        np.testing.assert_allclose(seen(operands[store.operand], work.sizes), results[store.line], rtol=1e-4, atol=1e-3)


def test_places_of_an_outer_loop_are_products_of_their_own(cpu: Cpu) -> None:
    arena = Arena(8)
    a, b = arena.operand((3, 99, 40), unit=2), arena.operand((3, 210, 40), unit=1)
    c = arena.operand((3, 99, 210), unit=2)
    work = Contraction((3,), 99, 210, (40,), a, b, (SUM,), (c,), (Store(0, 0),), reading="straight")
    check(work, cpu, wanted(work))


@pytest.mark.parametrize("reading", ["turned", "straight"])
def test_what_outgrows_the_cache_is_read_so(reading: str) -> None:
    arena = Arena(1)
    for m, n, k in ((512, 512, 1000), (64, 192, 60)):
        a, b = matrices(arena, m, n, k, reading)
        work = Contraction((), m, n, (k,), a, b, (SUM,), (arena.operand((m, n), unit=1),), (Store(0, 0),))
        assert work.reading == (reading if m == 512 else "")


def test_few_rows_are_read_so_where_the_columns_outgrow_the_cache() -> None:
    arena = Arena(1)
    for m, n, way in ((64, 2048, "straight"), (64, 512, ""), (40, 2048, "")):
        a, b = matrices(arena, m, n, 128, "straight")
        work = Contraction((), m, n, (128,), a, b, (SUM,), (arena.operand((m, n), unit=1),), (Store(0, 0),))
        assert work.reading == way


def test_blocks_fit_the_scratch_area() -> None:
    random = np.random.default_rng(1)
    for m, n, k in (2 ** random.uniform(3, 14, (500, 3))).astype(int).tolist():
        rows, columns, depth = panels.blocks(m, n, k)
        assert rows % 12 == columns % 64 == depth % 4 == 0
        assert depth <= panels.DEPTH
        if depth < k:
            assert rows * columns <= panels.SUMS
        assert rows * (depth + 2) * 4 <= panels.SIDE * 4 + panels.SLACK - 1024


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("size", [(53, 40, 30), (48, 700, 200), (301, 290, 700)], ids=str)
def test_what_is_copied_is_summed_up_beside_with_the_same_bits_in_all_pieces(cpu: Cpu, size: Any, adds: bool) -> None:
    m, n, k = size
    plain, target = product(3, m, n, k, "turned"), Operand(held(np.full(m + 2, 2.5, "f4")), 1, (1, 0))
    line, more = (2, (("load", 1), ("add", 1, 2))) if adds else (1, ())
    stores = (*plain.stores, Store(1, line + adds))
    work = replace(plain, body=(SUM, NUMBERS, *more), operands=(*plain.operands, target), stores=stores)
    numbers = seen(work.a, (m, k))
    sums = np.zeros(m, "f4") + np.float32(2.5 * adds)
    for place in range(k):
        sums += numbers[:, place]
    for parts in (1, 2, 5) if not adds else (1,):
        target.buffer.array[:] = 2.5
        for piece in work.split(parts):
            run(piece, cpu)
        np.testing.assert_array_equal(target.buffer.array, [2.5, *sums, 2.5])
        np.testing.assert_allclose(seen(work.operands[0], (m, n)), wanted(plain), rtol=1e-4, atol=1e-3)


def test_a_bias_is_summed_up_where_its_weight_is() -> None:
    g, random = Graph(), np.random.default_rng(0)
    x, dy = (g.source("input", (384, n), "f4", slot=i) for i, n in enumerate((256, 160)))
    g.outputs = [g.add(Contract, dy, x, left="no", right="ni", out="oi"), g.reduce(dy, "sum", (0,))]
    made, inputs = plan(g, 1), [random.standard_normal(s.shape).astype("f4") for s in (x, dy)]
    assert [type(row.work).__name__ for row in made.rows] == ["Contraction"]
    for found, expected in zip(simulate(made, inputs), interpret(g, inputs), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
