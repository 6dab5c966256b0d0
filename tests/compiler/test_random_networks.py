"""Convolutional networks at random: the compiled step's first gradients beside double precision.

Activations are smooth: where a ReLU or the winner of a pool is decided by the last digit, gradients may differ by much
more than rounding. These have tests of their own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from steps import training

import engine
from engine import nn

WORK = 3e8
"""Products of a layer, at most."""
SMALL = 1e-3
"""Gradients that are so small beside the largest one of a network are zeros but for rounding (a bias before a norm)."""


class Residual(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Any) -> Any:
        return x + self.second(nn.functional.silu(self.first(x)))


class Drawn:
    """A network and the shape of its batch."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        pick = self.random.choice
        self.shape = (pick([1, 4, 10, 16, 32, 33, 64, 100, 128]), pick([1, 2, 3]), pick([8, 12, 16, 28]), pick([8, 20]))
        self.layers: list[Any] = []
        self.seen = engine.zeros(2, *self.shape[1:])
        for _ in range(self.random.randint(1, 3)):
            self._convolution()
        self._add(nn.Flatten())
        self._add(nn.Linear(self.seen.shape[1], 10))
        self.model = nn.Sequential(*self.layers)

    def _add(self, layer: Any) -> None:
        self.layers.append(layer)
        self.seen = layer(self.seen)

    def _convolution(self) -> None:
        pick, (_, channels, *space) = self.random.choice, self.seen.shape
        taps, filters = pick([1, 2, 3, 3, 5, 5, 7, (3, 5), (1, 3), (5, 1)]), pick([3, 4, 8, 12, 16, 24, 40])
        taps = taps if isinstance(taps, tuple) else (taps, taps)
        padding, step = pick([(0, 0), (1, 1), (2, 2), tuple(k // 2 for k in taps)]), pick([1, 1, 1, 2])
        work = self.shape[0] * channels * filters * np.prod(taps) * np.prod(space) / step**2
        if work > WORK or any(n + 2 * p <= k for n, p, k in zip(space, padding, taps, strict=True)):
            return
        groups = pick([1, 1, 1, 2, channels])
        groups = groups if channels % groups == filters % groups == 0 else 1
        self._add(nn.Conv2d(channels, filters, taps, stride=step, padding=padding, groups=groups))
        makes: list[Callable[[], Any]] = [
            lambda: nn.BatchNorm2d(filters), nn.Tanh, nn.GELU, lambda: nn.AvgPool2d(2), lambda: Residual(filters)
        ]  # fmt: skip
        for make, often in zip(makes, (0.3, 0.4, 0.3, 0.4, 0.1), strict=True):
            if self.random.random() < often and min(self.seen.shape[2:]) > 2:
                self._add(make())


def gradients(seed: int, how: str) -> list[Any]:
    """Of the first step: compiled, eager, or eager in double precision."""
    engine.manual_seed(seed)
    drawn = Drawn(seed)
    model, x, y = drawn.model, engine.randn(*drawn.shape), engine.randint(0, 10, drawn.shape[:1])
    if how == "double":
        model, x = model.double(), x.double()
    step: Any = training(model, engine.optim.SGD(model.parameters(), lr=0.0))
    if how == "compiled":
        step = engine.compile(step, threads=1 + seed % 2)
        step.prepare(x, y)
        assert step.wait()
    step(x, y)
    return [p.grad.numpy() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("seed", range(96, 136))
def test_first_gradients_are_as_exact_as_those_of_the_eager_engine(seed: int) -> None:
    pytest.importorskip("llvmlite")
    expected, found, eager = (gradients(seed, how) for how in ("double", "compiled", "eager"))
    largest = max(np.abs(g).max() for g in expected)
    for e, g, h in zip(expected, found, eager, strict=True):
        if np.abs(e).max() > SMALL * largest:
            assert np.abs(g - e).max() <= max(3e-5 * np.abs(e).max(), 4 * np.abs(h - e).max())
