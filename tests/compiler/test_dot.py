"""Sums of products along vectors, on every processor that we can be, against NumPy in double precision."""

from __future__ import annotations

from typing import Any

import pytest
from native import HOSTS
from pieces_of_work import run, run_special
from test_contract import SUM, Arena, check, wanted

from engine.compiler.cpu import Cpu
from engine.compiler.kernels.dot import Dot
from engine.compiler.work import Store


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
    [((), 1, 1, (1,)), ((), 5, 7, (3, 33)), ((2,), 4, 6, (64,)), ((3, 2), 9, 3, (2, 2, 17)), ((), 7, 20, (100,))],
    ids=str,
)  # fmt: skip
def test_a_dot_is_a_sum_of_products(cpu: Cpu, shape: Any, how: Any) -> None:
    work = dot(sum(shape[-1]), *shape)
    check(work, cpu, wanted(work), how)
