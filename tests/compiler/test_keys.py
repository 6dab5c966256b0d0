"""What has the same key has the same machine code: a kernel is compiled once and serves every work of its key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import test_toom as rows
import test_winograd as squares
from native import HOSTS
from steps import trace_step
from test_contract import SUM, Arena

import engine
from backend.bench.drawn import build
from engine.compiler.code.emit import Function, module
from engine.compiler.kernels import toom, winograd
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.dot import Dot
from engine.compiler.kernels.toom import along_rows
from engine.compiler.kernels.winograd import fewer_products
from engine.compiler.kernels.work import Store
from engine.compiler.plan.planner import furnished
from engine.compiler.run.runner import rows_of

BODY = (SUM, ("load", 0), ("add", 0, 1), ("load", 1), ("mul", 2, 3))
SHAPES: list[Any] = [
    ((), 5, 40, (20,)),
    ((), 100, 200, (40,)),
    ((), 64, 700, (300,)),
    ((3,), 2, 20, (30,)),
    ((4, 2), 3, 33, (2, 9)),
]


PICTURES = (1, 28, 28, 32, 3, 6, 5, 5)


def text(work: Any) -> str:
    """What LLVM is given for a work: the sizes and addresses are arguments."""
    f = Function("kernel", HOSTS[0])
    work.emit(f, [f.argument(i) for i in range(len(work.arguments()))])
    return module([f])


def differing(works: Iterator[Any]) -> tuple[set[str], int]:
    """The keys whose works have several texts, and how many works shared a key."""
    texts: dict[str, str] = {}
    bad, shared = set(), 0
    for work in works:
        shared += work.key in texts
        if texts.setdefault(work.key, found := text(work)) != found:
            bad.add(work.key)
    return bad, shared


def products(seed: int) -> Iterator[Any]:
    """Of each shape several, whose operands move along some of the loops."""
    random = np.random.default_rng(seed)
    for outer, m, n, k in SHAPES:
        for i in range(8):
            arena, last = Arena(100 * seed + i), len(outer)
            still = [tuple(int(x) for x in np.flatnonzero(random.random(last + 2) < 0.5)) for _ in range(2)]
            operands = [arena.operand((*outer, m, n), unit=None if last + 1 in x else last + 1, still=x) for x in still]
            a = arena.operand((*outer, m, *k), unit=int(random.integers(last, last + 2)))
            b = arena.operand((*outer, n, *k), unit=last, still=tuple(range(last)) if random.random() < 0.5 else ())
            target = arena.operand((*outer, m, n), unit=last + 1)
            ways = (None, "straight" if a.strides[-1] == 1 else "turned") if not outer else (None,)
            for reading in ways:
                stores = (Store(2, 4),)
                yield Contraction(outer, m, n, k, a, b, BODY, (*operands, target), stores, reading=reading)
            a, b = (arena.operand((*outer, x, *k), unit=last + len(k)) for x in (m, n))
            yield Dot(outer, m, n, k, a, b, BODY, (*operands, target), stores)


@pytest.mark.parametrize("seed", range(2))
def test_products_that_share_a_key_share_their_code(seed: int) -> None:
    bad, shared = differing(products(seed))
    assert not bad
    assert shared > 20


def convolutions(bias: bool) -> Iterator[Any]:
    """With fewer products, along channels and along the batch; what is added is the same in all places, or is not."""
    for known, fewer in ((squares.results(2, 12, 12, 32, 64), fewer_products), (rows.results(*PICTURES), along_rows)):
        body, place = (SUM, ("load", 0), ("add", 0, 1)), known.operands[0] if bias else known.operands[1]
        found = replace(known, body=body, operands=(place, known.operands[1]), stores=(Store(1, 2),))
        yield fewer(found)


def test_convolutions_that_share_a_key_share_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "WORTH", 1e9)
    monkeypatch.setattr(toom, "WORTH", 1e9)
    works = [*convolutions(True), *convolutions(False)]
    assert [type(work).__name__ for work in works] == 2 * ["Winograd", "Toom"]
    assert differing(iter(works)) == (set(), 0)


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_a_plan_and_their_pieces_that_share_a_key_share_their_code(seed: int) -> None:
    problem = build(engine, seed)
    graph = trace_step(problem.step, (problem.x, problem.y))
    works = [row.work for row in furnished(rows_of(graph, 2), 2, graph.parted[1]).rows if hasattr(row, "work")]
    bad, shared = differing(piece for work in works for piece in (work, *work.split(2)))
    assert not bad
    assert shared > len(works) / 2
