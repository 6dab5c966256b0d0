"""A plan means what its graph means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from random_graphs import Drawn
from simulate import simulate

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Contract, Graph, interpret
from engine.compiler.kernels.work import Buffer, Record
from engine.compiler.plan.places import Place
from engine.compiler.plan.planner import plan, transposition_of
from engine.compiler.run.table import Table


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


def both(make: Any, steps: int = 2) -> list[tuple[Any, Any]]:
    """Outputs and cells after some steps: by the graph's meaning, and by the plan."""
    first, second = make(), make()
    lowered = plan(second.graph)
    pairs = []
    for _ in range(steps):
        pairs += list(zip(interpret(first.graph, first.inputs), simulate(lowered, second.inputs), strict=True))
    cells = [[s.array for s in d.graph.sources if s.role == "cell"] for d in (first, second)]
    return pairs + list(zip(*cells, strict=True))


@pytest.mark.parametrize("seed", range(250))
def test_a_random_graph_and_its_plan_give_the_same_numbers(seed: int) -> None:
    for expected, found in both(lambda: Drawn(seed)):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_the_kernels_of_a_plan_give_what_the_graph_means(seed: int) -> None:
    pytest.importorskip("llvmlite")
    first, second = Drawn(seed), Drawn(seed)
    table = Table(plan(second.graph))
    table.wait()
    arrays = [np.ascontiguousarray(a) for a in second.inputs]
    expected = interpret(first.graph, first.inputs)
    table.run(1, np.array([[a.ctypes.data for a in arrays]], np.int64))
    found = [place.view() if place.buffer.slot < 0 else None for place, _ in table.plan.outputs]
    for a, b in zip(expected, found, strict=True):
        if b is not None:
            np.testing.assert_allclose(b, a, rtol=5e-4, atol=5e-4)
    cells = [[s.array for s in d.graph.sources if s.role == "cell"] for d in (first, second)]
    for a, b in zip(*cells, strict=True):
        np.testing.assert_allclose(b, a, rtol=5e-4, atol=5e-4)


def rows(graph: Graph) -> list[str]:
    """The kinds of work of a plan, in order."""
    return [type(r.work).__name__ if isinstance(r, Record) else "Python" for r in plan(graph).rows]


def test_a_layer_is_one_kernel_with_its_bias_and_its_activation() -> None:
    g = Graph()
    x, w, b = g.source("input", (64, 20), "f4", slot=0), cell(g, 30, 20), cell(g, 30)
    y = g.add(Contract, x, w, left="bk", right="ok", out="bo")
    g.outputs = [g.map("max", g.map("add", y, b), 0.0)]
    assert rows(g)[-1:] == ["Contraction"]
    assert "Nest" not in rows(g)


def test_softmax_is_one_kernel() -> None:
    g = Graph()
    x = g.source("input", (64, 20), "f4", slot=0)
    e = g.map("exp", g.map("sub", x, g.reduce(x, "max", (1,), True)))
    g.outputs = [g.map("div", e, g.reduce(e, "sum", (1,), True))]
    assert rows(g) == ["Nest"]


def test_what_is_made_of_one_array_and_a_rows_mean_is_made_again_instead_of_stored() -> None:
    def drawn() -> Any:
        g = Graph()
        x, w = g.source("input", (64, 40), "f4", slot=0), cell(g, 20, 40)
        centred = g.map("sub", x, g.map("mul", g.reduce(x, "sum", (1,), True), 1 / 40))
        y = g.add(Contract, g.map("tanh", centred), w, left="bk", right="ok", out="bo")
        slope = g.add(Contract, y, w, left="bo", right="ok", out="bk")
        g.outputs = [g.reduce(g.map("mul", slope, centred), "sum", (0,))]
        inputs = [np.random.default_rng(0).standard_normal((64, 40)).astype("f4")]
        return type("Drawn", (), {"graph": g, "inputs": inputs})

    for expected, found in both(drawn, 1):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    first = next(r.work for r in plan(drawn().graph).rows if isinstance(r, Record) and r.note == "reduce")
    assert sorted(a.high - a.low for a in first.accesses() if a.writes) == [64, 64 * 40]


