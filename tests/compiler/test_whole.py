"""A tiny network's step as one function: the same numbers as its table, the same inputs, scalars and guard."""

import numpy as np
import pytest
from test_table import Blend, addresses, adds, memory, plan_of

from engine.compiler.code import store
from engine.compiler.code.library import Library
from engine.compiler.kernels.work import Buffer, Operand
from engine.compiler.machine import cpu
from engine.compiler.plan.places import dense
from engine.compiler.run import whole
from engine.compiler.run.table import MANY, Table
from engine.compiler.schedule.threads import Bases

SHORT = 50.0


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    made = Library(cpu.host(), store.Store(tmp_path_factory.mktemp("cache"), cpu.host().token))
    yield made
    made.stop()


def network(**more):
    """Rows with a batch as input, a rate as scalar, and a weight that lives from step to step."""
    batch, rate, loss, weight = Buffer(20, name="batch", slot=0), memory(1), memory(20), memory(20, 1.0)
    works = [
        Blend((loss, 0), (batch, 0), (weight, 0), (rate, 0), 20, SHORT),
        Blend((loss, 3), (loss, 3), (batch, 2), (rate, 0), 13, SHORT),
        adds((weight, 0), (loss, 0), (weight, 0), 20, SHORT),
    ]
    outputs = [(dense(loss, (), offset=17), "f4")]
    plan = plan_of(*works, buffers=[batch], scalars=[(rate, 0, lambda: 0.25)], outputs=outputs, **more)
    return plan, weight, loss


BATCHES = [np.linspace(-1, n, 20).astype("f4") for n in range(3)]


def run(table, weight, steps=50, batches=BATCHES):
    weight.array[:] = 1.0
    ran = table.run(steps, addresses(*([b] for b in batches)))
    return ran, weight.array.copy()


def test_the_whole_step_computes_the_numbers_of_the_table(kernels):
    plan, weight, _ = network()
    table, other = Table(plan, kernels), Table(plan, kernels)
    table.wait()
    assert table.whole
    assert not other.whole
    (ran, made), (expected, wanted) = run(table, weight), run(other, weight)
    assert ran.steps == 50
    np.testing.assert_allclose(ran.results, expected.results, rtol=1e-6)
    np.testing.assert_allclose(made, wanted, rtol=1e-6)


def test_the_whole_step_is_made_in_the_background_when_many_steps_are_asked_for(kernels):
    plan, weight, _ = network()
    table = Table(plan, kernels)
    run(table, weight, MANY - 1)
    assert kernels.idle()
    assert not table.whole
    run(table, weight, MANY)
    assert kernels.idle()
    assert table.whole


@pytest.mark.parametrize("guard", [0, 1, 2, 3])
def test_the_guard_keeps_its_place(kernels, guard):
    plan, weight, loss = network(guard=guard)
    plan.finite = [(Operand(loss, 0, (1,)), (20,))]
    bad = np.full(20, np.nan, "f4")
    found = []
    for one in (True, False):
        table = Table(plan, kernels)
        if one:
            table.wait()
        loss.array[:] = 0
        ran, made = run(table, weight, 5, [*BATCHES, bad])
        found.append((ran.steps, ran.stopped, made.tobytes()))
        assert table.whole == one
    assert found[0] == found[1]
    assert found[0][:2] == ((4, True) if guard == 0 else (3, True))


def test_a_step_that_is_long_to_write_stays_a_table(kernels, monkeypatch):
    monkeypatch.setattr(whole, "LINES", 10)
    plan, weight, _ = network()
    table = Table(plan, kernels)
    table.wait()
    assert not table.whole
    assert run(table, weight)[0].steps == 50


def test_memory_far_apart_is_reached_from_bases_of_its_own():
    far = [Buffer(4, array=np.zeros(4, "f4")) for _ in range(3)]
    lies = {id(far[0]): (10_000, 4), id(far[1]): (10_000 + whole.REACH, 4), id(far[2]): (1 << 45, 4)}
    bases = Bases()
    bases.known.update(lies)
    assert whole.windows(far, bases) == [10_000, 1 << 45]
