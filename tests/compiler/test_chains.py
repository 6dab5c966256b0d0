"""Long chains of small functions: planned in time that grows with their length, into kernels of a size that LLVM likes.

A link that reads its value twice is what tells: where nothing bounds how often a value is computed anew, every link
doubles the work, and these tests do not end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from steps import trace_step

import engine
from engine import nn
from engine.compiler.code.emit import Function
from engine.compiler.kernels.work import Record
from engine.compiler.machine.cpu import host
from engine.compiler.run.runner import rows_of

Link = Callable[[Any, Any], Any]

LINKS: dict[str, Link] = {
    "times the input": lambda h, x: h * x,
    "squared": lambda h, x: h * h * 1.01,
    "scaled and moved": lambda h, x: h * 0.99 + 0.01,
    "squared less its mean": lambda h, x: h * h - h.mean(1, keepdim=True) * h,
    "relu": lambda h, x: h.relu() * x + 0.01,
    "tanh": lambda h, x: h.tanh(),
    "halves change places": lambda h, x: engine.cat([h[:, 30:], h[:, :30]], 1) * h,
    "turned about": lambda h, x: (h.reshape(60, 60).t() * h).reshape(60, 60),
}


def chain(link: Link, links: int, before: bool) -> Callable[[Any], Any]:
    """A step whose links stand behind a product, or behind its argument, and before another product."""
    engine.manual_seed(1)
    first, last = nn.Linear(60, 60), nn.Linear(60, 60)

    def step(x: Any) -> Any:
        last.zero_grad()
        h = first(x) * 0.1 + 1.0 if before else x
        for _ in range(links):
            h = link(h, x)
        loss = last(h).sum()
        loss.backward()
        return loss

    return step


@pytest.mark.parametrize("before", [False, True], ids=["argument", "product"])
@pytest.mark.parametrize("links", [30, 300])
@pytest.mark.parametrize("name", LINKS)
def test_a_long_chain_is_planned_and_gives_what_it_gives_eagerly(name: str, links: int, before: bool) -> None:
    x = 1.0 - 0.001 * engine.rand(60, 60, generator=engine.Generator().manual_seed(2))
    step = chain(LINKS[name], links, before)
    expected = float(step(x))
    compiled = engine.compile(step)
    for _ in range(3):
        compiled(x)
    compiled.wait()
    found = float(compiled(x))
    assert [page.tier for page in compiled.explain().pages] == ["native"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("before", [False, True], ids=["argument", "product"])
@pytest.mark.parametrize("name", LINKS)
def test_no_kernel_of_a_long_chain_is_long(name: str, before: bool) -> None:
    graph = trace_step(chain(LINKS[name], 150, before), (engine.rand(60, 60),))
    works = {row.work.key: row.work for row in rows_of(graph, 1).rows if isinstance(row, Record)}
    assert works
    for work in works.values():
        f = Function("k", host())
        work.emit(f, [f.argument(i) for i in range(len(work.arguments()))])
        assert len(f.text()) < 2**21, work
