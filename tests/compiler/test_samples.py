"""Random numbers that a step draws: they are drawn before it, as its own code would, and it stays native code."""

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import draws, nn, optim
from tests.compiler.steps import gap, twins

SHAPE = (4, 3)
NEW = {
    "randn": lambda x: engine.randn(*SHAPE),
    "rand": lambda x: engine.rand(SHAPE),
    "randint": lambda x: engine.randint(2, 9, SHAPE),
    "randperm": lambda x: engine.randperm(3),
    "normal": lambda x: engine.normal(1.0, 2.0, SHAPE),
    "randn_like": lambda x: engine.randn_like(x),
    "rand_like": lambda x: engine.rand_like(x),
    "randint_like": lambda x: engine.randint_like(x, 5),
    "bernoulli": lambda x: engine.bernoulli(x, 0.3),
}
FILLED = {
    "normal_": (1.0, 2.0),
    "uniform_": (-1.0, 2.0),
    "random_": (3, 8),
    "bernoulli_": (0.3,),
    "exponential_": (2.0,),
    "geometric_": (0.4,),
    "cauchy_": (0.1, 0.2),
    "log_normal_": (0.1, 0.2),
}
KINDS = {
    **NEW,
    **{name: lambda x, n=name, s=settings: getattr(x.new_zeros(SHAPE), n)(*s) for name, settings in FILLED.items()},
    "in empty memory": lambda x: engine.empty_like(x).normal_(),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x, hard=True),
    "two kinds": lambda x: engine.rand(3) + engine.randn_like(x),
    "its own generator": lambda x: engine.randn(*SHAPE, generator=OWN) + engine.dropout(x, 0.5, True),
    "written to": lambda x: engine.randn_like(x).mul_(2.0),
    "given back": lambda x: engine.randn(3),
}
FROM_VALUES = {
    "bernoulli": lambda x: engine.bernoulli(x.detach().sigmoid()),
    "poisson": lambda x: engine.poisson(x.detach().exp()),
    "multinomial": lambda x: engine.multinomial(x.detach().softmax(1), 3),
    "binomial": lambda x: engine.binomial(engine.full(SHAPE, 3.0), x.detach().sigmoid()),
    "normal": lambda x: engine.normal(x.detach(), 1.0),
    "bernoulli_": lambda x: x.new_zeros(SHAPE).bernoulli_(x.detach().sigmoid()),
    "seeded": lambda x: engine.dropout(x, 0.5, True) + engine.rand(SHAPE, generator=OWN.manual_seed(3)),
    "forked": lambda x: forked(lambda: engine.rand(SHAPE)) + engine.rand(SHAPE),
    "a sample behind them": lambda x: engine.normal(x.detach(), 1.0) * engine.rand(SHAPE),
}
OWN = engine.Generator()
NO_MAKERS = {"a sample behind them", "seeded", "forked"}
BATCHES = [(engine.from_numpy(np.random.default_rng(i).normal(size=SHAPE).astype("f4")),) for i in range(3)]


def forked(draw):
    """What is drawn where nobody sees that it was."""
    with engine.random.fork_rng():
        return draw()


def noisy(draw, seed=1):
    """A step in which a layer's inputs meet what is drawn; the layer."""
    engine.manual_seed(seed)
    OWN.manual_seed(seed)
    layer = nn.Linear(3, 3)
    optimizer = optim.SGD(layer.parameters(), 0.01)

    def step(x):
        optimizer.zero_grad()
        drawn = draw(layer(x))
        loss = (layer(x) * drawn).square().mean()
        loss.backward()
        optimizer.step()
        return loss, drawn

    return step, layer


def results(step, layer, many=False):
    """What steps return, what they leave, and what is drawn afterwards."""
    made = step.run(BATCHES * 2) if many else [step(*batch) for batch in BATCHES * 2]
    columns = made if many else [engine.stack(column) for column in zip(*made, strict=True)]
    return [*columns, *(p.detach().clone() for p in layer.parameters()), engine.rand(2), engine.rand(2, generator=OWN)]


def assert_same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-5, atol=1e-6)


def compiled(draw, **settings):
    step, layer = noisy(draw)
    ready = engine.compile(step, **settings)
    ready.prepare(*BATCHES[0])
    ready.wait()
    return ready, layer


