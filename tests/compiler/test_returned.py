"""What many steps return is stacked: tensors, and numbers as well, whatever the steps run on."""

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import optim
from tests.compiler.steps import mlp, rows, twins


def with_numbers(model, optimizer):
    """The loss, and two numbers that are written there."""

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss, 2.5, [7, True]

    return step


def looked_at(model, optimizer):
    """Numbers that Python gets: such a step stays eager."""

    def step(x, y):
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        return loss.item(), (out.argmax(1) == y).sum().item(), [7, True]

    return step


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("make", [with_numbers, looked_at])
def test_numbers_of_many_steps_are_stacked(make, prepared):
    a, b = twins(mlp)
    batches = [rows() for _ in range(6)]
    eager = make(a, optim.SGD(a.parameters(), 0.1))
    wanted = [[float(leaf) for leaf in engine.tree.leaves(eager(*batch))] for batch in batches]
    step = engine.compile(make(b, optim.SGD(b.parameters(), 0.1)))
    if prepared:
        step.prepare(*batches[0])
        step.wait()
    found = engine.tree.leaves(step.run(batches))
    for column, values in zip(found, zip(*wanted, strict=True), strict=True):
        np.testing.assert_allclose(column.numpy(), values, rtol=1e-5)
    assert found[-2].dtype is engine.int64
    assert found[-1].dtype is engine.bool
    assert step.tier == "eager" if make is looked_at else step.tier == "native" or not prepared
