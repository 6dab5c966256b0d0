"""PyTorch's `torch.random`: the generator that everything uses which is not given its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.rng import default_generator as default_generator
from engine.rng import manual_seed as manual_seed


def get_rng_state() -> dict[str, Any]:
    """The whole state of the generator, made of numbers, strings and lists.

    >>> state = engine.get_rng_state(); a = engine.rand(2); engine.set_rng_state(state)
    >>> engine.equal(a, engine.rand(2))
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Continue exactly where `get_rng_state` was taken.

    >>> engine.set_rng_state(engine.get_rng_state())
    """
    default_generator.set_state(new_state)


def initial_seed() -> int:
    """The seed that the generator started from.

    >>> g = engine.manual_seed(3); engine.initial_seed()
    3
    """
    return default_generator.initial_seed()


def seed() -> int:
    """Start again from a seed that nobody knows beforehand; returns it.

    >>> engine.seed() == engine.initial_seed()
    True
    """
    return default_generator.seed()


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Within the block the generator may be seeded and used; afterwards it continues as if nothing had happened.

    >>> with engine.random.fork_rng(): g = engine.manual_seed(1)
    """
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)
