"""What steps return: tensors, numbers that are made of tensors for that alone, and all of it stacked, of many steps."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import optim
from engine.compiler.again import LOOKS, TURNS
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


def made_of_tensors(model, optimizer):
    """Numbers that are made of tensors at the return."""

    def step(x, y):
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        return loss.item(), (out.argmax(1) == y).sum().item(), [7, True]

    return step


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("make", [with_numbers, made_of_tensors])
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
    assert step.tier == "native" or not prepared


def trained(model, optimizer, x, y):
    """The loss, and how many answers are right."""
    optimizer.zero_grad()
    out = model(x)
    loss = F.cross_entropy(out, y)
    loss.backward()
    optimizer.step()
    return loss, (out.argmax(1) == y).sum()


def one(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        return loss.item()

    return step


def as_float(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        return float(loss), float(right), int(right)

    return step


def in_a_tree(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        return {"loss": loss, "numbers": [3, (loss.item(), right.item())], "share": (right / len(y)).item()}

    return step


def keyed(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        return {len(y): loss.item(), "right": right.item()}

    return step


def early(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        if len(x) > 3:
            return loss.item()
        return right.item()

    return step


class Report(NamedTuple):
    """What some steps return."""

    loss: Any
    right: Any


def a_report(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        return Report(loss, right), [m[0].bias, "text"]

    return step


def nothing(m, o):
    def step(x, y):
        trained(m, o, x, y)

    return step


def a_sum(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        return loss.item() + 1

    return step


def a_key(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        return {right.item(): loss}

    return step


def asked_by_others(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        return math.sqrt(loss)

    return step


def asked_one_by_one(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        return sum(map(engine.Tensor.item, [loss, right]))

    return step


def in_a_variable(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        value = loss.item()
        return value

    return step


def in_variables(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        value, share = loss.item(), float(right)
        found = {"right": right.item() if len(x) else 0, "loss": loss}
        value = [value]
        return [3, found, share, value]

    return step


def in_two_variables(m, o):
    def step(x, y):
        loss, right = trained(m, o, x, y)
        value = loss.item()
        found = {"right": right.item(), "loss": loss}
        return [3, found, (value, 4)]

    return step


def read_before(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        value = loss.item()
        half = value / 2
        return value, half

    return step


def read_by_others(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        value = loss.item()
        return (lambda: value)()

    return step


def written_twice(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        value = 3.0
        if len(x):
            value = loss.item()
        return value

    return step


def by_a_float_of_its_own(m, o):
    def step(x, y):
        loss, _ = trained(m, o, x, y)
        return other_float(loss)

    return step


def other_float(x):
    return float(x) * 2


def alike(a, b):
    """The same kinds of leaves, with the same numbers."""
    assert type(a) is type(b)
    a, b = engine.tree.leaves(a), engine.tree.leaves(b)
    assert list(map(type, a)) == list(map(type, b))
    for x, y in zip(a, b, strict=True):
        assert x == y if isinstance(x, str | None) else np.allclose(numbers(x), numbers(y), rtol=1e-4)


def numbers(x):
    """A number, or those of a tensor."""
    return x.detach().numpy() if isinstance(x, engine.Tensor) else x


def taught(make, **more):
    """An eager step and a compiled one with models that began alike."""
    a, b = twins(mlp)
    step = engine.compile(make(b, optim.SGD(b.parameters(), 0.1)), **more)
    return make(a, optim.SGD(a.parameters(), 0.1)), step


@pytest.mark.parametrize("guard", [None, "finite"])
@pytest.mark.parametrize(
    "make", [one, as_float, in_a_tree, keyed, early, a_report, nothing, in_a_variable, in_two_variables]
)
def test_numbers_that_are_made_to_be_returned_are_results(make, guard):
    often, _ = taught(make)
    for _ in range(20):  # Python runs code that it knows in other ways
        often(*rows())
    eager, step = taught(make, guard=guard)
    for i in range(LOOKS + TURNS + 10):
        batch = rows()
        alike(step(*batch), eager(*batch))
        if i == 3:
            step.wait()
    assert step.tier == "native", step.why()
    assert step._again.pool, "results for steps to come: a glance is enough"


SEEN = [a_sum, a_key, asked_by_others, asked_one_by_one, by_a_float_of_its_own]
SEEN += [read_before, read_by_others, written_twice, in_variables]


@pytest.mark.parametrize("make", SEEN)
def test_numbers_that_somebody_may_see_before_keep_a_step_eager(make):
    eager, step = taught(make)
    for _ in range(5):
        batch = rows()
        alike(step(*batch), eager(*batch))
    assert step.tier == "eager"
    assert "item() looks at a value" in step.why()


def test_a_number_that_is_not_finite_is_told_and_the_step_refused():
    _, step = taught(one, guard="finite")
    x, y = rows()
    for _ in range(5):
        step(x, y)
        step.wait()
    tensors = [p for p, _ in step.newest.bound.program.tensors]
    before = [p.array.copy() for p in tensors]
    assert len(tensors) == 4
    assert not math.isfinite(step(x + math.inf, y))
    assert not step.finite
    assert all((p.array == a).all() for p, a in zip(tensors, before, strict=True))
    assert math.isfinite(step(x, y))


def counted(w, optimizer):
    def step(x):
        return w.item(), w.add_(x).item()

    return step


def stepped(w, optimizer):
    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        return w.item(), optimizer.step()

    return step


@pytest.mark.parametrize("make", [counted, stepped])
def test_a_number_of_what_changes_behind_it_is_the_one_from_before(make):
    """While nothing is added, both are the same: the step must not be taken for one that returns what it ends with."""
    found = []
    for compiled in (False, True):
        w = engine.zeros(1, requires_grad=make is stepped)
        step = make(w, optim.SGD([w], 1.0))
        step = engine.compile(step) if compiled else step
        found.append([step(engine.full((1,), float(max(0, i - 3)))) for i in range(8)])
    assert found[0] == found[1]


def test_a_wrapped_function_may_do_what_it_likes_with_the_number():
    _, inner = taught(one)
    heard = []

    def step(x, y):
        found = inner.function(x, y)
        heard.append(found)
        return found

    outer = engine.compile(step)
    for _ in range(5):
        outer(*rows())
    assert outer.tier == "eager"
    assert len(heard) == 5


@pytest.mark.parametrize("wide", [5, 7, 9, 11, 13])
def test_networks_of_other_widths_return_numbers_too(wide):
    """Of the later ones no graph is made: what was learnt of the first is put to use."""

    def built():
        engine.manual_seed(wide)
        model = engine.nn.Sequential(engine.nn.Linear(6, wide), engine.nn.Tanh(), engine.nn.Linear(wide, 4))
        return one(model, optim.Adam(model.parameters(), 0.01))

    eager, step = built(), engine.compile(built())
    for _ in range(4):
        batch = rows()
        alike(step(*batch), eager(*batch))
        step.wait()
    assert step.tier == "native"
