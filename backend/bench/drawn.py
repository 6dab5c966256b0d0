"""Networks at random: what people might draw, from a seed, the same in every library."""

from __future__ import annotations

import random
from typing import Any

from backend.bench.problem import Problem, Workload, classes, composed, numbers
from backend.bench.workloads import block

MOST = 5_000_000
ACTIVATIONS = ("ReLU", "ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "LeakyReLU", "ELU")
WIDTHS = (8, 10, 16, 20, 32, 37, 48, 64, 96, 100, 128, 200, 256, 300, 512, 1000, 1024)
Draw = random.Random


def activation(t: Any, draw: Draw) -> Any:
    """Some layer that bends."""
    return getattr(t.nn, draw.choice(ACTIVATIONS))()


def batch_of(draw: Draw, most: int = 256) -> int:
    """Some batch size: a usual one, or any."""
    return draw.choice([n for n in (8, 16, 32, 64, 100, 128, 256) if n <= most] + [draw.randint(1, most)])


def dense(t: Any, draw: Draw, width: int, count: int, norms: tuple[str, ...] = ("", "", "LayerNorm")) -> list[Any]:
    """Linear layers with what stands between them; all but the first of a network. The last width is `wide(parts)`."""
    parts: list[Any] = []
    norm, rate = draw.choice(norms), draw.choice([0.0, 0.0, 0.2, 0.5])
    for _ in range(count):
        wide = draw.choice(WIDTHS)
        parts.append(t.nn.Linear(width, wide))
        parts += [getattr(t.nn, norm)(wide)] if norm else []
        parts.append(activation(t, draw))
        parts += [t.nn.Dropout(rate)] if rate else []
        width = wide
    return parts


def wide(parts: list[Any], width: int) -> int:
    """How many numbers come out of these layers."""
    return next((int(p.out_features) for p in reversed(parts) if hasattr(p, "out_features")), width)


def perceptron(t: Any, draw: Draw) -> tuple[Any, Any]:
    """Linear layers, with batch norm, layer norm or neither."""
    width, batch = draw.choice([2, 4, 13, 64, 100, 256, 784]), max(2, batch_of(draw))
    parts = dense(t, draw, width, draw.randint(1, 5), ("", "", "BatchNorm1d", "LayerNorm"))
    return t.nn.Sequential(*parts, t.nn.Linear(wide(parts, width), 10)), numbers(t, batch, width)


def picture(t: Any, draw: Draw) -> Any:
    """A batch of pictures."""
    side, channels = draw.choice([8, 12, 16, 24, 28, 32]), draw.choice([1, 3])
    return numbers(t, max(2, batch_of(draw, 64 if side > 16 else 256)), channels, side, side)


def layers(t: Any, draw: Draw, channels: int, side: int) -> tuple[list[Any], int]:
    """Convolutions, norms, activations and pooling, and how many channels come out."""
    parts: list[Any] = []
    norm = draw.random() < 0.4
    for _ in range(draw.randint(1, 4)):
        many, taps = draw.choice([4, 6, 8, 12, 16, 24, 32]), draw.choice([1, 3, 3, 3, 5])
        stride = draw.choice([1, 1, 1, 2]) if side >= 8 else 1
        parts.append(t.nn.Conv2d(channels, many, taps, stride=stride, padding=taps // 2, bias=not norm))
        parts += [t.nn.BatchNorm2d(many)] if norm else []
        parts.append(activation(t, draw))
        channels, side = many, (side - 1) // stride + 1
        if side >= 8 and draw.random() < 0.5:
            parts.append(draw.choice([t.nn.MaxPool2d, t.nn.AvgPool2d])(2))
            side //= 2
    return parts, channels


def head(t: Any, draw: Draw, body: Any, x: Any) -> Any:
    """From feature maps to 10 classes: the mean of each map, or all of them through linear layers."""
    with t.no_grad():
        shape = body(x[:2]).shape
    if draw.random() < 0.3:
        return t.nn.Sequential(body, t.nn.AdaptiveAvgPool2d(1), t.nn.Flatten(), t.nn.Linear(shape[1], 10))
    inside = [t.nn.Linear(shape[1:].numel(), 64), activation(t, draw)]
    inside += [t.nn.Dropout(0.25)] if draw.random() < 0.3 else []
    return t.nn.Sequential(body, t.nn.Flatten(), *inside, t.nn.Linear(64, 10))


def convolutional(t: Any, draw: Draw) -> tuple[Any, Any]:
    """A plain convolutional network."""
    x = picture(t, draw)
    parts, _ = layers(t, draw, x.shape[1], x.shape[2])
    return head(t, draw, t.nn.Sequential(*parts), x), x


def residual(t: Any, draw: Draw) -> tuple[Any, Any]:
    """Units that are added to what came in: convolutions, or linear layers."""
    nn = t.nn
    if draw.random() < 0.5:
        width, deep = draw.choice([16, 50, 64, 128, 256]), draw.randint(1, 4)
        units = [
            composed(t, {"a": nn.Linear(width, width), "act": activation(t, draw), "b": nn.Linear(width, width)},
                     lambda m, x: x + m.b(m.act(m.a(x))))
            for _ in range(deep)
        ]  # fmt: skip
        return nn.Sequential(nn.Linear(32, width), *units, nn.Linear(width, 10)), numbers(t, batch_of(draw), 32)
    x, many = picture(t, draw), draw.choice([8, 12, 16])
    units = [composed(t, {"body": conv_unit(t, draw, many)}, lambda m, x: t.relu(x + m.body(x))) for _ in range(2)]
    stem = nn.Conv2d(x.shape[1], many, 3, stride=draw.choice([1, 2]), padding=1)
    return head(t, draw, nn.Sequential(stem, *units), x), x


def conv_unit(t: Any, draw: Draw, many: int) -> Any:
    """Two convolutions that keep the shape, with batch norm or without."""
    nn, parts = t.nn, []
    norm = draw.random() < 0.6
    for last in (False, True):
        parts += [nn.Conv2d(many, many, 3, padding=1), *([nn.BatchNorm2d(many)] if norm else [])]
        parts += [] if last else [activation(t, draw)]
    return nn.Sequential(*parts)


def branching(t: Any, draw: Draw) -> tuple[Any, Any]:
    """Two or three branches side by side, joined by cat or by adding."""
    x, many = picture(t, draw), draw.choice([4, 8, 12])
    joined, taps = draw.random() < 0.6, draw.sample([1, 3, 5], draw.randint(2, 3))
    parts = {
        f"b{k}": t.nn.Sequential(t.nn.Conv2d(x.shape[1], many, k, padding=k // 2), activation(t, draw)) for k in taps
    }
    names = list(parts)

    def forward(m: Any, x: Any) -> Any:
        found = [getattr(m, name)(x) for name in names]
        return t.cat(found, 1) if joined else sum(found[1:], found[0])

    return head(t, draw, t.nn.Sequential(composed(t, parts, forward), t.nn.MaxPool2d(2)), x), x


def words(t: Any, draw: Draw) -> tuple[Any, Any]:
    """The mean of the vectors of some words, then linear layers."""
    count, width, length = draw.choice([50, 300, 2000]), draw.choice([8, 16, 32, 64]), draw.choice([5, 10, 25, 40])
    parts = dense(t, draw, width, draw.randint(1, 2))
    body = t.nn.Sequential(*parts, t.nn.Linear(wide(parts, width), 10))
    m = composed(t, {"table": t.nn.Embedding(count, width), "body": body}, lambda m, x: m.body(m.table(x).mean(1)))
    return m, classes(t, count, batch_of(draw), length)


def attentive(t: Any, draw: Draw) -> tuple[Any, Any]:
    """Words and places, layers of a transformer, the mean over the places."""
    nn = t.nn
    count, heads, size = draw.choice([30, 65, 200]), draw.choice([1, 2, 4]), draw.choice([8, 12, 16, 32])
    width, length, deep = heads * size, draw.choice([8, 16, 24, 32, 50]), draw.randint(1, 3)
    parts = {
        **{"table": nn.Embedding(count, width), "places": nn.Embedding(length, width)},
        "blocks": nn.Sequential(*(block(t, width, heads) for _ in range(deep))),
        **{"last": nn.LayerNorm(width), "head": nn.Linear(width, 10)},
    }

    def forward(m: Any, x: Any) -> Any:
        return m.head(m.last(m.blocks(m.table(x) + m.places(t.arange(length)))).mean(1))

    return composed(t, parts, forward), classes(t, count, batch_of(draw, 32), length)


def recurrent(t: Any, draw: Draw) -> tuple[Any, Any]:
    """RNN, LSTM or GRU, from the last output to 10 classes."""
    kind, hidden = draw.choice(["RNN", "LSTM", "GRU"]), draw.choice([8, 16, 32, 50, 64, 128])
    width, length = draw.choice([1, 3, 8, 16, 28, 32]), draw.choice([5, 10, 20, 28, 40])
    both = draw.random() < 0.2
    layer = getattr(t.nn, kind)(width, hidden, num_layers=draw.randint(1, 2), batch_first=True, bidirectional=both)
    parts = {"layer": layer, "head": t.nn.Linear(hidden * (1 + both), 10)}
    m = composed(t, parts, lambda m, x: m.head(m.layer(x)[0][:, -1]))
    return m, numbers(t, batch_of(draw, 128), length, width)


FAMILIES = (perceptron, perceptron, convolutional, convolutional, residual, branching, words, attentive, recurrent)


def optimizer(t: Any, draw: Draw, m: Any) -> Any:
    """Some optimiser with some settings."""
    decay = draw.choice([0.0, 0.0, 1e-4, 1e-2])
    momentum = {"momentum": draw.choice([0.0, 0.9])}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("SGD", {"lr": 1e-2, **momentum, "nesterov": momentum["momentum"] > 0 and draw.random() < 0.3}),
        ("Adam", {"lr": 1e-3}), ("AdamW", {"lr": 1e-3}), ("RMSprop", {"lr": 1e-4}), ("Adagrad", {"lr": 1e-3}),
    ]  # fmt: skip
    name, settings = draw.choice(kinds)
    return getattr(t.optim, name)(m.parameters(), weight_decay=decay, **settings)


def attempt(t: Any, key: str) -> Problem:
    """The network of a key, however large."""
    draw = random.Random(key)
    m, x = draw.choice(FAMILIES)(t, draw)
    noisy = any(type(part).__name__ == "Dropout" for part in m.modules())
    y = classes(t, 10, x.shape[0])
    return Problem(m, x, y, t.nn.functional.cross_entropy, optimizer(t, draw, m), noisy)


def build(t: Any, seed: int) -> Problem:
    """Network number `seed`, the first one drawn for it that has at most 5 million parameters."""
    for again in range(100):
        problem = attempt(t, f"{seed}/{again}")
        if problem.parameters <= MOST:
            return problem
    raise RuntimeError(f"No network for the seed {seed}.")


def describe(t: Any, seed: int) -> str:
    """A few words about network number `seed`."""
    draw, problem = random.Random(f"{seed}/0"), build(t, seed)
    family = draw.choice(FAMILIES).__name__
    kind = type(problem.optimizer).__name__
    return f"{family}, {problem.parameters:,} parameters, batch {problem.x.shape[0]}, {kind}"


def drawn(t: Any, count: int, seed: int = 0) -> list[Workload]:
    """So many networks."""
    seeds = range(seed, seed + count)
    return [Workload(f"R{s}", describe(t, s), lambda t, s=s: build(t, s)) for s in seeds]  # type: ignore[misc]
