"""Contractions on every processor that we can be, against NumPy in double precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import held, run, run_special, seen

from engine.compiler.graph import ir
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.work import Operand, Store
from engine.compiler.machine.cpu import Cpu

SUM = ("sum of products",)


@pytest.fixture(params=HOSTS, ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


class Arena:
    """Random flat arrays and operands into them, exactly as long as they must be."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def operand(
        self, sizes: tuple[int, ...], unit: int | None = None, flip: bool = False, still: tuple[int, ...] = ()
    ) -> Operand:
        """A random layout: the axes in any order with gaps; `unit` has stride 1; some axes may run backwards."""
        order = [i for i in self.random.permutation(len(sizes)) if i != unit and i not in still]
        strides, step, offset = [0] * len(sizes), 1, 0
        for i in ([unit] if unit is not None else []) + order:
            strides[i] = step
            step = step * sizes[i] + int(self.random.integers(0, 3))
        for i in order:
            if flip and self.random.random() < 0.4:
                offset += (sizes[i] - 1) * strides[i]
                strides[i] = -strides[i]
        count = offset + 1 + sum(max(0, (n - 1) * s) for n, s in zip(sizes, strides, strict=True))
        return Operand(held(self.random.standard_normal(count).astype("f4")), offset, tuple(strides))


def wanted(work: Contraction) -> Any:
    o, k = "uvw"[: len(work.outer)], "xyz"[: len(work.k)]
    a, b = seen(work.a, (*work.outer, work.m, *work.k)), seen(work.b, (*work.outer, work.n, *work.k))
    return np.einsum(f"{o}m{k},{o}n{k}->{o}mn", a.astype("f8"), b.astype("f8"))


def product(arena: Arena, outer: tuple[int, ...], m: int, n: int, k: tuple[int, ...]) -> Contraction:
    a, b = arena.operand((*outer, m, *k), flip=True), arena.operand((*outer, n, *k), unit=len(outer), flip=True)
    c = arena.operand((*outer, m, n), unit=len(outer) + 1)
    return Contraction(outer, m, n, k, a, b, (SUM,), (c,), (Store(0, 0),))


def check(work: Contraction, cpu: Cpu, expected: Any, how: Any = run, tolerance: float = 2e-5) -> None:
    target = work.operands[-1]
    before = target.buffer.array.copy()
    how(work, cpu)
    near = tolerance * 3 + 3e-7 * work.sums
    np.testing.assert_allclose(seen(target, work.sizes), expected, rtol=tolerance, atol=near)
    untouched = np.ones(before.size, bool)
    flat = np.arange(before.size)
    at = Operand(held(flat), target.offset, target.strides)
    untouched[seen(at, work.sizes)] = False
    np.testing.assert_array_equal(target.buffer.array[untouched], before[untouched])