def test_sums_over_one_array_read_it_once() -> None:
    def drawn() -> Any:
        g = Graph()
        x, y = (g.source("input", (4, 8, 6, 6), "f4", slot=i) for i in (0, 1))
        sums = g.reduce(x, "sum", (0, 2, 3)), g.reduce(g.map("mul", x, y), "sum", (0, 2, 3))
        g.outputs = [*sums, g.reduce(g.add(ir.Permute, x, order=(1, 0, 2, 3)), "max", (1, 2, 3))]
        inputs = [np.random.default_rng(i).standard_normal((4, 8, 6, 6)).astype("f4") for i in (0, 1)]
        return type("Drawn", (), {"graph": g, "inputs": inputs})

    for expected, found in both(drawn, 1):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert rows(drawn().graph) == ["Nest"]


def test_axes_that_become_one_lie_together_at_once() -> None:
    g = Graph()
    seen, v = (g.source("input", shape, "f4", slot=i) for i, shape in enumerate([(4, 3, 32, 32), (4, 3, 32, 16)]))
    heads = g.add(Contract, seen, v, left="bhts", right="bhsd", out="bthd")
    side = g.reshape(g.map("mul", heads, 0.5), (4, 32, 48))
    g.outputs = [g.add(Contract, side, cell(g, 40, 48), left="btk", right="ok", out="bto")]
    assert sorted(rows(g)) == ["Contraction", "Contraction", "Transposition"]  # of the weights


def test_a_cell_is_updated_where_it_lies() -> None:
    g = Graph()
    p, x = cell(g, 8, 4), g.source("input", (8, 4), "f4", slot=0)
    g.writes = [(p, g.map("sub", p, g.map("mul", x, 0.1)))]
    assert rows(g) == ["Nest"]


def test_parts_side_by_side_are_written_where_they_belong() -> None:
    g = Graph()
    x = g.source("input", (8, 16), "f4", slot=0)
    g.outputs = [g.add(ir.Concat, g.map("tanh", x), g.map("exp", x), axis=0)]
    assert "Transposition" not in rows(g)
    assert len(rows(g)) <= 2


def test_nothing_is_written_before_the_step_is_known_to_be_finite() -> None:
    for seed in range(120):
        graph = Drawn(seed).graph
        lowered = plan(graph)
        cells = {s.array.ctypes.data for s in graph.sources if s.role == "cell"}
        early = [r for r in lowered.rows[: lowered.guard] if isinstance(r, Record)]
        written = [a.buffer for r in early for a in r.work.accesses() if a.writes]
        assert not cells & {b.array.ctypes.data for b in written}


def cell(graph: Graph, *shape: int) -> ir.Source:
    """A cell of ones."""
    return graph.source("cell", shape, "f4", array=np.ones(shape, "f4"))


def test_of_queries_keys_and_values_only_keys_are_turned_and_their_slopes_lie_as_they_do() -> None:
    graph = Graph()
    x, dy = (graph.source("input", (4, 16, 96), "f4", slot=slot) for slot in (0, 1))

    def heads(source: Any, first: int) -> Any:
        piece = graph.add(ir.Slice, source, start=(0, 0, first), size=(4, 16, 32), step=(1, 1, 1))
        return graph.add(ir.Permute, graph.add(ir.Reshape, piece, shape=(4, 16, 2, 16)), order=(0, 2, 1, 3))

    q, k, v = (heads(x, first) for first in (0, 32, 64))
    scores = graph.add(Contract, q, k, left="bhqd", right="bhkd", out="bhqk")
    found = graph.add(Contract, scores, v, left="bhqk", right="bhkd", out="bqhd")
    slopes = [graph.add(Contract, scores, heads(dy, 32 * i), left="bhqk", right=r, out=o)
              for i, (r, o) in enumerate((("bhkd", "bqhd"), ("bhqd", "bkhd"), ("bhqd", "bkhd")))]  # fmt: skip
    flat = [graph.add(ir.Reshape, s, shape=(4, 16, 32)) for s in slopes]
    together = graph.add(ir.Concat, *flat, axis=2)
    graph.outputs = [found, together]
    lowered = plan(graph)
    turned = [r.work for r in lowered.rows if isinstance(r, Record) and type(r.work).__name__ == "Transposition"]
    assert [math.prod(work.sizes) for work in turned] == [4 * 16 * 32]
    assert lowered.outputs[1][0].strides == (16 * 96, 96, 1)
    array = np.random.default_rng(0).standard_normal((2, 4, 16, 96)).astype("f4")
    for a, b in zip(simulate(lowered, list(array)), interpret(graph, list(array)), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-4)


