"""What a trace sees, and what two traces must agree on."""

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.compiler.graph import ir
from engine.compiler.trace.compare import Differs
from engine.compiler.trace.events import watched
from tests.compiler.steps import NETWORKS, mlp, rows, trace_step, training, twins


def ops(trace):
    return [(e.facts[0].name, e.backward) for e in trace.events if e.what == "op"]


def test_ops_of_forward_and_backward_with_their_lines():
    model = twins(mlp)[0]
    trace = watched(training(model, optim.SGD(model.parameters())), rows(), {})
    assert ops(trace)[:3] == [("linear", False), ("tanh", False), ("linear", False)]
    assert ("tanh_backward", True) in ops(trace)
    assert [e.what for e in trace.events if e.what != "op"] == ["accumulated"] * 4 + ["stepped"]
    assert all(e.line.startswith("steps.py:") for e in trace.events)
    assert not trace.reasons


@pytest.mark.parametrize("name", NETWORKS)
def test_graphs_are_sound_and_mean_the_step(name):
    make, data = NETWORKS[name]
    a, b = twins(make)
    eager, other = (training(m, optim.SGD(m.parameters(), lr=0.1)) for m in (a, b))
    batches = [data() for _ in range(3)]
    engine.manual_seed(1)
    graph = trace_step(other, batches[0])
    graph.check()
    engine.manual_seed(1)
    for batch in (batches[0], batches[0]):
        eager(*batch)
    if any(s.role == "scalar" and s.dtype == ir.WORD for s in graph.sources):
        return  # what is drawn is asked of a generator by whoever runs the graph
    for batch in batches[1:]:
        found = ir.interpret(graph, [t.numpy() for t in batch])
        np.testing.assert_allclose(found[0], eager(*batch).item(), rtol=1e-5, atol=1e-6)


def test_constants_are_what_both_traces_made_alike():
    x = engine.ones(3)
    graph = trace_step(lambda t: t * engine.arange(3), (x,))
    assert [s.role for s in graph.sources] == ["input", "constant"]


def test_what_changes_by_itself_can_not_be_replayed():
    numbers = iter(range(100))
    with pytest.raises(Differs) as refusal:
        trace_step(lambda t: t * next(numbers), (engine.ones(3),))
    assert "changes from step to step" in str(refusal.value)
    assert "test_trace.py:" in str(refusal.value.reason)


def test_an_array_taken_out_by_hand_is_no_constant():
    compiled = engine.compile(lambda t: t.exp() + engine.from_numpy(np.asarray(t.array * 2)))
    for x in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert compiled(engine.tensor(x)).item() == pytest.approx(np.exp(x) + 2 * x)
    assert "made outside of ops" in str(compiled.explain())


def test_shapes_that_depend_on_values():
    with pytest.raises(Differs, match="depends on values"):
        trace_step(lambda t: t[t > 0].sum(), (engine.ones(3),))


def test_positions_that_the_step_computes():
    graph = trace_step(lambda t, i: t[i].sum(), (engine.arange(6.0), engine.tensor([1, 2])))
    assert ir.interpret(graph, [np.arange(6.0, dtype="f4"), np.array([4, 5])])[0] == 9


def test_writes_in_place():
    def step(x):
        y = x * 2
        y.add_(1)
        y.relu_()
        return y

    graph = trace_step(step, (engine.ones(2),))
    np.testing.assert_array_equal(ir.interpret(graph, [np.array([-3.0, 3.0], "f4")])[0], [0, 7])


def test_an_argument_that_is_written_to_stays_eager():
    with pytest.raises(Differs, match="an argument is written to"):
        trace_step(lambda x: x.mul_(2), (engine.ones(2),))


def test_own_functions():
    class Twice(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0]

    weight = nn.Parameter(engine.tensor([2.0]))

    def step(x):
        weight.grad = None
        loss = Twice.apply(weight * x).sum()
        loss.backward()
        return loss

    compiled = engine.compile(step)
    for x in (1.0, 2.0, 3.0, 4.0):
        assert compiled(engine.tensor([x])).item() == 4 * x * x
        assert weight.grad.item() == 6 * x * x
    assert compiled.tier != "eager"


def test_hooks_stay_eager():
    model = twins(mlp)[0]
    seen = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    compiled = engine.compile(lambda x: model(x).sum())
    for _ in range(4):
        compiled(engine.ones(1, 6))
    assert len(seen) == 4
    assert "a hook on Linear" in str(compiled.explain())


def test_an_op_without_a_rule_is_python_between_native_rows():
    compiled = engine.compile(lambda x: engine.linalg.det(x * 2).sum() + 1)
    x = engine.eye(3)
    for _ in range(4):
        assert compiled(x).item() == pytest.approx(9.0)
    compiled.wait()
    assert compiled(x).item() == pytest.approx(9.0)
    text = str(compiled.explain())
    assert "python" in text
