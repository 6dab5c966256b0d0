"""What has to hold still between two steps, as one Python function that is written for it.

Between two single steps of a small network the processor's cache is full of that network: it is the reading of Python's
own code and objects that costs, and a function without loops and calls reads the least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import is_
from typing import TYPE_CHECKING, Any

from engine.compiler.trace.guard import Residents, Settled
from engine.nn.hooks import CHANGES

if TYPE_CHECKING:
    from engine.compiler.variant import Variant

MOST = 1000
"""Objects that are looked at: a network with more of them does not notice."""


class _Names:
    """The objects that a text speaks of."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {"all": all, "len": len, "map": map, "is_": is_}
        self._known: dict[int, str] = {}

    def __call__(self, x: Any) -> str:
        name = self._known.setdefault(id(x), f"x{len(self.held)}")
        self.held[name] = x
        return name


def glance(variant: Variant) -> Callable[[], bool] | None:
    """Whether everything is as it is now, when `variant.changed()` has just found nothing; None where it has to be
    looked at in other ways. False does not say that the program no longer holds."""
    around, name = variant.around, _Names()
    if around is None or any(not _still(residents) for residents in variant.residents):
        return None
    lines = [f"{name(CHANGES)}[0] == {name(around)}.stamp"]
    lines += [f"{name(read)}() is {name(held)}" for _, held, read in around.variables]
    for residents in variant.residents:
        lines += _tensors(residents, name)
        for optimizer in residents.optimizers:
            lines += _states(optimizer, name)
        for settled in residents.structures:
            lines += _settings(settled, name)
    if len(name.held) > MOST:
        return None
    names = ", ".join(f"{n}={n}" for n in name.held)
    text = f"def same({names}):\n try:\n  return " + " and ".join(lines) + "\n except Exception:\n  return False\n"
    space: dict[str, Any] = {}
    exec(text, name.held, space)  # noqa: S102 - written by this file from names that it made
    found: Callable[[], bool] = space["same"]
    return found


def _still(residents: Residents) -> bool:
    settings = all(settled.seen is not None for settled in residents.structures)
    return residents.held is not None and not residents.program.carried and settings


def _tensors(residents: Residents, name: _Names) -> Iterator[str]:
    yield from (f"{name(t)}.array is {name(a)}" for t, a in zip(residents.watched, residents.where, strict=True))
    yield from (f"{name(t)}._requires_grad is {w}" for t, w in zip(residents.mine, residents.wants, strict=True))


def _states(optimizer: Any, name: _Names) -> Iterator[str]:
    state = name(optimizer.state)
    yield f"{name(optimizer)}.state is {state}"
    yield f"len({state}) == {len(optimizer.state)}"
    yield f"all(map(is_, {state}.values(), {name([*optimizer.state.values()])}))"
    for inner in optimizer.state.values():
        yield from _entries(inner, name, "is")


def _settings(settled: Settled, name: _Names) -> Iterator[str]:
    groups = settled.optimizer.param_groups
    yield f"len({name(groups)}) == {len(groups)}"
    yield f"{name(settled.optimizer)}.param_groups is {name(groups)}"
    for place, group in enumerate(groups):
        yield f"{name(groups)}[{place}] is {name(group)}"
        yield f"len({name(group['params'])}) == {len(group['params'])}"
        yield from _entries(group, name, "==")


def _entries(held: dict[str, Any], name: _Names, alike: str) -> Iterator[str]:
    mine = name(held)
    yield f"len({mine}) == {len(held)}"
    yield from (f"{mine}[{key!r}] {alike} {name(value)}" for key, value in held.items())
