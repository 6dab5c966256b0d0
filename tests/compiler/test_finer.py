"""What follows a pool's gradient is computed window by window, together with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from simulate import simulate
from steps import trace_step

import engine
from engine import nn
from engine.compiler.graph import ir
from engine.compiler.graph.shapes import made_of
from engine.compiler.kernels.work import Record
from engine.compiler.passes.simplify import simplify
from engine.compiler.plan.planner import plan

IMAGES = np.random.default_rng(0).standard_normal((4, 3, 14, 14)).astype(np.float32)


def step_of(activation: nn.Module, *more: nn.Module) -> tuple[nn.Module, Any]:
    """A network with a pool between two convolutions, and its step without an update."""
    engine.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), activation, nn.MaxPool2d(2), *more, nn.Conv2d(8, 4, 3), nn.Flatten())

    def step(x: engine.Tensor) -> Any:
        for p in net.parameters():
            p.grad = None
        loss = (net(x) ** 2).mean()
        loss.backward()
        return loss

    return net, step


def traced(step: Any, images: Any) -> ir.Graph:
    """The graph of a step, checked and simplified."""
    graph = trace_step(step, (engine.tensor(images),))
    simplify(graph)
    graph.check()
    return graph


@pytest.mark.parametrize("size", [14, 13])
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.1), nn.Tanh(), nn.Hardtanh()], ids=repr)
def test_gradients_through_a_pool_are_those_of_the_eager_tier(activation: nn.Module, size: int) -> None:
    images = np.ascontiguousarray(IMAGES[..., :size, :size])
    images[0, :, :6, :6] = 0.0  # ties: the first of several largest wins
    net, step = step_of(activation)
    step(engine.tensor(images))
    expected = [p.grad.array.copy() for p in net.parameters() if p.grad is not None]
    graph = traced(step, images)
    simulate(plan(graph), [images])
    found = [p.grad.array for p in net.parameters() if p.grad is not None]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("size", [14, 13])
def test_a_gradient_behind_a_pool_is_written_once(size: int) -> None:
    _, step = step_of(nn.ReLU())
    graph = traced(step, np.ascontiguousarray(IMAGES[..., :size, :size]))
    whole = 4 * 8 * (2 * ((size - 2) // 2)) ** 2  # a row and a column that no window sees stay 0
    behind = [r.work for r in plan(graph).rows if isinstance(r, Record) and r.nodes and r.nodes[0].origin.backward]
    writers = [w for w in behind if any(a.writes and a.high - a.low >= whole for a in w.accesses())]
    assert len(writers) == 1  # with the mask of the activation in it, and the sum of the bias
    assert not any(not a.writes and a.high - a.low >= whole for a in writers[0].accesses())
    assert sum(a.writes for a in writers[0].accesses()) == 2


def test_axes_of_which_others_were_made() -> None:
    assert made_of((6, 4), (2, 3, 4)) == [(0, 1), (2,)]
    assert made_of((6, 1, 4), (1, 6, 4, 1)) == [(0, 1), (), (2, 3)]
    assert made_of((6, 4), (3, 8)) is None
    assert made_of((6,), (2, 3, 4)) is None
