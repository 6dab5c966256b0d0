"""Transpositions on every processor that we can be: exactly NumPy's, and nothing else is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import run, run_special, seen
from test_contract import Arena

from engine.compiler.kernels.transpose import Transposition
from engine.compiler.machine.cpu import Cpu


@pytest.fixture(params=HOSTS, ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


def transposition(seed: int, sizes: tuple[int, ...]) -> Transposition:
    arena, j = Arena(seed), len(sizes) - 1
    return Transposition(sizes, arena.operand(sizes, unit=j), arena.operand(sizes, unit=j - 1))


def result(work: Transposition, how: Any, cpu: Cpu) -> Any:
    flat = work.target.buffer.array
    expected, before = flat.copy(), flat.copy()
    work.target.buffer.array = expected
    np.copyto(seen(work.target, work.sizes), seen(work.source, work.sizes))
    work.target.buffer.array = flat
    how(work, cpu)
    np.testing.assert_array_equal(flat, expected)
    return before


@pytest.mark.parametrize("how", [run, run_special])
@pytest.mark.parametrize("sizes", [(1, 1), (16, 16), (5, 40), (33, 17), (3, 20, 9), (2, 3, 16, 31)], ids=str)
def test_a_transposition_moves_every_number(cpu: Cpu, sizes: tuple[int, ...], how: Any) -> None:
    result(transposition(sum(sizes), sizes), how, cpu)


def test_pieces_do_the_whole(cpu: Cpu) -> None:
    for sizes in ((40, 70), (5, 3, 4), (2, 100, 3)):
        work = transposition(1, sizes)
        result(work, lambda work, cpu: [run(piece, cpu) for piece in work.split(3)], cpu)
