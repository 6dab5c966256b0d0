"""Long graphs need no recursion, and no graph outlives its use."""

import gc
import math
import weakref
from typing import Any

import pytest
from twin import leaf

import engine


def test_100_000_chained_operations_build_walk_and_fall_apart_without_recursion() -> None:
    x = leaf(engine, 1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.00001
    (g,) = engine.autograd.grad(y, x, retain_graph=True)
    assert g.item() == pytest.approx(math.e, rel=1e-2)
    seen = weakref.ref(y.grad_fn)
    del y
    assert seen() is None


def test_a_step_leaves_no_cycle_behind() -> None:
    class Own(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(x, y)
            return y, x * 2

        @staticmethod
        def backward(ctx, g, h):
            _, y = ctx.saved_tensors
            return g * y + h * 2

    x = engine.ones(1000, requires_grad=True)

    def step() -> weakref.ref[Any]:
        h = x * 2
        h.register_hook(lambda g: g * 1)
        h.retain_grad()
        a, b = Own.apply(h)
        loss = (a * b).sum()
        (g,) = engine.autograd.grad(loss, x, create_graph=True)
        (g.sum() + loss).backward()
        x.grad = None
        return weakref.ref(h)

    step()
    gc.collect()
    gc.disable()
    try:
        assert all(step()() is None for _ in range(20))
        assert gc.collect() == 0
    finally:
        gc.enable()
