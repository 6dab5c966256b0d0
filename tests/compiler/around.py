"""Steps that read something of Python, each with what changes that: objects, containers, arrays, functions."""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
from functools import partial

import numpy as np

import engine
import engine.nn.functional as F
from engine.compiler.trace.reach import MANY

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
