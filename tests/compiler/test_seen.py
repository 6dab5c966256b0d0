"""Plans that several steps share, each in memory of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from steps import NETWORKS, trace_step, training

import engine
import engine.nn.functional as F
from engine import nn, optim
from engine.compiler.graph.ir import Graph
from engine.compiler.machine import memory
from engine.compiler.machine.memory import room
from engine.compiler.reuse import seen
from engine.compiler.reuse.resized import said
from engine.compiler.run import runner

MODELS: dict[str, Any] = {
    "linear": lambda: nn.Sequential(nn.Linear(12, 7), nn.Tanh(), nn.Linear(7, 3)),
    "pictures": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3, 4)), nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(8, 3),
    ),
    "norm": lambda: nn.Sequential(nn.Linear(12, 6, bias=False), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 3)),
}  # fmt: skip


def step_of(model: Any, rate: float) -> Any:
    return training(model, optim.Adam(model.parameters(), lr=rate))


def batch(seed: int, count: int = 32) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 12)).astype("f4")
    return engine.tensor(x), engine.tensor(random.integers(0, 3, count))


@pytest.mark.parametrize("name", MODELS)
def test_steps_that_share_a_plan_train_side_by_side_as_if_alone(name: str) -> None:
    found: list[list[Any]] = []
    for compiled in (False, True):
        models, steps = [], []
        for seed, rate in ((1, 0.01), (2, 0.03)):
            engine.manual_seed(seed)
            models.append(MODELS[name]())
            steps.append(step_of(models[-1], rate))
        if compiled:
            steps = [engine.compile(step) for step in steps]
        engine.manual_seed(5)
        losses = []
        for i in range(10):
            for step in steps if i > 3 else steps[:1]:
                losses.append(step(*batch(i)).item())
                if compiled:
                    step.wait()
        found.append([losses, *(p.array.copy() for m in models for p in (*m.parameters(), *m.buffers()))])
        if compiled:
            rows = [step.newest.bound.runner.plan.rows for step in steps]
            assert rows[0] is rows[1]
            assert [r.calls for r in steps[0].records] == [r.calls for r in steps[1].records]
    for eager, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, eager, rtol=2e-3, atol=2e-4)


def test_another_shape_setting_or_constant_says_something_else() -> None:
    def graph(n: int, slope: float, weights: list[float]) -> Graph:
        w = engine.ones(n, requires_grad=True)
        return trace_step(lambda x: (F.leaky_relu(w * x, slope) * engine.tensor(weights)[0]).sum(), (engine.ones(n),))

    first = said(graph(4, 0.1, [2.0, 3.0]))
    assert first == said(graph(4, 0.1, [2.0, 3.0]))
    others = [said(graph(5, 0.1, [2.0, 3.0])), said(graph(4, 0.2, [2.0, 3.0])), said(graph(4, 0.1, [2.0, 4.0]))]
    assert first not in others


def test_one_thread_and_many_have_plans_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "cores", lambda: 4)
    seen._SEEN.clear()
    model = MODELS["linear"]()
    for threads in (1, None):
        ran_twice(engine.compile(step_of(model, 0.01), threads=threads))
    (one, _), (many, _) = seen._SEEN
    assert (one[0], many[0]) == (1, 4)
    assert one[1] == many[1]


def ran_twice(step: Any) -> None:
    """A plan is kept once its first step has run."""
    step.prepare(*batch(0, 4))
    assert step.wait()
    for _ in range(2):
        step(*batch(0, 4))


def test_only_so_many_plans_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MOST", 2)
    seen._SEEN.clear()
    for n in (3, 4, 5):
        ran_twice(engine.compile(step_of(nn.Linear(12, n), 0.1)))
    assert len(seen._SEEN) == 2


def test_a_kept_plan_holds_no_memory_of_the_step_that_it_was_made_for() -> None:
    seen._SEEN.clear()
    ran_twice(engine.compile(step_of(nn.Linear(12, 3), 0.1)))
    (kept,) = seen._SEEN.values()
    assert all(b.array is None for b, _ in kept.homes)
    assert all(b.array is None for _, buffers in kept.scratch for b, _ in buffers)
    assert not kept.plan.memory
    assert not kept.plan.scalars


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_in_memory_before_does_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, given = NETWORKS[name]
    found: list[list[Any]] = []

    def dirty(size: int, zeros: bool = True) -> Any:
        piece = room(size)
        if not zeros:
            piece[...] = 255  # as float32: no numbers
        return piece

    for made in (room, dirty, dirty):  # the third time the plan of the second
        monkeypatch.setattr(memory, "room", made)
        engine.manual_seed(3)
        model = make()
        step = engine.compile(step_of(model, 0.01))
        x, y = given(12)
        losses = []
        for _ in range(4):
            losses.append(step(x, y).item())
            step.wait()
        found.append([losses, *(p.array.copy() for p in (*model.parameters(), *model.buffers()))])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
