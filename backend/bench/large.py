"""Large networks, of up to five million parameters, with large batches: products of matrices take most of the time."""

from __future__ import annotations

import itertools
from typing import Any

from backend.bench.between import BETWEEN, perceptron
from backend.bench.problem import Problem, Workload, classes, composed, numbers
from backend.bench.workloads import WORKLOADS, recurrent


def encoder(t: Any, width: int, heads: int, layers: int, length: int, batch: int) -> Problem:
    """Layers of a transformer, without dropout, over random words; classes from the mean over the places."""
    nn = t.nn
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, batch_first=True)
    body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
    parts = {"words": nn.Embedding(100, width), "body": body, "head": nn.Linear(width, 10)}
    m = composed(t, parts, lambda m, x: m.head(m.body(m.words(x)).mean(1)))
    x, y = classes(t, 100, batch, length), classes(t, 10, batch)
    return Problem(m, x, y, nn.functional.cross_entropy, t.optim.Adam(m.parameters()))


def pictures(t: Any, channels: tuple[int, ...], taps: int, side: int, batch: int, norm: bool = False) -> Problem:
    """Convolutions that keep the size, each with a ReLU; with norms also pools, while there are more than 4 rows."""
    nn, layers, size = t.nn, [], side
    for a, b in itertools.pairwise(channels):
        layers += [nn.Conv2d(a, b, taps, padding=taps // 2), *([nn.BatchNorm2d(b)] if norm else []), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if norm and size > 4 else []
        size //= 2
    m = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 10))
    x, y = numbers(t, batch, channels[0], side, side), classes(t, 10, batch)
    return Problem(m, x, y, nn.functional.cross_entropy, t.optim.Adam(m.parameters()))


DOUBLED = (3, 32, 64, 128, 256)
WORDS: dict[str, tuple[str, Any]] = {
    "L1": ("1024-1024-1024-1024-10 ReLU, batch 256", lambda t: perceptron(t, (1024, 1024, 1024, 1024, 10), 256)),
    "L2": ("784-2048-1024-10 ReLU, batch 128", lambda t: perceptron(t, (784, 2048, 1024, 10), 128)),
    "L3": ("GRU 100 -> 400, 16 steps, batch 128", lambda t: recurrent(t, "GRU", 100, 400, 1, 16, 128)),
    "L4": ("LSTM of 2 layers, 32 -> 256, 16 steps, batch 256", lambda t: recurrent(t, "LSTM", 32, 256, 2, 16, 256)),
    "L5": ("transformer, 2 layers of 128, length 128, batch 64", lambda t: encoder(t, 128, 4, 2, 128, 64)),
    "L6": ("transformer, 1 layer of 512, length 32, batch 32", lambda t: encoder(t, 512, 8, 1, 32, 32)),
    "L7": ("conv256-conv256 on 64x8x8, batch 64", lambda t: pictures(t, (64, 256, 256), 3, 8, 64)),
    "L8": ("conv64-conv64 of 5 x 5 on 3x16x16, batch 32", lambda t: pictures(t, (3, 64, 64), 5, 16, 32)),
    "L9": ("conv32-64-128-256, norms, pools, 3x32x32, batch 64", lambda t: pictures(t, DOUBLED, 3, 32, 64, True)),
}
LARGE: dict[str, Workload] = {n: Workload(n, f"{words}, Adam", build) for n, (words, build) in WORDS.items()}
KNOWN: dict[str, Workload] = {**WORKLOADS, **BETWEEN, **LARGE}
"""Everything that has a name."""
