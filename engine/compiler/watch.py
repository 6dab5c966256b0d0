"""A step looked at from inside: node after node, every activation and gradient at hand, nothing of it committed."""

from __future__ import annotations

from typing import Any

from engine.compiler.graph.replay import Replay
from engine.compiler.trace.recipe import Call, Program
from engine.rng import folded


class Watch:
    """One step on one batch, run as far as somebody looks, unfused and on one thread; cells are not written.

    Calls are known by their number in the trace, never by rows of a table. Random numbers are those that the next step
    will draw.

    >>> w = engine.ones(2, requires_grad=True)
    >>> step = engine.compile(lambda x: (w * x).exp().sum())
    >>> seen = step.watch(engine.zeros(2))
    >>> [(call.op, call.value.shape) for call in seen.calls], seen[1]
    ([('mul', (2,)), ('exp', (2,)), ('sum', ())], array([1., 1.], dtype=float32))
    """

    def __init__(self, program: Program, arrays: list[Any]) -> None:
        self.calls: list[Call] = program.calls
        self.by_number = {call.number: call for call in self.calls}
        self._replay = Replay(program.graph, [call.value for call in self.calls])
        self._places = {id(node.output): i for i, node in enumerate(self._replay.nodes)}
        self._held = self._replay.held([*arrays, *_peek(program)])
        self.done = 0

    def run_until(self, number: int) -> None:
        """Compute everything up to, and with, this call."""
        last = self._places.get(id(self.by_number[number].value), -1)
        for place in range(self.done, last + 1):
            self._replay.node(place, self._held)
        self.done = max(self.done, last + 1)

    def __getitem__(self, number: int) -> Any:
        """What the call made: an array, not to be written to."""
        self.run_until(number)
        return self._held[self._replay.places[id(self.by_number[number].value)]]


def _peek(program: Program) -> list[Any]:
    """The random numbers of the next step, without drawing: masks' in their place, and samples."""
    states = [(g, g.get_state()) for g in {*program.generators, *(s.generator for s in program.samples)}]
    for i, generator in enumerate(program.generators):
        program.keys[i] = folded(*generator.draw())
    samples = [sample.array() for sample in program.samples]
    for generator, state in states:
        generator.set_state(state)
    return samples
