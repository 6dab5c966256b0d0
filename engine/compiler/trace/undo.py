"""Taking back what a step did to memory: for a step that turns out not finite, and for one that only showed the way."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor


class Undo:
    """Hears of everything that is about to be written, and remembers how it was."""

    def __init__(self) -> None:
        self._back: list[Callable[[], None]] = []

    def memory(self, tensor: Tensor) -> None:
        """The numbers of a tensor."""
        kept = tensor.array.copy()
        self._back.append(lambda: tensor.array.__setitem__(..., kept))  # it may have moved since

    def optimizer(self, optimizer: Optimizer, clear: bool) -> None:
        """Parameters and states. clear: states that are new stay, with their first values, where steps along these are
        those that an optimiser takes at first; dampening leaves its first step out."""
        for group in optimizer.param_groups:
            stays = clear and not (group.get("momentum") and group.get("dampening"))
            for p in (p for p in group["params"] if p.grad is not None):
                self.memory(p)
                self._state(optimizer, p, group.get("initial_accumulator_value", 0.0) if stays else None)

    def _state(self, optimizer: Optimizer, p: Tensor, first: float | None) -> None:
        state = optimizer.state[p]
        known = {name: v.array.copy() if isinstance(v, Tensor) else deepcopy(v) for name, v in state.items()}

        def back() -> None:
            for name in list(state):
                if name in known and isinstance(state[name], Tensor):
                    state[name].array[...] = known[name]
                elif name in known:
                    state[name] = known[name]
                elif first is None or not isinstance(state[name], Tensor):
                    del state[name]
                else:
                    state[name].array[...] = 0 if name == "step" else first
            if not state:
                optimizer.state.pop(p, None)

        self._back.append(back)

    def begun(self, optimizer: Optimizer, parameters: list[Tensor]) -> None:
        """Parameters get their first states."""

        def back() -> None:
            for p in parameters:
                optimizer.state.pop(p, None)

        self._back.append(back)

    def schedule(self, scheduler: Any) -> None:
        """A schedule and the rates that it wrote."""
        state, groups = deepcopy(scheduler.state_dict()), scheduler.optimizer.param_groups
        rates = [group["lr"] for group in groups]

        def back() -> None:
            scheduler.load_state_dict(state)
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate

        self._back.append(back)

    def draw(self, generator: Any, method: str) -> None:
        """Numbers that are about to be drawn; the number of a mask is drawn already."""
        state = generator.get_state()
        state["draws"] -= method == "draw"
        self._back.append(lambda: generator.set_state(state))

    def count(self, tensor: Tensor) -> None:
        """A count that has grown by one."""
        self._back.append(lambda: tensor.array.__isub__(1))

    def run(self) -> None:
        """Everything as it was, the last thing first."""
        while self._back:
            self._back.pop()()
