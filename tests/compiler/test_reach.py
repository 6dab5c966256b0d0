"""What is changed around a step, between two calls, is seen by the next: wherever Python keeps it, and however late."""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
from functools import partial

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn, optim
from engine.compiler import step as steps
from engine.compiler.again import LOOKS
from engine.compiler.trace.reach import MANY, MOST, Reach
from engine.nn.hooks import register_module_forward_hook

WEIGHT, WEIGHTS = [1.0], [1.0, 2.0]
CASES = {}


def case(make):
    """make(model, optimizer) gives a step and what changes something around it."""
    CASES[make.__name__] = make
    return make


def update(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def weighed(model, optimizer, weight):
    """A step whose loss has a weight, which is asked for at each call."""
    return lambda x, y: update(optimizer, F.cross_entropy(model(x), y) * weight())


@dataclasses.dataclass
class Settings:
    weight: float = 1.0


class Slotted:
    __slots__ = ("weight",)

    def __init__(self):
        self.weight = 1.0


class Hidden:
    def __init__(self):
        self._weight = 1.0

    @property
    def weight(self):
        return self._weight


class Classwide:
    weight = 1.0


class Mapping(dict):
    __getattr__ = dict.__getitem__


class Loss:
    def __init__(self):
        self.weight = 1.0

    def __call__(self, y, wanted):
        return F.cross_entropy(y, wanted) * self.weight


class Calling(Loss):
    def __call__(self, y, wanted):
        return super().__call__(y, wanted)


class Chosen(nn.Module):
    """Layers in containers, which nobody calls."""

    def __init__(self, layer):
        super().__init__()
        self.parts, self.more = nn.ModuleDict({"one": layer}), nn.ModuleList([nn.Tanh()])

    def forward(self, x):
        x = self.parts["one"](x)
        for part in self.more:
            x = part(x)
        return x


class Scaled(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.scales, self.factor = layer, [1.0], nn.Parameter(engine.ones(1))

    def forward(self, x):
        return self.layer(x) * self.scales[0]


class Trainer:
    """Straight code in a method."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.loss = model, optimizer, F.cross_entropy

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss


def smooth(y, wanted):
    return F.cross_entropy(y, wanted, label_smoothing=0.4)


def weigh(loss):
    return loss * WEIGHT[0]


@case
def namespace(model, optimizer):
    settings = types.SimpleNamespace(weight=1.0)
    return weighed(model, optimizer, lambda: settings.weight), lambda: setattr(settings, "weight", 3.0)


@case
def nested_namespace(model, optimizer):
    settings = types.SimpleNamespace(inner=types.SimpleNamespace(weight=1.0))
    return weighed(model, optimizer, lambda: settings.inner.weight), lambda: setattr(settings.inner, "weight", 3.0)


@case
def another_namespace(model, optimizer):
    settings = types.SimpleNamespace(inner=types.SimpleNamespace(weight=1.0))
    other = types.SimpleNamespace(weight=3.0)
    return weighed(model, optimizer, lambda: settings.inner.weight), lambda: setattr(settings, "inner", other)


@case
def dataclass(model, optimizer):
    settings = Settings()
    return weighed(model, optimizer, lambda: settings.weight), lambda: setattr(settings, "weight", 3.0)


@case
def slots(model, optimizer):
    settings = Slotted()
    return weighed(model, optimizer, lambda: settings.weight), lambda: setattr(settings, "weight", 3.0)


@case
def behind_a_property(model, optimizer):
    settings = Hidden()
    return weighed(model, optimizer, lambda: settings.weight), lambda: setattr(settings, "_weight", 3.0)


@case
def of_a_class(model, optimizer):
    kind = type("Kind", (Classwide,), {})
    return weighed(model, optimizer, lambda: kind.weight), lambda: setattr(kind, "weight", 3.0)


@case
def over_that_of_its_class(model, optimizer):
    settings = Classwide()
    return weighed(model, optimizer, lambda: settings.weight), lambda: setattr(settings, "weight", 3.0)


@case
def by_its_name_as_text(model, optimizer):
    settings = Settings()
    return weighed(model, optimizer, lambda: getattr(settings, "weight")), lambda: setattr(settings, "weight", 3.0)  # noqa: B009


@case
def module_of_settings(model, optimizer):
    settings = types.ModuleType("settings_of_a_user")
    settings.__file__, settings.weight = "settings_of_a_user.py", 1.0
    return weighed(model, optimizer, lambda: settings.weight), lambda: setattr(settings, "weight", 3.0)


@case
def list_of_numbers(model, optimizer):
    numbers = [1.0, 2.0]
    return weighed(model, optimizer, lambda: numbers[0]), lambda: numbers.__setitem__(0, 3.0)


@case
def list_in_a_comprehension(model, optimizer):
    return weighed(model, optimizer, lambda: sum([w for w in WEIGHTS])), lambda: WEIGHTS.__setitem__(0, 3.0)  # noqa: C416


@case
def nested_dict(model, optimizer):
    settings = {"loss": {"weight": 1.0}}
    return weighed(model, optimizer, lambda: settings["loss"]["weight"]), lambda: settings["loss"].update(weight=3.0)


@case
def dict_with_attributes(model, optimizer):
    settings = Mapping(weight=1.0)
    return weighed(model, optimizer, lambda: settings.weight), lambda: settings.update(weight=3.0)


@case
def keyword_arguments(model, optimizer):
    more = {"label_smoothing": 0.0}
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x), y, **more))
    return step, lambda: more.update(label_smoothing=0.4)


@case
def set_of_flags(model, optimizer):
    flags = {"small"}
    return weighed(model, optimizer, lambda: 3.0 if "large" in flags else 1.0), lambda: flags.add("large")


@case
def tuple_of_numbers(model, optimizer):
    numbers = (1.0, 2.0)

    def change():
        nonlocal numbers
        numbers = (3.0, 2.0)

    return weighed(model, optimizer, lambda: numbers[0]), change


@case
def number_of_numpy(model, optimizer):
    number = np.float64(1.0)

    def change():
        nonlocal number
        number = np.float64(3.0)

    return weighed(model, optimizer, lambda: float(number)), change


@case
def array_of_numpy(model, optimizer):
    numbers = np.ones(3)
    return weighed(model, optimizer, lambda: numbers.mean()), lambda: numbers.__setitem__(0, 3.0)


@case
def large_array(model, optimizer):
    noise = np.ones((100, 6, 8), "f4")
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x * engine.tensor(noise[3, :5, :6])), y))
    return step, lambda: noise.__imul__(2)


@case
def large_list(model, optimizer):
    numbers = [1.0] * (2 * MANY)
    return weighed(model, optimizer, lambda: numbers[3]), lambda: numbers.__setitem__(3, 3.0)


@case
def module_that_is_imported_inside(model, optimizer):
    settings = sys.modules["settings_of_a_user"] = types.ModuleType("settings_of_a_user")
    settings.__file__, settings.weight = "settings_of_a_user.py", 1.0

    def weight():
        import settings_of_a_user

        return settings_of_a_user.weight

    return weighed(model, optimizer, weight), lambda: setattr(settings, "weight", 3.0)


@case
def attribute_that_an_inherited_method_asks_for(model, optimizer):
    loss = Calling()
    return lambda x, y: update(optimizer, loss(model(x), y)), lambda: setattr(loss, "weight", 3.0)


@case
def one_of_two_closures_of_the_same_code(model, optimizer):
    first, second = ([1.0], [1.0])
    by = lambda numbers: lambda loss: loss * numbers[0]
    one, two = by(first), by(second)
    return lambda x, y: update(optimizer, two(one(F.cross_entropy(model(x), y)))), lambda: second.__setitem__(0, 3.0)


@case
def what_a_wrapped_function_asks_for(model, optimizer):
    settings = Settings()

    @functools.lru_cache
    def weight(number):
        return number * settings.weight

    def change():
        settings.weight = 3.0
        weight.cache_clear()

    return weighed(model, optimizer, lambda: weight(1.0)), change


@case
def what_a_compiled_function_asks_for(model, optimizer):
    settings = Settings()
    loss = engine.compile(lambda y, wanted: F.cross_entropy(y, wanted) * settings.weight)
    return lambda x, y: update(optimizer, loss(model(x), y)), lambda: setattr(settings, "weight", 3.0)


@case
def global_of_a_helper(model, optimizer):
    step = lambda x, y: update(optimizer, weigh(F.cross_entropy(model(x), y)))
    return step, lambda: WEIGHT.__setitem__(0, 3.0)


@case
def default_of_the_step(model, optimizer):
    settings = Settings()

    def step(x, y, settings=settings):
        return update(optimizer, F.cross_entropy(model(x), y) * settings.weight)

    return step, lambda: setattr(settings, "weight", 3.0)


@case
def bound_by_partial(model, optimizer):
    settings = Settings()
    loss = partial(lambda given, y, wanted: F.cross_entropy(y, wanted) * given.weight, settings)
    return lambda x, y: update(optimizer, loss(model(x), y)), lambda: setattr(settings, "weight", 3.0)


@case
def object_that_is_called(model, optimizer):
    loss = Loss()
    return lambda x, y: update(optimizer, loss(model(x), y)), lambda: setattr(loss, "weight", 3.0)


@case
def attribute_of_the_step(model, optimizer):
    def step(x, y):
        return update(optimizer, F.cross_entropy(model(x), y) * step.weight)

    step.weight = 1.0
    return step, lambda: setattr(step, "weight", 3.0)


@case
def another_loss(model, optimizer):
    loss = F.cross_entropy

    def change():
        nonlocal loss
        loss = smooth

    return lambda x, y: update(optimizer, loss(model(x), y)), change


@case
def another_optimizer(model, optimizer):
    def change():
        nonlocal optimizer
        optimizer = optim.SGD(model.parameters(), 0.5)

    return lambda x, y: update(optimizer, F.cross_entropy(model(x), y)), change


@case
def layers_in_a_list(model, optimizer):
    layers = [nn.Tanh()]

    def step(x, y):
        for layer in layers:
            x = layer(x)
        return update(optimizer, F.cross_entropy(model(x), y))

    return step, lambda: layers.append(nn.Sigmoid())


@case
def tensor_in_a_dict(model, optimizer):
    held = {"weights": engine.ones(3)}
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x) * held["weights"], y))
    return step, lambda: held.update(weights=engine.tensor([1.0, 2.0, 3.0]))


@case
def list_of_a_module(model, optimizer):
    scaled = Scaled(model)
    return lambda x, y: update(optimizer, F.cross_entropy(scaled(x), y)), lambda: scaled.scales.__setitem__(0, 3.0)


@case
def parameter_of_a_module_that_nobody_calls(model, optimizer):
    scaled = Scaled(model)
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x) * scaled.factor, y))
    return step, lambda: setattr(scaled, "factor", nn.Parameter(engine.ones(1) * 3))


@case
def layer_in_a_dict_of_modules(model, optimizer):
    chosen = Chosen(model)
    step = lambda x, y: update(optimizer, F.cross_entropy(chosen(x), y))
    return step, lambda: chosen.parts.update({"one": nn.Sequential(model, nn.Sigmoid())})


@case
def layer_in_a_list_of_modules(model, optimizer):
    chosen = Chosen(model)
    return lambda x, y: update(optimizer, F.cross_entropy(chosen(x), y)), lambda: chosen.more.append(nn.Sigmoid())


@case
def model_of_a_trainer(model, optimizer):
    trainer, other = Trainer(model, optimizer), nn.Sequential(model[0], nn.Sigmoid(), model[2])
    return trainer.step, lambda: setattr(trainer, "model", other)


@case
def loss_of_a_trainer(model, optimizer):
    trainer = Trainer(model, optimizer)
    return trainer.step, lambda: setattr(trainer, "loss", smooth)


@case
def gradient_from_outside(model, optimizer):
    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step, lambda: setattr(model[0].weight, "grad", engine.ones(8, 6))


@case
def hook_on_a_gradient(model, optimizer):
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x), y))
    return step, lambda: model[0].weight.register_hook(lambda g: g * 0)


@case
def hook_on_an_optimizer(model, optimizer):
    def forget(*_):
        model[0].weight.grad.zero_()

    step = lambda x, y: update(optimizer, F.cross_entropy(model(x), y))
    return step, lambda: optimizer.register_step_pre_hook(forget)


def trained(make, late, compiled):
    """What some steps give, with something changed in between, and what they leave."""
    WEIGHT[0], WEIGHTS[0] = 1.0, 1.0
    engine.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    x, y = engine.randn(5, 6), engine.randint(0, 3, (5,))
    step, change = make(model, optim.Adam(model.parameters(), lr=0.005))
    step = engine.compile(step) if compiled else step
    found = []
    for i in range(late + 6):
        found.append(step(x, y).item())
        if compiled and i == 3:
            step.wait()
            assert step.prepared == "native"
        if i == late:
            change()
    return [*found, *(p.detach().numpy().copy() for p in model.parameters())]


@pytest.mark.parametrize("late", [5, 3 * LOOKS])
@pytest.mark.parametrize("name", CASES)
def test_what_is_changed_around_a_step_is_seen(name, late):
    for eager, compiled in zip(*(trained(CASES[name], late, compiled) for compiled in (False, True)), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("late", [5, 3 * LOOKS])
@pytest.mark.parametrize("name", CASES)
def test_what_is_changed_matters(name, late):
    """Or the test above would show nothing."""
    changed, same = (
        np.array(trained(make, late, False)[late + 1 : late + 6])
        for make in (CASES[name], lambda *given: (CASES[name](*given)[0], lambda: None))
    )
    assert np.abs(changed - same).max() > 3e-3


def test_attributes_of_an_argument_count():
    settings = Settings()
    step = engine.compile(lambda x, settings: (x * settings.weight).sum())
    found = []
    for i in range(8):
        settings.weight = 1.0 if i < 5 else 3.0
        found.append(step(engine.ones(2), settings).item())
    assert found == [2.0] * 5 + [6.0] * 3


@pytest.mark.parametrize("straight", [True, False])
def test_a_function_whose_result_somebody_may_walk_back_from_keeps_its_history(straight):
    layer, weights = nn.Linear(3, 2), [1.0]
    loss = engine.compile((lambda x: layer(x).sum()) if straight else (lambda x: layer(x).sum() * weights[0]))
    x = engine.ones(1, 3)
    for _ in range(4):
        layer.zero_grad()
        loss(x).backward()
        np.testing.assert_array_equal(layer.weight.grad.numpy(), np.ones((2, 3)))
        assert "its result has a history" in loss.why()
    with engine.no_grad():
        for _ in range(3):
            assert not loss(x).requires_grad
        assert loss.prepared != "eager"
    assert loss(x).requires_grad


def test_hooks_of_all_modules_count_as_long_as_they_are_there():
    layer = nn.Linear(2, 2)
    step = engine.compile(lambda x: layer(x).sum())
    x, found = engine.ones(1, 2), []
    for i in range(12):
        with engine.no_grad():
            found.append(step(x).item())
        if i == 4:
            handle = register_module_forward_hook(lambda module, given, y: y * 2)
        if i == 8:
            handle.remove()
    assert found == pytest.approx([found[0]] * 5 + [2 * found[0]] * 4 + [found[0]] * 3)


@pytest.mark.parametrize("every", [2, 3])
@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_that_are_collected_over_some_steps_are_native_code(every, to_none):
    """Whether there is a gradient already makes two programs of one step."""
    found = []
    for compiled in (False, True):
        engine.manual_seed(2)
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = optim.SGD(model.parameters(), 0.3)

        def step(x, y, model=model):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        step = engine.compile(step) if compiled else step
        losses, tiers = [], []
        for i in range(6 * every):
            losses.append(step(engine.randn(5, 6), engine.randint(0, 3, (5,))).item())
            if compiled:
                step.wait()
                tiers.append(step.tier)
            if i % every == every - 1:
                optimizer.step()
                optimizer.zero_grad(set_to_none=to_none)
        found.append(losses)
    assert found[1] == pytest.approx(found[0], rel=1e-4)
    assert tiers[-2 * every :] == ["native"] * 2 * every


def test_a_step_that_counts_in_its_own_attribute_counts():
    def plain(x):
        plain.calls += 1
        return x * 2

    @engine.compile
    def compiled(x):
        compiled.calls += 1
        return x * 2

    for step in (plain, compiled):
        step.calls = 0
    other = engine.compile(plain)
    for _ in range(7):
        other(engine.ones(1))
        compiled(engine.ones(1))
    assert (plain.calls, compiled.calls) == (7, 7)
    assert "the step writes to" in compiled.why()


def test_an_array_and_a_file_that_a_step_writes_to_keep_it_eager(tmp_path):
    counts = np.zeros(3)
    with (tmp_path / "log").open("w") as file:

        def step(x):
            counts[0] += 1
            return x * 2

        def log(x):
            file.write(".")
            return x * 2

        for function in (step, log):
            compiled = engine.compile(function)
            for _ in range(7):
                compiled(engine.ones(1))
            assert "the step writes to" in compiled.why()
    assert counts[0] == 7
    assert (tmp_path / "log").read_text() == "." * 7


def test_what_changes_once_in_a_while_has_a_program_each_time(monkeypatch):
    monkeypatch.setattr(steps, "SECONDS", 0.0)  # all of the past is long ago
    settings = Settings()
    step = engine.compile(lambda x: (x * settings.weight).sum())
    for i in range(2 * steps.MOST):
        settings.weight = float(i)
        for _ in range(3):
            assert step(engine.ones(2)).item() == 2 * i
        assert step.prepared != "eager"
    assert max(map(len, step.variants.values())) == steps.MOST


def test_what_changes_all_the_time_stays_eager_and_is_named():
    settings = Settings()
    step = engine.compile(lambda x: (x * settings.weight).sum())
    for i in range(2 * steps.MOST):
        settings.weight = float(i)
        assert step(engine.ones(2)).item() == 2 * i
    assert step.why() == "it changes from call to call: the variable 'settings.weight'"


def test_only_attributes_that_code_names_are_looked_at():
    settings = types.SimpleNamespace(weight=1.0, epoch=0)
    names = {name for name, _, _ in Reach(lambda x: x * settings.weight).entries}
    assert "settings.weight" in names
    assert "settings.epoch" not in names


def test_large_lists_are_looked_at_up_to_a_bound():
    many, objects = [0.0] * (3 * MANY), [Settings() for _ in range(MANY)]
    found = Reach(lambda x: x * many[0] * objects[0].weight)
    assert "the length of many" in {name for name, _, _ in found.entries}
    assert len(found.entries) < 3 * MOST


def test_libraries_are_not_looked_into():
    names = {name for name, _, _ in Reach(lambda x: np.mean(x) + sys.maxsize + engine.ones(1)).entries}
    assert names == set()
