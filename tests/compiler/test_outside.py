"""What a step writes to besides tensors would be lost if it were replayed: it stays eager, and says what it writes."""

import random
from collections import deque

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn, optim
from tests.compiler.steps import mlp, rows, training, twins

LOSSES, LATEST = [], {}


class Trainer:
    """Counts, and keeps what it saw, in attributes."""

    def __init__(self, model, way):
        self.model, self.way = model, way
        self.optimizer = optim.SGD(model.parameters(), 0.1)
        self.count, self.last, self.seen, self.recent = 0, None, [], deque(maxlen=3)

    def step(self, x, y):
        loss = training(self.model, self.optimizer)(x, y)
        self.way(self, loss.detach())
        return loss


class Remembering(nn.Module):
    """A module that keeps what it made, as one does to draw it."""

    def __init__(self, way):
        super().__init__()
        self.layer, self.way = mlp(), way
        self.made, self.kept = None, []

    def forward(self, x):
        y = self.layer(x)
        self.way(self, y.detach())
        return y


def count(owner, _):
    owner.count += 1


def set_last(owner, loss):
    owner.last = loss


def append(owner, loss):
    owner.seen.append(loss)


def append_to_recent(owner, loss):
    owner.recent.append(loss)


def append_to_global(_, loss):
    LOSSES.append(loss)


def set_in_global(_, loss):
    LATEST["loss"] = loss


def by_a_helper(_, loss):
    append_to_global(_, loss)


def set_made(owner, y):
    owner.made = y


def append_made(owner, y):
    owner.kept.append(y)


TRAINERS = (count, set_last, append, append_to_recent, append_to_global, set_in_global, by_a_helper)


def look(trainer):
    """What steps have left in Python, as numbers."""
    left = [trainer.count, trainer.last, *trainer.seen, *trainer.recent, *LOSSES, *LATEST.values()]
    return [float(v) for v in left if v is not None]


@pytest.mark.parametrize("way", TRAINERS)
def test_what_a_step_leaves_in_python_is_as_after_eager_steps(way):
    found = []
    for compiled, model in zip((False, True), twins(mlp), strict=True):
        LOSSES.clear()
        LATEST.clear()
        trainer = Trainer(model, way)
        step = engine.compile(trainer.step) if compiled else trainer.step
        engine.manual_seed(3)
        for _ in range(6):
            step(*rows())
        found.append(look(trainer))
    assert found[0] == pytest.approx(found[1])
    assert step.tier == "eager"
    assert "the step writes to" in step.why()


@pytest.mark.parametrize("way", [set_made, append_made])
def test_what_a_module_keeps_of_its_forward_pass_is_of_the_last_step(way):
    engine.manual_seed(0)
    model = Remembering(way)
    step = engine.compile(training(model, optim.SGD(model.parameters(), 0.1)))
    for _ in range(6):
        x, y = rows()
        wanted = model.layer(x).detach()
        step(x, y)
    kept = model.made if way is set_made else model.kept[-1]
    np.testing.assert_allclose(kept.numpy(), wanted.numpy(), rtol=1e-6)
    assert len(model.kept) in (0, 6)
    assert "'model" in step.why()


OWN_RANDOM, OWN_NUMPY = random.Random(), np.random.default_rng()
DRAWS = {
    "random.random": random.random,
    "np.random.rand": np.random.rand,
    "a Random": lambda: OWN_RANDOM.random(),
    "a Generator": lambda: OWN_NUMPY.random(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_step_that_decides_by_other_generators_decides_each_time(name):
    """Two steps may decide alike by chance; then nothing but the generators' states tells."""
    draw, found = DRAWS[name], []
    for compiled in (False, True):
        random.seed(5)
        np.random.seed(5)
        OWN_RANDOM.seed(5)
        OWN_NUMPY.bit_generator.state = np.random.default_rng(5).bit_generator.state
        step = lambda x: x * 2 if draw() < 0.3 else x + 1
        step = engine.compile(step) if compiled else step
        found.append([step(engine.ones(1)).item() for _ in range(30)])
    assert found[0] == found[1]
    assert "the step draws from" in step.why()


def test_a_step_that_sets_a_rate_by_hand_sets_it_each_time():
    found = []
    for compiled, model in zip((False, True), twins(mlp), strict=True):
        optimizer = optim.SGD(model.parameters(), 0.5)
        inner = training(model, optimizer)

        def step(x, y, optimizer=optimizer, inner=inner):
            optimizer.param_groups[0]["lr"] *= 0.9
            return inner(x, y)

        engine.manual_seed(3)
        step = engine.compile(step) if compiled else step
        found.append([step(*rows()).item() for _ in range(8)])
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * 0.9**8)
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert "changes a setting of" in step.why()


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_who_only_reads_is_replayed(optimizer):
    """A trainer that holds lists, a table of weights, an optimiser of its own class and a schedule."""

    class Own(getattr(optim, optimizer)):
        pass

    class Decay(optim.lr_scheduler.LambdaLR):
        pass

    class Reader(Trainer):
        def __init__(self, model):
            super().__init__(model, None)
            self.optimizer = Own(model.parameters(), 0.1)
            self.schedule = Decay(self.optimizer, lambda n: 0.9**n)
            self.seen, self.weights = [1.0, 2.0], {"loss": 0.5, "decay": 1e-3}

        def step(self, x, y):
            self.optimizer.zero_grad()
            weights = self.weights
            loss = weights["loss"] * F.cross_entropy(self.model(x), y)
            loss = loss + weights["decay"] * sum(p.square().sum() for p in self.model.parameters()) + len(self.seen)
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            return loss

    found = []
    for compiled, model in zip((False, True), twins(mlp), strict=True):
        trainer = Reader(model)
        step = engine.compile(trainer.step) if compiled else trainer.step
        engine.manual_seed(3)
        found.append([step(*rows()).item() for _ in range(8)])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert step.tier != "eager", step.why()
