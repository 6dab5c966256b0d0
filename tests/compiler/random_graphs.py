"""Graphs at random: maps, sums, views, products, pads, parts side by side, rows of tables, in any order."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Value

UNARY = ("neg", "abs", "tanh", "exp")
BINARY = ("add", "sub", "mul", "max", "min")


class Drawn:
    """A graph that grows by random nodes; sources are cells, inputs, constants and scalars."""

    def __init__(self, seed: int, length: int = 14) -> None:
        self.draw, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.graph = Graph()
        self.inputs: list[Any] = []
        sizes = [self.draw.choice([1, 2, 3, 5, 16, 17, 33]) for _ in range(3)]
        self.values: list[Value] = [self.source(sizes[:2]), self.source(sizes), self.source(sizes[1:])]
        for _ in range(length):
            self.grow()
        self.finish()

    def source(self, shape: Any) -> Value:
        """An input, a cell or a constant of this shape."""
        role = self.draw.choice(["input", "cell", "constant"])
        array = self.numbers.normal(size=tuple(shape)).astype("f4")
        if role != "input":
            return self.graph.source(role, array.shape, "f4", array=array, name=role)
        self.inputs.append(array)
        return self.graph.source("input", array.shape, "f4", slot=len(self.inputs) - 1)

    def pick(self) -> Value:
        """A value, later ones more often."""
        return self.values[max(self.draw.randrange(len(self.values)), self.draw.randrange(len(self.values)))]

    def grow(self) -> None:
        """One more computation."""
        way = self.draw.choice([
            self.unary, self.unary, self.binary, self.binary, self.binary, self.reduce, self.reduce, self.softmax,
            self.permute, self.cut, self.pad, self.concat, self.product, self.product, self.reshape, self.choose,
            self.rows, self.window, self.noise,
        ])  # fmt: skip
        value = way(self.pick())
        if value is not None and value.size < 40_000:
            self.values.append(value)

    def unary(self, x: Value) -> Value:
        fn = self.draw.choice(UNARY)
        return self.graph.map("tanh", x) if fn == "exp" else self.graph.map(fn, x)

    def binary(self, x: Value) -> Value:
        fitting = [v for v in self.values if self.fits(v, x)]
        other: Any = self.draw.choice([*fitting, 0.5, 2.0])
        return self.graph.map(self.draw.choice(BINARY), x, other)

    def fits(self, a: Value, b: Value) -> bool:
        try:
            return np.broadcast_shapes(a.shape, b.shape) == b.shape
        except ValueError:
            return False

    def reduce(self, x: Value) -> Value | None:
        if not x.shape:
            return None
        axes = tuple(sorted(self.draw.sample(range(len(x.shape)), self.draw.randint(1, len(x.shape)))))
        return self.graph.reduce(x, self.draw.choice(["sum", "max", "min"]), axes, self.draw.random() < 0.5)

    def softmax(self, x: Value) -> Value | None:
        if not x.shape:
            return None
        axis, g = self.draw.randrange(len(x.shape)), self.graph
        z = g.map("sub", x, g.reduce(x, "max", (axis,), True))
        e = g.map("exp", z)
        return g.map("div", e, g.reduce(e, "sum", (axis,), True))

    def permute(self, x: Value) -> Value:
        order = list(range(len(x.shape)))
        self.draw.shuffle(order)
        return self.graph.add(ir.Permute, x, order=tuple(order))

    def cut(self, x: Value) -> Value | None:
        if not x.shape:
            return None
        start, size, step = [], [], []
        for n in x.shape:
            d = self.draw.choice([1, 1, 2, -1])
            first = n - 1 if d < 0 else self.draw.randrange(n)
            start.append(first)
            step.append(d)
            size.append(self.draw.randint(1, (first if d < 0 else n - 1 - first) // abs(d) + 1))
        return self.graph.add(ir.Slice, x, start=tuple(start), size=tuple(size), step=tuple(step))

    def pad(self, x: Value) -> Value:
        low, high, inner = ([self.draw.choice([0, 0, 1, 2]) for _ in x.shape] for _ in range(3))
        return self.graph.add(ir.Pad, x, low=tuple(low), high=tuple(high), inner=tuple(inner), value=0.0)

    def concat(self, x: Value) -> Value | None:
        if not x.shape:
            return None
        axis = self.draw.randrange(len(x.shape))
        rest = [v for v in self.values if v.shape[:axis] + v.shape[axis + 1 :] == x.shape[:axis] + x.shape[axis + 1 :]]
        rest = [v for v in rest if len(v.shape) == len(x.shape)]
        return self.graph.add(ir.Concat, x, *self.draw.choices(rest, k=self.draw.randint(1, 3)), axis=axis)

    def product(self, x: Value) -> Value | None:
        if not x.shape or len(x.shape) > 4:
            return None
        left = "abcd"[: len(x.shape)]
        kept = [a for a in left if self.draw.random() < 0.6]
        batch = [a for a in kept if self.draw.random() < 0.3]
        summed = [a for a in left if a not in kept]
        right = [*batch, *summed, *"xy"[: self.draw.randint(0, 2)]]
        self.draw.shuffle(right)
        sizes = dict(zip(left, x.shape, strict=True))
        other = self.source([sizes.get(a, self.draw.choice([1, 4, 10, 19])) for a in right])
        out = [*kept, *(a for a in right if a in "xy")]
        self.draw.shuffle(out)
        y = self.graph.add(ir.Contract, x, other, left=left, right="".join(right), out="".join(out))
        return self.graph.map("mul", y, 1.0 / max(1, x.size // max(1, y.size)))

    def reshape(self, x: Value) -> Value | None:
        shape = list(x.shape)
        if len(shape) > 1 and self.draw.random() < 0.6:
            axis = self.draw.randrange(len(shape) - 1)
            shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
        else:
            shape.insert(self.draw.randint(0, len(shape)), 1)
        return self.graph.reshape(x, tuple(shape))

    def choose(self, x: Value) -> Value:
        g = self.graph
        truth = g.map(self.draw.choice(["gt", "le", "ne"]), x, self.draw.choice([0.0, 0.5]))
        if x.shape and self.draw.random() < 0.5:
            place = g.cast(g.add(ir.Iota, shape=x.shape, axis=self.draw.randrange(len(x.shape))), "f4")
            truth = g.map("and", truth, g.map("lt", place, 3.0))
        return g.map("where", truth, x, self.draw.choice([0.0, -1.0]))

    def rows(self, x: Value) -> Value | None:
        if len(x.shape) < 2:
            return None
        index = self.numbers.integers(0, x.shape[0], (self.draw.choice([1, 4, 7]),))
        if self.draw.random() < 0.5:
            return self.graph.add(ir.Gather, x, self.graph.constant(index))
        index = self.numbers.integers(0, 5, x.shape[:1])
        return self.graph.add(ir.Scatter, x, self.graph.constant(index), count=5)

    def window(self, x: Value) -> Value | None:
        if len(x.shape) < 2 or max(x.shape) < 3:
            return None
        axis = x.shape.index(max(x.shape))
        seen = self.graph.add(ir.Window, x, axis=axis, taps=3, step=self.draw.choice([1, 2]), dilation=1)
        letters = "abcdefgh"[: len(seen.shape)]
        kernel = self.source((2, 3))
        return self.graph.add(ir.Contract, seen, kernel, left=letters, right="z" + letters[-1], out=letters[:-1] + "z")

    def noise(self, x: Value) -> Value:
        g = self.graph
        key = g.source("scalar", (), "u4", read=lambda: 7)
        kept = g.map("ge", g.map("hash", key, g.add(ir.Iota, shape=x.shape, axis=None)), 1 << 30)
        return g.map("where", kept, g.map("mul", x, 1.5), 0.0)

    def finish(self) -> None:
        """Some values are handed back, some are written into cells."""
        g = self.graph
        g.outputs = [*self.draw.sample(self.values, min(2, len(self.values))), self.values[-1]]
        cells = [s for s in g.sources if s.role == "cell"]
        for cell in cells:
            same = [v for v in self.values if v.shape == cell.shape and v is not cell]
            if same and self.draw.random() < 0.7:
                g.writes.append((cell, self.draw.choice(same)))
        if self.draw.random() < 0.3:
            g.finite = [self.values[-1]]
        g.check()
