"""Whole training steps as graphs: no op is Python, and the simplified graph does what the traced one does."""

import numpy as np
import pytest
from steps import NETWORKS, trace_step, training, twins

import engine
from engine import nn, optim
from engine.compiler.graph import ir
from engine.compiler.passes.simplify import simplify


class Recurrent(nn.Module):
    """Two layers of an LSTM over seven steps, and an answer."""

    def __init__(self):
        super().__init__()
        self.layers, self.out = nn.LSTM(3, 16, 2), nn.Linear(16, 3)

    def forward(self, x):
        return self.out(self.layers(x)[0][-1])


def recurrent():
    return Recurrent()


def series(n=4):
    return engine.randn(7, n, 3), engine.randint(0, 3, (n,))


PROGRAMS = {**NETWORKS, "recurrent": (recurrent, series)}


def ran(graph, arrays, cells):
    """Outputs and cells after one step from the same beginning."""
    for cell, array in cells:
        cell.array[...] = array
    outputs = ir.interpret(graph, arrays)
    return [*outputs, *(cell.array.copy() for cell, _ in cells)]


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.AdamW(p)])
def test_simplified_step_does_the_same(name, make):
    network, data = PROGRAMS[name]
    model, _ = twins(network)
    batch = data()
    graph = trace_step(training(model, make(model.parameters())), batch)
    assert not [node.attrs["op"].name for node in graph.nodes if node.kind is ir.Python]
    cells, arrays = [(cell, cell.array.copy()) for cell, _ in graph.writes], [t.numpy() for t in batch]
    before = ran(graph, arrays, cells)
    told = simplify(graph)
    graph.check()
    assert told["nodes after"] == len(graph.nodes)
    assert not [n for n in graph.nodes if n.output.dtype == ir.LONG and not n.kind.view]
    for old, new in zip(before, ran(graph, arrays, cells), strict=True):
        np.testing.assert_allclose(new, old, 1e-4, 1e-5)


def test_weights_of_a_recurrent_layer_get_one_product_for_all_steps():
    model, _ = twins(recurrent)
    graph = trace_step(training(model, optim.SGD(model.parameters(), lr=0.1)), series())
    simplify(graph)
    shapes = [n.output.shape for n in graph.nodes if n.kind is ir.Contract]
    assert shapes.count((64, 16)) == 3  # two layers' weights for the state, the upper one's for its input
    forward, back = 2 + 2 * 6 + 1, 2 * 6 + 4 + 1 + 2  # the first state is 0: no product with it, and none back to it
    assert len(shapes) == forward + back


def test_attention_reads_its_pieces_where_they_lie():
    model, _ = twins(NETWORKS["attention"][0])
    graph = trace_step(training(model, optim.SGD(model.parameters(), lr=0.1)), NETWORKS["attention"][1]())
    simplify(graph)
    kinds = [n.kind for n in graph.nodes]
    assert ir.Permute not in kinds
    assert kinds.count(ir.Concat) == 2  # the gradients of the three pieces, and those of all parameters
