"""A graph whose batch is two axes means the same; a convolution along the batch gets its shards apart in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from random_graphs import Drawn
from simulate import simulate
from steps import trace_step, training

import engine
from engine import nn
from engine.compiler.graph.ir import interpret
from engine.compiler.passes.simplify import simplify
from engine.compiler.plan import parted
from engine.compiler.plan.parted import part_batch, shards_first
from engine.compiler.plan.planner import plan
from engine.compiler.step import Step
from engine.nn import functional as F


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: Any) -> Any:
    monkeypatch.setattr(parted, "WORTH", 0)
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("seed", range(150))
def test_a_random_graph_with_two_axes_for_the_batch_means_the_same(seed: int) -> None:
    first, second = Drawn(seed), Drawn(seed)
    sizes = {s.shape[0] for s in second.graph.sources if s.role == "input" and s.shape and s.shape[0] % 2 == 0}
    for batch in sorted(sizes):
        parted._Parting(second.graph, batch, 2).run()
        second.graph.check()
    found, wanted = interpret(second.graph, second.inputs), interpret(first.graph, first.inputs)
    for drawn, numbers in ((first, wanted), (second, found)):
        numbers += [s.array for s in drawn.graph.sources if s.role == "cell"]
    for a, b in zip(wanted, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-4)


class Branching(nn.Module):
    """Few channels, so that vectors run along the batch; a branch, a norm, dropout, a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 6, 3, padding=1), nn.Conv2d(5, 6, 1)
        self.norm, self.out = nn.BatchNorm2d(6), nn.Linear(6 * 25, 5)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.first(x))
        x = F.relu(self.norm(self.second(x) + self.third(x)))
        return self.out(F.dropout(F.max_pool2d(x, 2).flatten(1), 0.3))


def traced() -> tuple[Any, list[Any]]:
    engine.manual_seed(0)
    random = np.random.default_rng(1)
    x, y = random.standard_normal((64, 3, 12, 12)).astype("f4"), random.integers(0, 5, 64)
    model = Branching()
    optimiser = engine.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return trace_step(training(model, optimiser), (engine.tensor(x), engine.tensor(y))), [x, y]


def test_a_training_step_with_shards_means_the_same() -> None:
    found = []
    for cores in (1, 2):
        graph, inputs = traced()
        assert part_batch(graph, cores) == cores
        graph.check()
        simplify(graph)
        numbers = simulate(plan(graph, cores), inputs)
        found.append([*numbers, *(s.array for s in graph.sources if s.role == "cell")])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


def test_shards_lie_apart_from_each_other() -> None:
    graph, _ = traced()
    part_batch(graph, 2)
    simplify(graph)
    made = plan(graph, 2)
    dense = [p for p in made.places.values() if p.shape == (32, 2, 5, 10, 10) and p.dtype == np.dtype("f4")]
    assert dense
    assert all(p.strides[1] == max(p.strides) for p in dense)
    assert shards_first((32, 2, 5), (2, 1, 0), (32, 2)) == (1, 2, 0)


@pytest.mark.parametrize("counting", [False, True], ids=["", "counting"])
@pytest.mark.parametrize("threads", [1, 2])
def test_natively_with_threads(threads: int, counting: bool, monkeypatch: Any) -> None:
    """Counting: how many answers are right, which runs along all images at once, hinders no shard."""
    pytest.importorskip("llvmlite")
    from engine.compiler.machine import cores as machine
    from engine.compiler.plan import bands
    from engine.compiler.run import table

    for module, name, value in ((bands, "WORTH", 0.0), (table, "TINY", 0.0)):
        monkeypatch.setattr(module, name, value)
    losses = []
    for compiled in (True, False):
        engine.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(5 * 25, 5))
        optimiser = engine.optim.SGD(model.parameters(), lr=0.1)
        x, y = engine.randn(64, 3, 12, 12), engine.randint(0, 5, (64,))

        def step(x: Any, y: Any, model: Any = model, optimiser: Any = optimiser) -> tuple[Any, ...]:
            optimiser.zero_grad()
            outputs = model(x)
            loss = F.cross_entropy(outputs, y)
            loss.backward()
            optimiser.step()
            return (loss, (outputs.argmax(1) == y).sum()) if counting else (loss,)

        run: Any = step
        if compiled:
            machine.set_cores(2)
            try:
                run = Step(step, None, threads)
                run.prepare(x, y)
                assert run.wait()
                assert run.shards == threads
            finally:
                machine.set_cores(None)
        losses.append([[float(found) for found in run(x, y)] for _ in range(12)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
