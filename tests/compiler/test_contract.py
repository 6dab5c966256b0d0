"""Contractions on every processor that we can be, against NumPy in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import held, run, run_special, seen

from engine.compiler.cpu import Cpu
from engine.compiler.kernels.contract import Contraction
from engine.compiler.work import Operand, Store

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


def test_rows_that_share_their_columns_and_numbers_that_lie_turned(cpu: Cpu) -> None:
    arena = Arena(3)
    for outer, still, m, n, k in (
        ((2, 3), (1,), 9, 900, (200,)),
        ((3, 2), (0, 1), 7, 70, (10, 300)),
        ((2,), (), 31, 40, (199,)),
    ):
        a = arena.operand((*outer, m, *k), unit=len(outer) if not still else None)
        if not still:  # as in a weight's gradient: m innermost, k far apart
            buffer = held(arena.random.standard_normal(2 * 199 * 300).astype("f4"))
            a = Operand(buffer, 0, (199 * 300, 1, 300))
        b = arena.operand((*outer, n, *k), unit=len(outer), still=still)
        c = arena.operand((*outer, m, n), unit=len(outer) + 1)
        work = Contraction(outer, m, n, k, a, b, (SUM,), (c,), (Store(0, 0),))
        assert "packed" in work.key
        check(work, cpu, wanted(work))
