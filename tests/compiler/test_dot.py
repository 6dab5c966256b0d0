"""Sums of products along vectors, on every processor that we can be, against NumPy in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import run, run_special, seen
from test_contract import SUM, Arena, check, wanted

from engine.compiler.kernels.dot import Dot
from engine.compiler.kernels.work import Store
from engine.compiler.machine.cpu import Cpu


@pytest.fixture(params=HOSTS, ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


def dot(seed: int, outer: tuple[int, ...], m: int, n: int, k: tuple[int, ...]) -> Dot:
    arena, last = Arena(seed), len(outer) + len(k)
    a, b = (arena.operand((*outer, x, *k), unit=last, flip=True) for x in (m, n))
    return Dot(outer, m, n, k, a, b, (SUM,), (arena.operand((*outer, m, n)),), (Store(0, 0),))


@pytest.mark.parametrize("how", [run, run_special])
@pytest.mark.parametrize(
    "shape",
    [((), 1, 1, (1,)), ((), 5, 7, (3, 33)), ((2,), 4, 6, (64,)), ((3, 2), 9, 3, (2, 2, 17)), ((), 7, 20, (100,)),
     ((), 33, 70, (3, 130)), ((2,), 14, 90, (400,)), ((3, 5), 6, 5, (2, 70)), ((2,), 5, 3, (90,)), ((2,), 12, 4, (40,)),
     ((), 8, 3, (2, 50)), ((2,), 3, 9, (35,)), ((), 11, 7, (20,))],
    ids=str,
)  # fmt: skip
def test_a_dot_is_a_sum_of_products(cpu: Cpu, shape: Any, how: Any) -> None:
    work = dot(sum(shape[-1]), *shape)
    check(work, cpu, wanted(work), how)


def test_windows_share_what_does_not_move(cpu: Cpu) -> None:
    """As the weight gradient of a convolution: one operand moves along the outer loops, the other does not."""
    for a_still in (True, False):
        arena = Arena(5)
        outer, m, n, k, last = (3, 2), 13, 20, (4, 100), 4
        a = arena.operand((*outer, m, *k), unit=last, still=(0, 1) if a_still else ())
        b = arena.operand((*outer, n, *k), unit=last, still=() if a_still else (0, 1))
        c = arena.operand((*outer, m, n))
        work = Dot(outer, m, n, k, a, b, (SUM,), (c,), (Store(0, 0),))
        assert work.packed
        check(work, cpu, wanted(work))


def test_pieces_have_the_same_bits_as_the_whole(cpu: Cpu) -> None:
    for shape in (((), 33, 70, (3, 130)), ((3,), 5, 9, (70,)), ((), 64, 16, (1000,))):
        work = dot(1, *shape)
        found = seen(work.operands[0], work.sizes)
        run(work, cpu)
        whole = found.copy()
        found[...] = 0
        for piece in work.split(3):
            run(piece, cpu)
        np.testing.assert_array_equal(found, whole)
