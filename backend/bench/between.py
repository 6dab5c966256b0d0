"""Sizes between the named workloads: what people draw is rarely one of six networks."""

from __future__ import annotations

import itertools
from typing import Any

from backend.bench.problem import Problem, Workload, classes, composed, numbers
from backend.bench.workloads import MANY, gpt, plane, recurrent


def perceptron(t: Any, widths: tuple[int, ...], batch: int, rate: float = 0.0) -> Problem:
    """Linear layers with ReLU, and dropout where the rate is not 0; Adam."""
    nn, layers = t.nn, []
    for a, b in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(a, b), nn.ReLU(), *([nn.Dropout(rate)] if rate else [])]
    m = nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))
    x, y = numbers(t, batch, widths[0]), classes(t, widths[-1], batch)
    return Problem(m, x, y, nn.functional.cross_entropy, t.optim.Adam(m.parameters()), noisy=rate > 0)


def unit(t: Any, channels: int) -> Any:
    """Two convolutions with batch norm, added to what came in."""
    nn = t.nn
    body = nn.Sequential(
        *(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()),
        *(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)),
    )
    return composed(t, {"body": body}, lambda m, x: t.relu(x + m.body(x)))


def residual(t: Any) -> Problem:
    """Pictures of 3x32x32, 16 channels, two residual units with batch norm, batch 32."""
    nn = t.nn
    m = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), unit(t, 16), nn.MaxPool2d(2)),
        *(unit(t, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)),
    )
    optimizer = t.optim.SGD(m.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    return Problem(m, numbers(t, 32, 3, 32, 32), classes(t, 10, 32), nn.functional.cross_entropy, optimizer)


def convolutional(t: Any) -> Problem:
    """Pictures of 1x28x28, 8 and 16 channels, average pooling, batch 32, Adam."""
    nn = t.nn
    m = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
        *(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(784, 10)),
    )
    optimizer = t.optim.Adam(m.parameters())
    return Problem(m, numbers(t, 32, 1, 28, 28), classes(t, 10, 32), nn.functional.cross_entropy, optimizer)


WORDS: dict[str, tuple[str, Any, int]] = {
    "B1": ("2-8-8-1 tanh, batch 10, SGD", lambda t: plane(t, 2, 8, 8, 1), MANY),
    "B2": ("64-64-32-10 ReLU, batch 32, Adam", lambda t: perceptron(t, (64, 64, 32, 10), 32), 1),
    "B3": ("784-128-64-10 ReLU, batch 256, Adam", lambda t: perceptron(t, (784, 128, 64, 10), 256), 1),
    "B4": ("784-512-256-10 with dropout, batch 128, Adam", lambda t: perceptron(t, (784, 512, 256, 10), 128, 0.2), 1),
    "B5": ("conv8-conv16 on 28x28, average pooling, batch 32, Adam", convolutional, 1),
    "B6": ("residual, 16 channels, batch norm, 3x32x32, batch 32, SGD", residual, 1),
    "B7": ("language model, 2 layers, width 64, length 32, batch 16", lambda t: gpt(t, 64, 2, 4, 32, 16), 1),
    "B8": ("GRU 16 -> 64, 32 steps, batch 32, Adam", lambda t: recurrent(t, "GRU", 16, 64, 1, 32, 32), 1),
}
BETWEEN: dict[str, Workload] = {n: Workload(n, words, build, steps) for n, (words, build, steps) in WORDS.items()}
