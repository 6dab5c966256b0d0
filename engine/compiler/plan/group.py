"""What one kernel computes: nodes over one space of loops."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.compiler.graph.ir import Node
from engine.compiler.plan.free import Loops


@dataclass(eq=False)
class Group:
    """Nodes that one kernel computes. kind: "map", "reduce", "contract", or the kind of its only node.

    sizes: of the loops, in the order of the axes of the first node's space; reduced: the loops that are summed over;
    loops: for each value that it computes, which loop walks along which axis; inner: the same for what is reduced.
    """

    kind: str
    nodes: list[Node] = field(default_factory=list)
    sizes: tuple[int, ...] = ()
    reduced: frozenset[int] = frozenset()
    loops: dict[int, Loops] = field(default_factory=dict)
    inner: dict[int, Loops] = field(default_factory=dict)
    level: int = 0
    number: int = 0

    def covers(self, loops: Loops) -> bool:
        """Whether a value with these loops lives in its space: all of the loops, or all but the reduced ones."""
        seen = {i for i in loops if i is not None}
        every = {i for i, n in enumerate(self.sizes) if n != 1}
        return every <= seen or (bool(self.reduced) and seen == every - self.reduced)
