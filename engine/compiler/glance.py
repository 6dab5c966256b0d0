"""What has to hold still between two steps, as lines of Python that are written for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.compiler.trace.guard import COPIES, Residents, Settled
from engine.graph import CHANGES

if TYPE_CHECKING:
    from engine.compiler.variant import Variant

IS = ("is", "==")
MOST = 1000
"""Objects that are looked at: a network with more of them does not notice."""


class Names:
    """The objects that a text speaks of."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {"len": len}
        self._known: dict[int, str] = {}

    def __call__(self, x: Any) -> str:
        name = self._known.setdefault(id(x), f"x{len(self.held)}")
        self.held[name] = x
        return name


def conditions(variant: Variant, name: Names) -> list[str] | None:
    """What holds as long as everything is as it is now, when `variant.changed()` has just found nothing, each a line of
    Python; None where it has to be looked at in other ways. That one does not hold does not say that the program no
    longer does."""
    around = variant.around
    if around is None or any(not _still(residents) for residents in variant.residents):
        return None
    lines = [f"{name(CHANGES)}[0] == {name(around)}.stamp"]
    lines += [f"{name(read)}() {IS[held.__class__ in COPIES]} {name(held)}" for _, held, read in around.entries]
    for residents in variant.residents:
        lines += _tensors(residents, name)
        for optimizer in residents.optimizers:
            lines += _states(optimizer, name)
        for settled in residents.structures:
            lines += _settings(settled, name)
    return lines if len(name.held) <= MOST else None


def _still(residents: Residents) -> bool:
    settings = all(settled.seen is not None for settled in residents.structures)
    return residents.held is not None and not residents.program.carried and settings


def _tensors(residents: Residents, name: Names) -> Iterator[str]:
    yield from (f"{name(t)}.array is {name(a)}" for t, a in zip(residents.watched, residents.where, strict=True))
    yield from (f"{name(t)}._requires_grad is {w}" for t, w in zip(residents.mine, residents.wants, strict=True))


def _states(optimizer: Any, name: Names) -> Iterator[str]:
    state = name(optimizer.state)
    yield f"{name(optimizer)}.state is {state}"
    yield f"len({state}) == {len(optimizer.state)}"
    for p, inner in optimizer.state.items():
        yield f"{state}[{name(p)}] is {name(inner)}"
        yield from _entries(inner, name, "{} is {}")


def _settings(settled: Settled, name: Names) -> Iterator[str]:
    groups = settled.optimizer.param_groups
    yield f"len({name(groups)}) == {len(groups)}"
    yield f"{name(settled.optimizer)}.param_groups is {name(groups)}"
    for place, group in enumerate(groups):
        yield f"{name(groups)}[{place}] is {name(group)}"
        yield f"len({name(group['params'])}) == {len(group['params'])}"
        yield from _entries(group, name, "({0} is {1} or {0} == {1})")  # an object that is the same is not looked into


def _entries(held: dict[str, Any], name: Names, alike: str) -> Iterator[str]:
    mine = name(held)
    yield f"len({mine}) == {len(held)}"
    yield from (alike.format(f"{mine}[{key!r}]", name(value)) for key, value in held.items())