@pytest.mark.parametrize("turned", [False, True])
def test_a_weight_that_a_loop_reads_again_and_again_lies_in_panels(turned: bool) -> None:
    graph, draw = Graph(), np.random.default_rng(0)
    numbers = [draw.standard_normal((32, 128)).astype("f4"), draw.standard_normal((128, 128)).astype("f4") / 11]
    x, w = (graph.source("input", a.shape, "f4", slot=i) for i, a in enumerate(numbers))
    for _ in range(9):
        sums = graph.add(Contract, x, w, left="bk", right="ok" if turned else "ko", out="bo")
        x = graph.map("tanh", graph.map("add", sums, x))
    graph.outputs = [x]
    lowered = plan(graph)
    copies, products = lowered.rows[:1], lowered.rows[1:]
    assert type(copies[0].work).__name__ == ("Transposition" if turned else "Nest")
    assert {(r.work.outer, r.work.n, r.work.b.strides) for r in products} == {((2,), 64, (128 * 64, 1, 64))}
    for a, b in zip(simulate(lowered, numbers), interpret(graph, numbers), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("shape", "order", "sizes"),
    [
        ((8, 12, 12, 64), (0, 3, 1, 2), (8, 144, 64)),  # a picture's positions are one axis
        ((64, 1024), (1, 0), (4, 64, 256)),  # long columns pass all rows some at a time
        ((64, 1000), (1, 0), (64, 1000)),
    ],
)
def test_axes_that_go_on_are_turned_as_one(shape: Any, order: Any, sizes: Any) -> None:
    target = tuple(math.prod(shape[i] for i in order[order.index(axis) + 1 :]) for axis in range(len(shape)))
    source = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    place, buffer = Place(Buffer(math.prod(shape)), 0, shape, source), Buffer(math.prod(shape))
    outer = [axis for axis in range(len(shape)) if axis not in (order[-1], len(shape) - 1)]
    work = transposition_of(place, Place(buffer, 0, shape, target), outer, order[-1], len(shape) - 1)
    assert work.sizes == sizes
    place.buffer.array, buffer.array = np.arange(buffer.count, dtype="f4"), np.zeros(buffer.count, "f4")
    values = [np.lib.stride_tricks.as_strided(o.buffer.array[o.offset :], work.sizes, [4 * s for s in o.strides])
              for o in (work.source, work.target)]  # fmt: skip
    values[1][...] = values[0]
    expected = place.buffer.array.reshape(shape).transpose(order)
    np.testing.assert_array_equal(buffer.array.reshape(expected.shape), expected)


def test_what_was_laid_anew_is_turned_from_there() -> None:
    graph = Graph()
    x, w = (graph.source("input", shape, "f4", slot=i) for i, shape in enumerate(((8, 12, 12, 16), (32, 2304))))
    pictures = graph.add(ir.Permute, x, order=(0, 3, 1, 2))
    flat = graph.add(ir.Reshape, pictures, shape=(8, 2304))
    graph.outputs = [graph.add(Contract, flat, w, left="bk", right="ok", out="bo")]
    turned = [r.work for r in plan(graph).rows if type(r.work).__name__ == "Transposition"]
    assert turned[0].sizes == (8, 144, 16)
    assert all(work.source.buffer is turned[0].target.buffer for work in turned[1:] if work.source.buffer.slot < 0)


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_step_saved_lies_where_its_gradient_goes(turned: bool) -> None:
    graph = Graph()
    shapes = ((48, 48), (48, 20), (20, 48))
    x, dy, w = (graph.source("input", shape, "f4", slot=i) for i, shape in enumerate(shapes))
    first, second = graph.map("tanh", x), graph.map("exp", x)
    seen = graph.add(ir.Permute, second, order=(1, 0)) if turned else second
    slope = graph.add(Contract, dy, w, left="bo", right="ok", out="bk")
    parts = [graph.map("mul", slope, graph.map("sub", 1.0, graph.map("mul", first, first))),
             graph.map("mul", slope, seen)]  # fmt: skip
    together = graph.add(ir.Concat, *parts, axis=1)
    graph.outputs = [together]
    lowered = plan(graph)
    whole = lowered.places[id(together)].buffer
    assert lowered.places[id(first)].buffer is whole
    # what is read turned would be read where something else has been written
    assert (lowered.places[id(second)].buffer is whole) == (not turned)
    arrays = [np.random.default_rng(i).standard_normal(shape).astype("f4") for i, shape in enumerate(shapes)]
    for a, b in zip(simulate(lowered, arrays), interpret(graph, arrays), strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-4)
