"""Plans that are made again for other sizes: what the recipe makes is what planning from the beginning makes."""

from __future__ import annotations

import dataclasses
import functools
import math
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from random_graphs import Drawn
from steps import Residual, trace_step, training

import engine
from engine import nn, optim
from engine.compiler.code import store
from engine.compiler.code.library import library
from engine.compiler.graph.ir import Graph
from engine.compiler.graph.sizes import Tape
from engine.compiler.kernels.work import Buffer, Life, Plan, Record, cost
from engine.compiler.plan.scratch import lives_of
from engine.compiler.reuse import resized
from engine.compiler.reuse.resized import Recipe, again, learn, said
from engine.compiler.run.runner import _own, rows_of


def told(x: Any, seen: dict[int, int]) -> Any:
    """All that a plan says; buffers by their number."""
    if isinstance(x, Buffer):
        number = seen.setdefault(id(x), len(seen))
        return number, x.count, np.dtype(x.dtype), x.name, x.slot, x.shape, x.fill, x.lasting, x.own
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return type(x), *(told(getattr(x, f.name), seen) for f in dataclasses.fields(x))
    if isinstance(x, list | tuple):
        return tuple(told(part, seen) for part in x)
    return "nan" if isinstance(x, float) and math.isnan(x) else x


def page(plan: Plan) -> Any:
    """A plan as something to compare."""
    rows = [(row.work, row.note, [node.origin for node in row.nodes]) for row in plan.rows]
    return told([rows, plan.finite, plan.guard, plan.outputs, plan.buffers, [s[:2] for s in plan.scalars]], {})


def lives(plan: Plan, found: list[Life]) -> list[tuple[int, int, int]]:
    """Buffers by their number, and which rows they live for."""
    return [(plan.buffers.index(buffer), born, died) for buffer, born, died in found]


def replays(graphs: list[Graph], shards: int = 2) -> int:
    """Of graphs with one structure, how many the recipe of the first one fits (it does fit that one)."""
    recipe = Recipe(graphs[0], lambda graph: rows_of(graph, shards))
    count = 0
    for graph in graphs:
        mine, again = _own(graph), _own(graph)
        plan = recipe.plan(again, said(graph)[1])  # type: ignore[index]
        if plan is not None:
            wanted = rows_of(mine, shards)
            assert page(plan) == page(wanted)
            assert [row.work.key for row in plan.rows] == [row.work.key for row in wanted.rows]
            assert plan.cost == cost(wanted)
            assert lives(plan, plan.lives) == lives(wanted, lives_of(wanted))
            assert again.parted == mine.parted
            count += 1
        assert graph is not graphs[0] or plan is not None
    return count


def resizings(make: Callable[..., Any], sizes: list[Any], optimizer: Any = optim.Adam) -> int:
    """Training steps of a network in several sizes: how many were planned by the recipe of another one."""
    by_structure: dict[Any, list[Graph]] = {}
    for size in sizes:
        model, batch = make(*size)
        step = training(model, optimizer(model.parameters(), lr=0.01))
        graph = trace_step(step, batch)
        key = said(graph)
        if key is not None:
            by_structure.setdefault(key[0], []).append(graph)
    return sum(replays(graphs) - 1 for graphs in by_structure.values())


def classes(n: int, *shape: int) -> Any:
    return engine.randn(n, *shape), engine.randint(0, 3, (n,))


def mlp(n: int, a: int, b: int) -> Any:
    return nn.Sequential(nn.Linear(20, a), nn.ReLU(), nn.Linear(a, b), nn.Tanh(), nn.Linear(b, 3)), classes(n, 20)


def rectified(a: int, b: int) -> Any:
    layers = (nn.Linear(70, a), nn.ReLU(), nn.Linear(a, b), nn.ReLU(), nn.Linear(b, 3))
    return nn.Sequential(*layers), classes(64, 70)


def normed(a: int, b: int) -> Any:
    layers = (nn.Linear(20, a), nn.LayerNorm(a), nn.GELU(), nn.Linear(a, b), nn.BatchNorm1d(b), nn.Dropout(0.2))
    return nn.Sequential(*layers, nn.Linear(b, 3)), classes(12, 20)


def thinned(a: int, b: int) -> Any:
    layers = (nn.Linear(20, a), nn.ReLU(), nn.Dropout(0.3), nn.Linear(a, b), nn.Tanh(), nn.Dropout(0.1))
    return nn.Sequential(*layers, nn.Linear(b, 3)), classes(64, 20)


