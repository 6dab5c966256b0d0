"""What is measured: a model with its data, its loss and its optimiser, in a library that has PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """One training step of one library: `step(x, y)` hands back the loss. noisy: it draws random numbers."""

    model: Any
    x: Any
    y: Any
    loss: Callable[..., Any]
    optimizer: Any
    noisy: bool = False

    def step(self, x: Any, y: Any) -> Any:
        """One step, as one writes it for PyTorch."""
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    @property
    def parameters(self) -> int:
        """How many numbers are learnt."""
        return sum(p.numel() for p in self.model.parameters())


@dataclass(frozen=True)
class Workload:
    """A problem that every library can build: `build(t)`, where t is `engine` or `torch`.

    steps: how many steps the compiled tier does in one call; more than 1 where a step is shorter than a Python call.
    """

    name: str
    words: str
    build: Callable[[Any], Problem]
    steps: int = 1


def numbers(t: Any, *shape: int, seed: int = 0) -> Any:
    """Normal numbers, the same in every library."""
    return t.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def classes(t: Any, count: int, *shape: int, seed: int = 1) -> Any:
    """Whole numbers below `count`, the same in every library."""
    return t.from_numpy(np.random.default_rng(seed).integers(0, count, shape))


def composed(t: Any, parts: Mapping[str, Any], forward: Callable[[Any, Any], Any]) -> Any:
    """A module with these parts, whose forward is `forward(module, x)`."""

    class Composed(t.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x: Any) -> Any:
            return forward(self, x)

    return Composed()


def copy_weights(source: Any, target: Any, t: Any) -> None:
    """Give the model `target` of library t the parameters and buffers of the engine's model `source`."""
    target.load_state_dict({name: t.from_numpy(v.detach().numpy().copy()) for name, v in source.state_dict().items()})
