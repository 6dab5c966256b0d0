"""The workloads by which speed is compared, each written once for every library with PyTorch's names."""

from __future__ import annotations

import itertools
from typing import Any

from backend.bench.problem import Problem, Workload, classes, composed, numbers


def w1(t: Any) -> Problem:
    """2-4-2-1 tanh, batch 10, SGD."""
    nn = t.nn
    m = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh())
    optimizer = t.optim.SGD(m.parameters(), lr=0.03)
    return Problem(m, numbers(t, 10, 2), numbers(t, 10, 1, seed=1), nn.functional.mse_loss, optimizer)


def w2(t: Any, hidden: int = 128) -> Problem:
    """784-128-64-10 ReLU, batch 64, Adam."""
    nn = t.nn
    m = nn.Sequential(nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = t.optim.Adam(m.parameters())
    return Problem(m, numbers(t, 64, 784), classes(t, 10, 64), nn.functional.cross_entropy, optimizer)


def w3(t: Any) -> Problem:
    """A LeNet on 3x32x32 pictures, batch 64, SGD with momentum."""
    nn = t.nn
    m = nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10)),
    )
    optimizer = t.optim.SGD(m.parameters(), lr=0.001, momentum=0.9)
    return Problem(m, numbers(t, 64, 3, 32, 32), classes(t, 10, 64), nn.functional.cross_entropy, optimizer)


def w4(t: Any) -> Problem:
    """conv32-conv64-pool-128-10 on 28x28 pictures, batch 64, SGD with momentum."""
    nn = t.nn
    m = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    optimizer = t.optim.SGD(m.parameters(), lr=0.01, momentum=0.9)
    return Problem(m, numbers(t, 64, 1, 28, 28), classes(t, 10, 64), nn.functional.cross_entropy, optimizer)


def block(t: Any, width: int, heads: int) -> Any:
    """One layer of a transformer: attention that looks back, then two linear layers, each added to its input."""
    nn, F = t.nn, t.nn.functional
    parts = {
        **{"before": nn.LayerNorm(width), "between": nn.LayerNorm(width), "looks": nn.Linear(width, 3 * width)},
        **{"joins": nn.Linear(width, width), "widens": nn.Linear(width, 4 * width)},
        "narrows": nn.Linear(4 * width, width),
    }

    def forward(m: Any, x: Any) -> Any:
        batch, length, _ = x.shape
        three = m.looks(m.before(x)).split(width, 2)
        q, k, v = (a.view(batch, length, heads, width // heads).transpose(1, 2) for a in three)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + m.joins(seen.transpose(1, 2).reshape(batch, length, width))
        return x + m.narrows(F.gelu(m.widens(m.between(x))))

    return composed(t, parts, forward)


def gpt(t: Any, width: int, layers: int, heads: int, length: int, batch: int, letters: int = 65) -> Problem:
    """A small language model on random letters, AdamW."""
    nn = t.nn
    parts = {
        **{"letters": nn.Embedding(letters, width), "places": nn.Embedding(length, width)},
        "blocks": nn.Sequential(*(block(t, width, heads) for _ in range(layers))),
        **{"last": nn.LayerNorm(width), "head": nn.Linear(width, letters, bias=False)},
    }

    def forward(m: Any, x: Any) -> Any:
        h = m.letters(x) + m.places(t.arange(x.shape[1]))
        return m.head(m.last(m.blocks(h))).flatten(0, 1)

    m = composed(t, parts, forward)
    x, y = classes(t, letters, batch, length), classes(t, letters, batch * length, seed=2)
    return Problem(m, x, y, nn.functional.cross_entropy, t.optim.AdamW(m.parameters(), lr=1e-3))


def w5(t: Any) -> Problem:
    """A language model of 4 layers, 4 heads, width 128, length 64, batch 12, AdamW."""
    return gpt(t, 128, 4, 4, 64, 12)


def recurrent(t: Any, kind: str, width: int, hidden: int, layers: int, length: int, batch: int) -> Problem:
    """A recurrent network that classifies from its last output, Adam."""
    nn = t.nn
    layer = getattr(nn, kind)(width, hidden, num_layers=layers, batch_first=True)
    m = composed(t, {"layer": layer, "head": nn.Linear(hidden, 10)}, lambda m, x: m.head(m.layer(x)[0][:, -1]))
    optimizer = t.optim.Adam(m.parameters())
    return Problem(m, numbers(t, batch, length, width), classes(t, 10, batch), nn.functional.cross_entropy, optimizer)


def w6(t: Any) -> Problem:
    """An LSTM of 2 layers, 32 -> 128 hidden, 64 steps, batch 32, Adam."""
    return recurrent(t, "LSTM", 32, 128, 2, 64, 32)


def plane(t: Any, *widths: int) -> Problem:
    """A network of TensorFlow Playground: tanh layers, batch 10, SGD at 0.03."""
    nn = t.nn
    layers = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.Tanh())]
    m = nn.Sequential(*layers)
    x, y = numbers(t, 10, widths[0]), numbers(t, 10, 1, seed=1).sign()
    return Problem(m, x, y, nn.functional.mse_loss, t.optim.SGD(m.parameters(), lr=0.03))


def p2(t: Any) -> Problem:
    """TensorFlow Playground's largest network: 7 features, 6 tanh layers of 8, batch 10, SGD."""
    return plane(t, 7, 8, 8, 8, 8, 8, 8, 1)


def _first_line(build: Any) -> str:
    return str(build.__doc__).splitlines()[0].rstrip(".")


MANY = 2000
NAMED = (("W1", w1, MANY), ("W2", w2, 1), ("W3", w3, 1), ("W4", w4, 1), ("W5", w5, 1), ("W6", w6, 1), ("P2", p2, MANY))
WORKLOADS: dict[str, Workload] = {n: Workload(n, _first_line(build), build, steps) for n, build, steps in NAMED}
"""W1 is TensorFlow Playground's default network, too."""
