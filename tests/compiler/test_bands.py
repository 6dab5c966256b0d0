"""Rows that go through the batch side by side give the same numbers, whoever is faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from random_graphs import Drawn
from simulate import run, simulate
from steps import trace_step, training

import engine
from engine import nn
from engine.compiler.kernels.looks import loops
from engine.compiler.kernels.product import Product
from engine.compiler.kernels.work import Call, Plan
from engine.compiler.machine import cores as machine
from engine.compiler.passes.simplify import simplify
from engine.compiler.plan import bands, blocks
from engine.compiler.plan.planner import plan
from engine.compiler.run import table
from engine.compiler.run.table import Table
from engine.compiler.schedule import threads as rules
from engine.compiler.schedule.threads import Barrier, Piece, Together, schedule


@pytest.fixture(autouse=True)
def _eager_bands(monkeypatch: Any) -> Any:
    """Bands and blocks everywhere, however small the work, and no step as one function, which has none."""
    monkeypatch.setattr(table, "TINY", 0.0)
    for module, name, value in (
        (bands, "WORTH", 0.0), (blocks, "CACHE", 3000), (blocks, "LEAST", 0.0), (bands, "SMALL", 4.0),
        (rules, "LEAST", 50.0),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    with np.errstate(all="ignore"):
        yield


def first(item: Any, begun: set[int]) -> bool:
    """Whether nobody has begun a row that all threads do together: the first one takes all of its pieces."""
    fresh = isinstance(item, Together) and id(item) not in begun
    begun.add(id(item))
    return fresh


@contextmanager
def lying(made: Plan, moved: Mapping[int, Any]) -> Iterator[None]:
    """Some buffers lie elsewhere."""
    before = [(buffer, buffer.array) for buffer in made.buffers if id(buffer) in moved]
    for buffer, _ in before:
        buffer.array = moved[id(buffer)]
    yield
    for buffer, array in before:
        buffer.array = array


def walked(made: Plan, inputs: list[Any], threads: int, order: Callable[[list[int]], list[int]]) -> list[Any]:
    """One step by the tables of many threads, which run one after the other from barrier to barrier."""
    for buffer in made.buffers:
        if buffer.slot >= 0:
            buffer.array = np.ascontiguousarray(inputs[buffer.slot]).reshape(-1)
    for buffer, place, read in made.scalars:
        buffer.array[place] = read()
    for part in schedule(made, threads):
        if isinstance(part, Call):
            simulate(Plan(rows=[part]), [])
            continue
        waiting, begun = [list(line) for line in part.lines], set[int]()
        while any(waiting):
            for thread in order(list(range(threads))):
                line = waiting[thread]
                while line and not isinstance(line[0], Barrier):
                    item = line.pop(0)
                    pieces = [item] if isinstance(item, Piece) else item.pieces if first(item, begun) else []
                    with lying(made, part.bases[thread].moved if part.bases else {}):
                        for piece in pieces:
                            run(piece.work)
            assert len({bool(line) for line in waiting}) == 1, "a thread waits for nobody"
            for line in waiting:
                line[:1] = []
    return [place.view().astype(dtype) for place, dtype in made.outputs]


def cells(graph: Any) -> list[Any]:
    return [s.array for s in graph.sources if s.role == "cell"]


ORDERS = (lambda threads: threads, lambda threads: threads[::-1])


@pytest.mark.parametrize("seed", range(80))
def test_a_random_graph_in_bands_means_what_its_rows_mean(seed: int) -> None:
    expected = Drawn(seed)
    wanted = simulate(plan(expected.graph, 1), expected.inputs)
    for threads, order in ((1, ORDERS[0]), (2, ORDERS[0]), (2, ORDERS[1]), (3, ORDERS[1])):
        drawn = Drawn(seed)
        found = walked(plan(drawn.graph, 3), drawn.inputs, threads, order)
        for a, b in zip([*wanted, *cells(expected.graph)], [*found, *cells(drawn.graph)], strict=True):
            np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-4)


def test_a_factor_too_large_for_every_thread_to_read_is_shared_out_instead_of_the_batch(monkeypatch: Any) -> None:
    def products(made: Plan) -> list[Any]:
        return [g for band in made.bands for g in band.goings if isinstance(g.work, Product) and not g.sums]

    assert any(products(plan(Drawn(seed).graph, 3)) for seed in range(12))
    monkeypatch.setattr(bands, "FAR", 0)
    for seed in range(12):
        expected, drawn = Drawn(seed), Drawn(seed)
        made = plan(drawn.graph, 3)
        assert not [g for g in products(made) if any(not look.strides[g.loop] for look in loops(g.work).looks[:2])]
        wanted, found = simulate(plan(expected.graph, 1), expected.inputs), walked(made, drawn.inputs, 2, ORDERS[0])
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-4)


class Recurrent(nn.Module):
    """A short LSTM and a layer on its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = nn.LSTM(6, 16), nn.Linear(16, 5)

    def forward(self, x: Any) -> Any:
        return self.out(self.inner(x)[0][-1])