def test_every_draw_that_asks_for_no_number_is_here():
    makers = {n for n, f in vars(draws).items() if callable(f) and getattr(f, "__module__", "") == draws.__name__}
    public = {n for n in makers if not n.startswith("_")} - {"flat"}
    assert public == {*NEW, *FILLED, *FROM_VALUES} - NO_MAKERS
    assert {*FILLED} == {f.__name__ for f in draws.METHODS}


@pytest.mark.parametrize("many", [False, True], ids=["single", "many"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_draws_is_native_and_draws_the_same_numbers(kind, many):
    wanted = results(*noisy(KINDS[kind]))
    step, layer = compiled(KINDS[kind])
    assert step.prepared == "native", step.why()
    assert_same(results(step, layer, many), wanted)
    assert step.tier == "native"


@pytest.mark.parametrize("kind", FROM_VALUES)
def test_draws_that_follow_computed_numbers_stay_eager_and_draw_once(kind):
    """Preparing it, and looking at it without computing, leaves the generators where they were."""
    wanted = results(*noisy(FROM_VALUES[kind]))
    step, layer = compiled(FROM_VALUES[kind])
    assert step.prepared == "eager"
    assert step.why()
    assert_same(results(step, layer), wanted)


def test_a_refused_step_has_drawn_nothing():
    """The third batch is not finite: the step that takes it leaves all as it was, and the generator as well."""
    bad = engine.full(SHAPE, float("inf"))
    batches = [BATCHES[0], BATCHES[1], (bad,), BATCHES[2]]
    found = []
    for many in (False, True):
        step, layer = compiled(KINDS["its own generator"], guard="finite")
        if many:
            step.run(batches)
        else:
            for batch in batches[:3]:
                step(*batch)
        assert not step.finite
        found.append([*layer.parameters(), engine.rand(2), engine.rand(2, generator=OWN)])
    plain, layer = noisy(KINDS["its own generator"])
    for batch in batches[:2]:
        plain(*batch)
    wanted = [*layer.parameters(), engine.rand(2), engine.rand(2, generator=OWN)]
    for some in found:
        assert_same(some, wanted)


def test_a_refused_eager_step_has_drawn_nothing():
    step, _ = noisy(FROM_VALUES["a sample behind them"])
    step = engine.compile(step, guard="finite")
    before = engine.get_rng_state()
    step(engine.full(SHAPE, float("inf")))
    assert not step.finite
    assert engine.get_rng_state() == before


def test_who_looks_inside_sees_the_numbers_of_the_next_step():
    step, _ = compiled(KINDS["its own generator"])
    seen = step.watch(*BATCHES[1])
    last = [call for call in seen.calls if call.op == "add" and not call.backward][-1]
    looked = np.array(seen[last.number])
    _, drawn = step(*BATCHES[1])
    np.testing.assert_array_equal(looked, drawn.numpy())


class Autoencoder(nn.Module):
    """Pictures to a few normal distributions, of which one draws, and back. D. Kingma and M. Welling, 2013."""

    def __init__(self, width, hidden=16):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(12, hidden), nn.ReLU(), nn.Linear(hidden, 2 * width))
        self.outer = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 12))

    def forward(self, x):
        mean, log_variance = self.inner(x).chunk(2, 1)
        code = mean + (log_variance * 0.5).exp() * engine.randn_like(mean)
        apart = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        return F.binary_cross_entropy_with_logits(self.outer(code), x) + apart


@pytest.mark.parametrize("width", [2, 5, 9])
def test_a_variational_autoencoder_trains_as_it_does_eagerly(width):
    """Other widths are other sizes of the same program."""
    a, b = twins(lambda: Autoencoder(width))
    x = engine.rand(8, 12)

    def training(model):
        optimizer = optim.Adam(model.parameters(), 0.01)

        def step(x):
            optimizer.zero_grad()
            loss = model(x)
            loss.backward()
            optimizer.step()
            return loss

        return step

    plain, ready = training(a), engine.compile(training(b))
    engine.manual_seed(5)
    wanted = [plain(x).item() for _ in range(5)]
    engine.manual_seed(5)
    ready.prepare(x)
    ready.wait()
    found = [ready(x).item() for _ in range(5)]
    assert ready.prepared == "native"
    assert found == pytest.approx(wanted, rel=1e-5)
    assert gap(a, b) < 1e-4
