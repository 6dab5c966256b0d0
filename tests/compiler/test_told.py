"""`return loss.item()`: a number that is only returned is a result; one that Python uses keeps the step eager."""

import math

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn, optim
from tests.compiler.steps import gap, mlp, rows, twins


def loss_alone(model, optimizer):
    """One number."""

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def loss_and_hits(model, optimizer):
    """A float, a count, a number that is written there, a tensor."""

    def step(x, y):
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        return loss.item(), (out.argmax(1) == y).sum().item(), 2.5, 7, out

    return step


def used(use):
    """A step that does something with the number."""

    def make(model, optimizer):
        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return use(loss)

        return step

    return make


USES = {
    "sum": lambda loss: loss.item() + 1,
    "product from the right": lambda loss: 2 * loss.item(),
    "comparison": lambda loss: loss.item() > 0.5,
    "truth": lambda loss: bool(loss.item()),
    "text": lambda loss: f"{loss.item():.3f}",
    "another type": lambda loss: int(loss.item()),
    "back into a tensor": lambda loss: engine.full((2,), loss.item()),
    "a factor": lambda loss: loss.detach() * loss.item(),
    "not finite": lambda loss: math.isfinite(loss.item()),
    "key": lambda loss: {loss.item(): 1},
}


class Layers(nn.Module):
    """Layers in a loop, one of them only where it is wanted."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 3)])
        self.wide = True

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if self.wide and i < len(self.layers) - 1:
                x = x.relu()
        return x


def measured_without_history(model, optimizer):
    """Layers of one's own in a loop, and what nobody learns from."""
    own = Layers()

    def step(x, y):
        optimizer.zero_grad()
        with engine.no_grad():
            right = (own(x).argmax(1) == y).float().mean()
        loss = F.cross_entropy(model(x) + own(x), y)
        loss.backward()
        optimizer.step()
        return {"loss": loss.item(), "right": right.item()}

    return step


MAKERS = {"alone": loss_alone, "with others": loss_and_hits, "in branching code": measured_without_history}


def trained(make, compiled, prepared=False):
    """What six steps return."""
    a, b = twins(mlp)
    model = b if compiled else a
    step = make(model, optim.SGD(model.parameters(), 0.1))
    step = engine.compile(step) if compiled else step
    engine.manual_seed(2)
    batches = [rows() for _ in range(6)]
    if prepared:
        step.prepare(*batches[0])
        step.wait()
    return [step(*batch) for batch in batches], step, model, batches


def numbers(tree):
    return [np.asarray(leaf.detach().numpy() if hasattr(leaf, "numpy") else leaf) for leaf in engine.tree.leaves(tree)]


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_a_number_that_is_returned_is_what_eager_steps_return(name, prepared):
    wanted, _, a, _ = trained(MAKERS[name], False)
    found, step, b, _ = trained(MAKERS[name], True, prepared)
    assert step.tier == "native" if prepared else step.tier != "eager", step.why()
    for here, there in zip(found, wanted, strict=True):
        assert list(map(type, engine.tree.leaves(here))) == list(map(type, engine.tree.leaves(there)))
        for x, y in zip(numbers(here), numbers(there), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)
    assert gap(a, b) < 1e-5


@pytest.mark.parametrize("prepared", [False, True])
def test_numbers_of_many_steps_are_stacked(prepared):
    wanted, _, _, batches = trained(loss_and_hits, False)
    a = twins(mlp)[0]
    step = engine.compile(loss_and_hits(a, optim.SGD(a.parameters(), 0.1)))
    if prepared:
        step.prepare(*batches[0])
        step.wait()
    found = step.run(batches)
    for column, values in zip(found[:4], list(zip(*wanted, strict=True))[:4], strict=True):
        np.testing.assert_allclose(column.numpy(), values, rtol=1e-5)
    assert [column.dtype for column in found[:4]] == [engine.float32, engine.int64, engine.float32, engine.int64]


@pytest.mark.parametrize("use", USES)
def test_a_number_that_python_uses_keeps_the_step_eager(use):
    wanted, _, _, _ = trained(used(USES[use]), False)
    found, step, _, _ = trained(used(USES[use]), True)
    assert step.tier == "eager"
    for here, there in zip(found, wanted, strict=True):
        assert type(here) is type(there)
        assert str(here) == str(there)


def test_a_step_that_was_not_finite_returns_the_number_and_changes_nothing():
    model = mlp()
    step = engine.compile(loss_alone(model, optim.SGD(model.parameters(), 0.1)), guard="finite")
    x, y = rows()
    for _ in range(5):
        assert type(step(x, y)) is float
    before = [p.detach().clone() for p in model.parameters()]
    assert math.isnan(step(engine.full((5, 6), math.nan), y))
    assert not step.finite
    assert all(engine.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