class Attention(nn.Module):
    """Embedding, attention with a norm and a shortcut, a layer on every place."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm = nn.Embedding(11, 16), nn.LayerNorm(16)
        self.inner, self.out = nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 5)

    def forward(self, x: Any) -> Any:
        y = self.table(x)
        z = self.norm(y)
        return self.out(y + self.inner(z, z, z, need_weights=False)[0]).flatten(0, 1)


def convolutional() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 9, 5),
    )  # fmt: skip


def layers() -> Any:
    return nn.Sequential(nn.Linear(20, 48), nn.ReLU(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 5))


def plain() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * 16, 24), nn.ReLU(), nn.Linear(24, 5),
    )  # fmt: skip


def framed() -> Any:
    """Windows that see nothing but the frame of zeros."""
    return nn.Sequential(nn.Conv2d(1, 40, 2, padding=2), nn.ReLU(), nn.Flatten(), nn.Linear(40 * 11 * 11, 5))


NETWORKS: dict[str, tuple[Callable[[], Any], tuple[int, ...], int, int]] = {
    "layers": (layers, (64, 20), 64, 0), "convolutional": (convolutional, (6, 3, 12, 12), 6, 0),
    "plain": (plain, (6, 1, 12, 12), 6, 0), "recurrent": (Recurrent, (7, 32, 6), 32, 0),
    "attention": (Attention, (6, 10), 60, 11), "framed": (framed, (40, 1, 8, 8), 40, 0),
}  # fmt: skip


def traced(name: str) -> tuple[Any, list[Any]]:
    """The graph of a training step, and its inputs."""
    engine.manual_seed(0)
    make, shape, count, numbers = NETWORKS[name]
    random = np.random.default_rng(1)
    x = random.integers(0, numbers, shape) if numbers else random.standard_normal(shape).astype("f4")
    y, model = random.integers(0, 5, count), make()
    optimiser = engine.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    graph = trace_step(training(model, optimiser), (engine.tensor(x), engine.tensor(y)))
    simplify(graph)
    return graph, [x, y]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_in_bands_means_what_its_rows_mean(name: str) -> None:
    expected, inputs = traced(name)
    wanted = simulate(plan(expected, 1), inputs)
    for shards in (1, 2, 3):
        for threads, order in ((1, ORDERS[0]), (2, ORDERS[0]), (2, ORDERS[1])):
            graph, inputs = traced(name)
            made = plan(graph, shards)
            assert made.bands or shards == 1
            found = walked(made, inputs, threads, order)
            for a, b in zip([*wanted, *cells(expected)], [*found, *cells(graph)], strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_number_of_threads_changes_no_bit(name: str) -> None:
    pytest.importorskip("llvmlite")
    found = []
    for threads in (1, 2, 3):
        graph, inputs = traced(name)
        made = Table(plan(graph, 3))
        made.wait()
        lies = np.array([[a.ctypes.data for a in inputs]], np.int64)
        found.append((made.run(5, lies, exactly=threads).results, *[a.copy() for a in cells(graph)]))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_memory_that_only_a_block_needs_is_used_again_by_the_next() -> None:
    graph, _ = traced("plain")
    made = plan(graph, 1)
    blocks = [segment for band in made.bands for segment in band.segments if segment.units]
    assert blocks
    assert any(segment.held for segment in blocks)


@pytest.mark.parametrize("name", NETWORKS)
def test_memory_of_a_block_is_touched_by_no_other_row(name: str) -> None:
    graph, _ = traced(name)
    made = plan(graph, 1)
    touched = [{id(access.buffer) for access in row.work.accesses()} for row in made.rows]
    for segment in (segment for band in made.bands for segment in band.segments):
        rows = {going.row for going in segment.goings}
        assert not any(segment.held & found for i, found in enumerate(touched) if i not in rows)


def test_weights_and_what_depends_on_them_alone_stay_outside() -> None:
    graph, _ = traced("layers")
    made = plan(graph, 2)
    inside = {going.row for band in made.bands for going in band.goings}
    stepped = {i for i, row in enumerate(made.rows) if any(n.origin.op == "stepped" for n in row.nodes)}
    assert stepped
    assert not stepped & inside


def test_a_run_says_into_how_many_parts_a_batch_is_cut() -> None:
    pytest.importorskip("llvmlite")
    model, x, y = plain(), engine.randn(6, 1, 12, 12), engine.randint(0, 5, (6,))
    optimiser = engine.optim.SGD(model.parameters(), lr=0.1)

    step = engine.compile(training(model, optimiser))
    machine.set_cores(2)
    try:
        step.prepare(x, y)
        assert step.shards == 2
    finally:
        machine.set_cores(None)