SHAPES = [
    ((), 1, 1, (1,)),
    ((), 7, 17, (5,)),
    ((), 13, 100, (3, 2)),
    ((2,), 6, 64, (9,)),
    ((3,), 5, 33, (2, 3, 2)),
    ((2, 3), 4, 50, (4,)),
    ((), 64, 10, (20,)),
    ((), 10, 128, (7,)),
    ((2,), 3, 4, ()),
    ((), 40, 100, (300,)),
    ((), 27, 33, (5, 7, 11)),
    ((3, 2), 13, 130, (270,)),
    ((), 300, 50, (97,)),
    ((2,), 25, 1100, (150,)),
    ((), 26, 1601, (2, 3, 17)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("how", [run, run_special])
def test_a_contraction_is_a_sum_of_products(cpu: Cpu, shape: Any, how: Any) -> None:
    work = product(Arena(hash(shape) % 1000), *shape)
    check(work, cpu, wanted(work), how)


def test_rows_that_share_their_columns(cpu: Cpu) -> None:
    arena = Arena(3)
    for outer, still, m, n, k in (
        ((2, 3), (1,), 9, 900, (200,)),
        ((3, 2), (0, 1), 7, 70, (2, 1500)),
        ((3, 3), (0, 1), 8, 12, (13000,)),
    ):
        a = arena.operand((*outer, m, *k))
        b = arena.operand((*outer, n, *k), unit=len(outer), still=still)
        c = arena.operand((*outer, m, n), unit=len(outer) + 1)
        work = Contraction(outer, m, n, k, a, b, (SUM,), (c,), (Store(0, 0),))
        assert "packed" in work.key
        check(work, cpu, wanted(work))


JOINT = [((5, 5), 6, 16, (3, 4, 9)), ((3,), 3, 32, (2, 30)), ((2, 7), 1, 40, (50,)), ((4, 3), 1, 61, (8, 2)),
         ((6,), 9, 10, (1100,)), ((5, 2), 2, 20, ())]  # fmt: skip


@pytest.mark.parametrize("shape", JOINT, ids=str)
@pytest.mark.parametrize("how", [run, run_special])
def test_places_of_an_outer_loop_join_the_rows_of_a_tile(cpu: Cpu, shape: Any, how: Any) -> None:
    """As the windows of a small convolution's weight gradient, which share what does not move."""
    outer, m, n, k = shape
    for still in ((0,), tuple(range(len(outer)))):
        arena = Arena(7)
        a = arena.operand((*outer, m, *k), flip=True)
        b = arena.operand((*outer, n, *k), unit=len(outer), flip=True, still=still)
        work = Contraction(outer, m, n, k, a, b, (SUM,), (arena.operand((*outer, m, n)),), (Store(0, 0),))
        assert work.joint
        check(work, cpu, wanted(work), how)
        found = seen(work.operands[0], work.sizes)
        whole = found.copy()
        for piece in work.split(3):
            run(piece, cpu)
        np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("how", [run, run_special])
def test_windows_have_short_loops_that_are_written_out(cpu: Cpu, how: Any) -> None:
    """As a small convolution and its gradients: columns read what their neighbours read; rows may lie side by side."""
    arena = Arena(9)
    for m, n, channels, size, beside in ((6, 100, 17, 5, False), (11, 310, 7, 3, True), (26, 32, 2, 3, True)):
        outer, k, row = (2,), (channels, size, size), n + 64
        a = arena.operand((*outer, m, *k), unit=1 if beside else 4, flip=True)
        if beside:  # the rows of an image and the columns of a window, both in steps of 1
            a = Operand(a.buffer, 0, (m, 1, m, 2, 1))
        count = 9 * row * channels + 2 * row + 5 * 16 + n
        b = Operand(held(arena.random.standard_normal(count).astype("f4")), 0, (row, 1, 9 * row, row, 16))
        work = Contraction(outer, m, n, k, a, b, (SUM,), (arena.operand((*outer, m, n), unit=2),), (Store(0, 0),))
        assert work.whole
        check(work, cpu, wanted(work), how)
        found = seen(work.operands[0], work.sizes)
        whole = found.copy()
        for piece in work.split(4):
            run(piece, cpu)
        np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("how", [run, run_special])
def test_samples_that_outgrow_the_cache_come_a_few_at_a_time(cpu: Cpu, how: Any) -> None:
    """As in a convolution's weight gradient: all windows pass a few samples before the next ones come."""
    for outer, m, n, k in (
        ((3, 2), 8, 64, (9, 9, 60)),
        ((4, 5), 3, 50, (70, 9, 30)),
        ((), 60, 100, (11, 500)),
        ((4,), 400, 64, (9, 60)),
    ):
        arena, still = Arena(13), tuple(range(len(outer)))
        a = arena.operand((*outer, m, *k))
        b = arena.operand((*outer, n, *k), unit=len(outer), still=still)
        adding = (SUM, ("load", 0), ("add", 0, 1))
        c = arena.operand((*outer, m, n))
        work = Contraction(outer, m, n, k, a, b, adding, (c,), (Store(0, 2),))
        assert work.cut
        before = seen(c, work.sizes).copy()
        check(work, cpu, wanted(work) + before, how)
        whole = seen(c, work.sizes).copy()
        seen(c, work.sizes)[...] = before
        for piece in work.split(3):
            run(piece, cpu)
        np.testing.assert_array_equal(seen(c, work.sizes), whole)


@pytest.mark.parametrize("how", [run, run_special])
def test_windows_slide_over_numbers_that_are_loaded_once(cpu: Cpu, how: Any) -> None:
    """As in a small convolution's weight gradient, [channel][y][x][sample] and [sample][y][x][channel]."""
    for taps, m, n, (batch, high, wide), size in ((5, 6, 16, (7, 4, 10), 32), (3, 9, 11, (8, 5, 28), 8)):
        arena, row = Arena(15), (wide + taps - 1) * size
        a = Operand(
            held(arena.random.standard_normal(m * (high + taps) * row).astype("f4")), 0,
            (row, size, (high + taps) * row, row, size, 1),
        )  # fmt: skip
        b = arena.operand((taps, taps, n, high, wide, batch), unit=2, still=(0, 1))
        c = arena.operand((taps, taps, m, n))
        work = Contraction((taps, taps), m, n, (high, wide, batch), a, b, (SUM,), (c,), (Store(0, 0),))
        assert work.slide
        check(work, cpu, wanted(work), how)
        found = seen(c, work.sizes)
        whole = found.copy()
        for parts in (2, 3, 7):
            found[...] = 0
            for piece in work.split(parts):
                run(piece, cpu)
            np.testing.assert_array_equal(found, whole)


def test_windows_over_one_channel_slide_as_well(cpu: Cpu) -> None:
    """As many rows of a tile as taps, more than places of a sum that are written out."""
    arena, (taps, filters, batch, high, wide) = Arena(16), (3, 16, 5, 26, 6)
    image = arena.operand((batch, high + taps - 1, wide + taps - 1))
    a = image._replace(strides=(*image.strides[1:], *image.strides))
    b = arena.operand((taps, filters, batch, high, wide), unit=1, still=(0,))
    c = arena.operand((taps, taps, filters))
    work = Contraction((taps,), taps, filters, (batch, high, wide), a, b, (SUM,), (c,), (Store(0, 0),))
    assert work.slide == 2
    check(work, cpu, wanted(work))


@pytest.mark.parametrize("m", [1, 3, 5, 8, 13, 26, 30])
@pytest.mark.parametrize("n", [5, 16, 30, 32, 48, 90, 96, 112])
def test_every_form_of_tiles_covers_what_it_should(cpu: Cpu, m: int, n: int) -> None:
    work = product(Arena(m), (), m, n, (6,))
    check(work, cpu, wanted(work))
    found = seen(work.operands[0], work.sizes)
    whole = found.copy()
    for part in (replace(work, n=min(n, 16)), replace(work, m=(m + 1) // 2, n=n - n % 16)):
        found[...] = 0  # parts that others cut: their form is looked after
        run(part, cpu)
        np.testing.assert_array_equal(found[: part.m, : part.n], whole[: part.m, : part.n])


def programs() -> dict[str, tuple[tuple[Any, ...], tuple[str, ...], tuple[Store, ...]]]:
    """Epilogues: body, how each operand moves (m: along m, n: along n, mn: both, with outer), stores."""
    relu = (SUM, ("load", 1), ("add", 0, 1), ("const", 0.0, "f4"), ("max", 2, 3))
    mask = (SUM, ("load", 1), ("const", 0.0, "f4"), ("gt", 1, 2), ("where", 3, 0, 2))
    smooth = (SUM, ("load", 1), ("add", 0, 1), ("tanh", 2), ("load", 2), ("mul", 3, 4))
    both = (SUM, ("load", 2), ("add", 0, 1), ("const", 2.0, "f4"), ("mul", 2, 3))
    return {
        "bias along n, relu": (relu, ("mn", "n"), (Store(0, 4),)),
        "bias along m, relu": (relu, ("mn", "m"), (Store(0, 4),)),
        "one number": (relu, ("mn", ""), (Store(0, 4),)),
        "mask of a saved activation": (mask, ("mn", "mn"), (Store(0, 4),)),
        "tanh, dropout": (smooth, ("mn", "n", "mn"), (Store(0, 5),)),
        "added to what is there": ((SUM, ("load", 0), ("add", 0, 1)), ("mn",), (Store(0, 2),)),
        "two results": (both, ("mn", "mn", "m"), (Store(0, 2), Store(1, 4))),
    }


def evaluated(body: Any, sums: Any, operands: list[Any]) -> list[Any]:
    found: list[Any] = []
    for name, *rest in body:
        if name == "sum of products":
            found.append(sums)
        elif name == "load":
            found.append(operands[rest[0]].astype("f8"))
        elif name == "const":
            found.append(rest[0])
        else:
            found.append(ir.SCALARS[name][0](*(found[i] for i in rest)))
    return found


@pytest.mark.parametrize("program", list(programs()))
@pytest.mark.parametrize("shape", [((2,), 7, 19, (5,)), ((), 30, 70, (2200,))], ids=["plain", "packed"])
def test_an_epilogue_runs_on_every_sum(cpu: Cpu, program: str, shape: Any) -> None:
    body, moves, stores = programs()[program]
    arena, (outer, m, n, k) = Arena(11), shape
    loops = len(outer)
    a, b = arena.operand((*outer, m, *k)), arena.operand((*outer, n, *k), unit=loops)
    operands = []
    for move in moves:
        still = (
            ()
            if move == "mn"
            else tuple(i for i in range(loops + 2) if (i, move) not in ((loops, "m"), (loops + 1, "n")))
        )
        operands.append(arena.operand((*outer, m, n), unit=loops + 1 if "n" in move else None, still=still))
    work = Contraction(outer, m, n, k, a, b, body, tuple(operands), stores)
    assert ("packed" in work.key) == (len(outer) == 0)
    results = evaluated(body, wanted(work), [seen(o, work.sizes) for o in operands])
    run(work, cpu)
    for store in stores:
        np.testing.assert_allclose(seen(operands[store.operand], work.sizes), results[store.line], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "shape", [((), 50, 130, (9,)), ((5,), 7, 30, (3, 4)), ((), 64, 200, (1000,)), ((), 1, 300, (8,))], ids=str
)
def test_pieces_have_the_same_bits_as_the_whole(cpu: Cpu, shape: Any) -> None:
    work = product(Arena(2), *shape)
    found = seen(work.operands[0], work.sizes)
    run(work, cpu)
    whole = found.copy()
    for parts in (2, 3, 7):
        found[...] = 0
        pieces = work.split(parts)
        assert 1 < len(pieces) <= parts
        for piece in pieces:
            run(piece, cpu)
        np.testing.assert_array_equal(found, whole)


def test_everything_that_a_contraction_touches_is_told() -> None:
    work = product(Arena(4), (2,), 3, 5, (4,))
    spans = {(a.buffer.count, a.writes): (a.low, a.high) for a in work.accesses()}
    assert all(low >= 0 and high <= count for (count, _), (low, high) in spans.items())
    assert sum(writes for _, writes in spans) == 1
    assert not list(product(Arena(4), (), 0, 5, (4,)).accesses())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_stands_in_finds_the_same_numbers_to_the_last_bit(cpu: Cpu, shape: Any) -> None:
    work = product(Arena(hash(shape) % 1000), *shape)
    other = work.stand_in
    if other is None:
        assert work.packed or work.reading or work.cut or work.slide or work.joint
        return
    run(work, cpu)
    target = work.operands[-1]
    found = seen(target, work.sizes).copy()
    target.buffer.array[...] = 0.0
    run(other, cpu)
    np.testing.assert_array_equal(seen(target, work.sizes), found)