def cnn(a: int, b: int, width: int = 12) -> Any:
    layers = (nn.Conv2d(1, a, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(a, b, 3), nn.ReLU(), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(b * (width // 2 - 2) ** 2, 3)), classes(32, 1, width, width)


def pooled(n: int, a: int, b: int, width: int = 12) -> Any:
    layers = (nn.Conv2d(1, a, 3), nn.ReLU(), nn.Conv2d(a, b, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(b * (width // 2 - 2) ** 2, 3)), classes(n, 1, width, width)


def lenet(a: int, b: int) -> Any:
    layers = (nn.Conv2d(1, a, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(a, b, 5), nn.ReLU(), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(b * 16, 3)), classes(32, 1, 20, 20)


class Last(nn.Module):
    """A recurrent layer's last answer."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(5, size, batch_first=True), nn.Linear(size, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    """One block of a transformer."""

    def __init__(self, heads: int, size: int) -> None:
        super().__init__()
        self.heads, self.size, wide = heads, size, heads * size
        self.into, self.qkv, self.out = nn.Linear(5, wide), nn.Linear(wide, 3 * wide), nn.Linear(wide, 3)

    def forward(self, x: Any) -> Any:
        h, wide = self.into(x), self.heads * self.size
        q, k, v = (t.view(*x.shape[:2], self.heads, self.size).transpose(1, 2) for t in self.qkv(h).split(wide, 2))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(h.shape)
        return self.out((h + y).mean(1))


NETWORKS: dict[str, tuple[Callable[..., Any], list[Any], int]] = {
    "widths": (
        mlp,
        [(64, a, b) for a, b in ((100, 33), (103, 32), (109, 37), (121, 45), (121, 51), (24, 7), (300, 64))],
        2,
    ),
    "zeros": (rectified, [(100, 64), (103, 66), (128, 80), (101, 65), (99, 50)], 2),
    "pools": (pooled, [(33, a, b) for a, b in ((32, 64), (32, 64), (32, 80), (32, 48), (48, 64), (32, 63))], 1),
    "batches": (mlp, [(64, 40, 30)] * 3, 2),
    "norms": (normed, [(a, b) for a, b in ((30, 17), (31, 17), (31, 16), (61, 18))], 0),
    "dropout": (thinned, [(100, 33), (103, 37), (109, 41), (131, 51)], 2),
    "channels": (cnn, [(a, b) for a, b in ((24, 40), (25, 40), (26, 42), (28, 44), (7, 6))], 1),
    "five taps": (lenet, [(a, b) for a, b in ((9, 18), (10, 19), (11, 21), (17, 25), (18, 26))], 2),
    "recurrent": (lambda size: (Last(size), classes(8, 6, 5)), [(n,) for n in (9, 30, 30, 33)], 1),
    "panels": (lambda size: (Last(size), classes(8, 9, 5)), [(n,) for n in (160, 160, 128, 192)], 1),
    "attention": (lambda h, n: (Block(h, n), classes(6, 9, 5)), [(2, 7), (2, 7), (4, 11), (3, 8)], 1),
    "branches": (lambda: (Residual(), classes(10, 6)), [(), ()], 1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_recipe_gives_other_sizes_the_very_plan_that_planning_gives_them(name: str) -> None:
    make, sizes, least = NETWORKS[name]
    engine.manual_seed(1)
    fitting = resizings(make, sizes)
    print(name, fitting, len(sizes))
    assert fitting >= least


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.RMSprop, optim.AdamW])
def test_other_optimisers_too(optimizer: Any) -> None:
    assert resizings(mlp, [(16, a, 33) for a in (100, 103, 131)], optimizer) == 2


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_in_random_sizes_are_planned_as_from_the_beginning(seed: int) -> None:
    draw = random.Random(seed)
    kinds = [draw.choice([nn.ReLU, nn.Tanh, nn.GELU, nn.Sigmoid]) for _ in range(draw.randint(1, 4))]
    norms = [draw.random() < 0.3 for _ in kinds]
    count = draw.choice([8, 33, 64])

    def make(*widths: int) -> Any:
        layers: list[Any] = []
        before = 20
        for width, kind, normed in zip(widths, kinds, norms, strict=True):
            layers += [nn.Linear(before, width), *([nn.BatchNorm1d(width)] if normed else []), kind()]
            before = width
        return nn.Sequential(*layers, nn.Linear(before, 3)), classes(count, 20)

    sizes = [tuple(draw.randint(2, 150) for _ in kinds) for _ in range(5)]
    resizings(make, sizes, draw.choice([optim.SGD, optim.Adam]))


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_are_planned_alike_by_recipe(seed: int) -> None:
    graph = Drawn(seed).graph
    key = said(graph)
    if key is not None and all(isinstance(row, Record) for row in rows_of(_own(graph), 2).rows):
        assert replays([graph]) == 1


def test_steps_that_come_from_a_recipe_train_as_eager_ones() -> None:
    resized._RECIPES.clear()
    found = []
    for compiled in (False, True):
        losses = []
        for width in (90, 101, 103, 107):
            engine.manual_seed(width)
            model, batch = mlp(16, width, 33)
            step: Any = training(model, optim.Adam(model.parameters(), lr=0.01))
            if compiled:
                step = engine.compile(step)
                step.prepare(*batch)
                step.wait()
                step.newest.bound.runner.table.kernels.idle()
            losses += [step(*batch).item() for _ in range(6)]
        found.append(losses)
    assert np.allclose(*found, rtol=1e-4)
    recipes = [recipe for known in resized._RECIPES.values() for recipe in known if recipe is not None]
    assert len(recipes) == 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_recipe_is_learnt_from_a_step_that_is_gone_by_then() -> None:
    resized._RECIPES.clear()
    held = threading.Event()
    for width in (96, 112):
        model = nn.Sequential(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, 48))
        optimizer, batch = optim.SGD(model.parameters(), lr=0.1), (engine.randn(16, 32), engine.randn(16, 48))

        def plain(x: Any, y: Any, model: Any = model, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        step: Any = engine.compile(plain)
        step(*batch)
        table = step.newest.bound.runner.table
        table.wait()
        table.kernels.later("held up", functools.partial(held.wait, 60))
        step(*batch)
        step(*batch)
        assert step.tier == "native"
        del step, model, optimizer, plain
    assert list(resized._RECIPES.values()) == [[None]], "the first one of a structure is only noted"
    held.set()
    assert table.kernels.idle()
    assert [recipe for known in resized._RECIPES.values() for recipe in known if recipe is not None]
    assert not [key for key in table.kernels.troubles if "recipe" in key]


def test_other_code_stands_in_while_the_best_is_compiled_and_the_numbers_are_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv(store.FOLDER, str(tmp_path))  # nothing is compiled yet
    x, y = engine.randn(64, 100), engine.randint(0, 3, (64,))

    def edit(width: int) -> tuple[Any, list[float]]:
        engine.manual_seed(width)
        model = nn.Sequential(nn.Linear(100, width), nn.Tanh(), nn.Linear(width, 3))
        step = engine.compile(training(model, optim.Adam(model.parameters())))
        step.prepare(x, y)
        return step, [step(x, y).item()]

    for width in (40, 44):
        step, _ = edit(width)
        assert step.wait()
        step(x, y)
        assert library().idle()
    with monkeypatch.context() as busy:
        busy.setattr(library(), "later", lambda *_: None)
        step, losses = edit(75)
        variant = step.newest
        assert step.tier == "native"
        assert variant.fallback is not None
        assert step.waiting()
        losses += [step(x, y).item() for _ in range(3)]
    assert step.wait()
    losses += [step(x, y).item() for _ in range(3)]
    assert variant.fallback is None
    assert step.tier == "native"
    step, wanted = edit(75)
    assert step.newest.fallback is None
    assert losses == wanted + [step(x, y).item() for _ in range(6)]


def test_what_is_asked_of_open_sizes_becomes_a_condition() -> None:
    tape = Tape()
    a, b = tape.size(20), tape.size(7)
    assert tape.size(1) == 1
    assert tape.size(20) is a
    assert (a * b, 2 * a, a // b, -b, a % b) == (140, 40, 2, -7, 6)
    assert max(a, b) is a
    assert (math.prod((a, b, 1)).now, (a / 8.0).now) == (140, 2.5)
    assert list(range(b)) == list(range(7))
    assert {(a, 1): 2}[tape.size(20), 1] == 2
    lines = list(tape.lines)
    assert a
    assert a > 1
    assert b != 0
    assert tape.lines == lines, "a size is at least 2"
    text = "\n".join(lines)
    assert "if not (v1 == 7): return None" in text
    assert "v0 == 20" not in text


def test_a_defect_of_recipes_is_heard_of_and_nothing_is_lost() -> None:
    graph = Graph()
    graph.outputs = [graph.map("tanh", graph.source("input", (5,), "f4", slot=0))]
    learn(("a", "structure"), graph, None)  # the first one of a structure is only noted

    def broken(_: Graph) -> Plan:
        raise ZeroDivisionError("broken")

    with pytest.warns(RuntimeWarning, match="defect of the compiler, ZeroDivisionError: broken"):
        learn(("a", "structure"), graph, broken)()
    assert again((("a", "structure"), (5,)), graph) is None
