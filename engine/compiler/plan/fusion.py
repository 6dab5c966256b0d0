"""Fusion: which nodes of the graph are computed by one kernel.

A group is a set of nodes over one space of loops: maps of one shape, reductions of it over one set of axes and the maps
that use what was reduced, or a contraction and the maps on its result. Nodes that cost nothing (places along an axis,
constants, comparisons) belong to no group; every group that needs them computes them again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Value
from engine.compiler.plan.free import AGAIN, COSTLY, Loops, early_nodes, free_nodes, is_native, is_simple, through
from engine.compiler.plan.group import Group as Group

FUSED = ("map", "cast", "reduce")
LIMIT, MUCH = 200, 8
"""Nodes in one group: longer scalar programs run out of registers; how many times smaller a small value is."""
BEHIND, DEAR = 48, 5
"""What maps behind a product may cost: its code has them once for every register that it sums in, so that ninety tanh
took LLVM 18 seconds; what a function costs that is not cheap."""


def _is_cheap(node: Node) -> bool:
    """Whether a function is computed again sooner than read."""
    return node.kind is ir.Map and node.attrs["fn"] not in COSTLY


def _is_full(group: Group) -> bool:
    """Whether no more nodes fit into a group."""
    if group.kind != "contract":
        return len(group.nodes) >= LIMIT
    return sum([1 if _is_cheap(node) else DEAR for node in group.nodes]) > BEHIND


def _is_bare(node: Node) -> bool:
    """Whether it is a product with nothing to sum or to pair: all letters stand in both inputs and in the result."""
    return node.kind is ir.Contract and set(node.attrs["left"]) == set(node.attrs["right"]) == set(node.attrs["out"])


class Fusion:
    """The groups of a graph.

    groups: in an order that computes; stored: ids of the values that must lie in memory.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.of: dict[int, Group] = {}
        self.groups: list[Group] = []
        self.early = early_nodes(graph)
        self.free = free_nodes(graph)
        for node in graph.nodes:
            if not node.kind.view and id(node) not in self.free:
                self._place(node)
        self.stored: set[int] = {id(v.root) for v in graph.roots()}
        self._read: dict[int, list[Value]] = {}
        for group in self.groups:
            self.stored.update([id(v) for v in self.loads(group)])
        self._sink()
        self._pair()
        self._free_roots()
        self.groups = self._sorted()

    # -------------------------------------------------------------------------------------------- forming groups
    def _place(self, node: Node) -> None:
        """Into the group of one of its inputs where that is possible, else into a new one."""
        known: list[Group] = []
        for value in self._anchors(node):
            group = self.of.get(id(value))
            if group is not None and group not in known:
                known.append(group)
        if known and node.kind.name in FUSED and is_native(node) and all(node.output.shape):
            early = id(node) in self.early
            for group in sorted(known, key=lambda g: -g.level) if len(known) > 1 else known:
                if early != (id(group.nodes[0]) in self.early):
                    continue
                beside = [g for g in known if g is not group and g.level == group.level]
                others = [g.level + 1 for g in known if g is not group and g.level != group.level]
                if max(others, default=0) > group.level or _is_full(group):
                    continue
                if all(self._unite(node, g, group) for g in beside) and self._join(node, group):
                    return
        self._begin(node, max([g.level + 1 for g in known], default=0))

    def _begin(self, node: Node, level: int) -> None:
        kind = {"cast": "map"}.get(node.kind.name, node.kind.name)
        if not is_native(node) or not node.output.size or not all(v.size for v in node.values) or _is_bare(node):
            kind = "python"
        group = Group(kind, [node], level=level, number=len(self.groups))
        value = node.output
        if kind == "reduce":
            group.sizes = node.inputs[0].shape
            group.reduced = frozenset(node.attrs["axes"])
            group.loops[id(value)] = tuple(i for i in range(len(group.sizes)) if i not in group.reduced)
            group.inner[id(value)] = tuple(range(len(group.sizes)))
        else:
            group.sizes = value.shape
            group.loops[id(value)] = tuple(range(len(value.shape)))
        self.of[id(value)] = group
        self.groups.append(group)

    def _join(self, node: Node, group: Group) -> bool:
        """Add a node to a group whose loops it can run in."""
        if group.kind not in ("map", "reduce", "contract"):
            return False
        if node.kind is ir.Reduce:
            return self._join_reduction(node, group)
        if group.kind == "contract" and self._unfit(node):
            return False
        loops = self._loops(node, node.output.shape, group)
        if loops is None or not group.covers(loops):
            return False
        self._enter(node, group, loops)
        return True

    def _unite(self, node: Node, other: Group, group: Group) -> bool:
        """Make two groups of one level one, if they walk along the same loops; groups of one level never wait for each
        other."""
        if self.of.get(id(other.nodes[0].output)) is group:
            return True
        mine, theirs = (self._loops(node, node.output.shape, g) for g in (group, other))
        kinds = ("map", "reduce")
        if mine is None or theirs is None or other.kind not in kinds or group.kind not in kinds:
            return False
        if (id(other.nodes[0]) in self.early) != (id(group.nodes[0]) in self.early):
            return False
        return self._merge(other, group, mine, theirs)

    def _merge(self, other: Group, group: Group, mine: Loops, theirs: Loops) -> bool:
        """Make two groups of one level one, whose loops walk along the same axes of some value."""
        pairs = {b: a for a, b in zip(mine, theirs, strict=True) if a is not None and b is not None}
        real = {i for i, n in enumerate(other.sizes) if n != 1}
        if set(pairs) != real or len(set(pairs.values())) != len(pairs) or len(group.nodes) + len(other.nodes) > LIMIT:
            return False
        if any(other.sizes[b] != group.sizes[a] for b, a in pairs.items()) or not group.covers(tuple(pairs.values())):
            return False
        reduced = frozenset(pairs[i] for i in other.reduced if i in pairs)
        if other.reduced and group.reduced and reduced != group.reduced:
            return False
        if not group.reduced and reduced:
            group.kind, group.reduced = "reduce", reduced
        for each in other.nodes:
            loops = other.loops[id(each.output)]
            self._enter(each, group, tuple(None if i is None else pairs.get(i) for i in loops))
            if id(each.output) in other.inner:
                inner = other.inner[id(each.output)]
                group.inner[id(each.output)] = tuple(None if i is None else pairs.get(i) for i in inner)
        self.groups.remove(other)
        return True

    def _pair(self) -> None:
        """Sums that read the same array along the same loops read it once."""
        known: dict[tuple[int, bool, int], tuple[Group, Loops]] = {}
        for group in [g for g in self.groups if g.kind == "reduce"]:
            for value, loops in self._walks(group):
                key = (group.level, id(group.nodes[0]) in self.early, id(value))
                first, mine = known.setdefault(key, (group, loops))
                if first is not group and self._merge(group, first, mine, loops):
                    self._read.clear()
                    break

    def _walks(self, group: Group) -> Iterator[tuple[Value, Loops]]:
        """The values that a group reads from memory along all of its loops, and which loop walks along which axis."""
        real = {i for i, n in enumerate(group.sizes) if n != 1}
        for each in group.nodes:
            loops = group.inner.get(id(each.output), group.loops[id(each.output)])
            waiting = [(v, loops) for v in each.values] if real <= set(loops) else []
            while waiting:
                value, loops = waiting.pop()
                node = value.node
                if node is None or self.of.get(id(value)) is not group:
                    if node is not None and node.kind.view and is_simple(node):
                        waiting.append((node.inputs[0], through(node, loops)))
                    elif node is not None and id(node) in self.free:
                        waiting.extend([(v, loops) for v in node.values])
                    elif real <= set(loops):
                        yield value, loops

    def _unfit(self, node: Node) -> bool:
        """Whether it reads what the program of a contraction can not: places along an axis, numbers not of 4 bytes."""
        bases = [v.root for v in node.values]
        if any(v.dtype == ir.LONG or (v.node is None and v.dtype == ir.TRUTH) for v in bases):
            return True
        inner = [v.node for v in bases]
        return any(n is not None and id(n) in self.free and (n.kind is ir.Iota or self._unfit(n)) for n in inner)

    def _join_reduction(self, node: Node, group: Group) -> bool:
        if group.kind == "contract":
            return False
        loops = self._loops(node, node.inputs[0].shape, group)
        if loops is None or not {i for i, n in enumerate(group.sizes) if n != 1} <= set(loops):
            return False
        axes = frozenset(i for a in node.attrs["axes"] if (i := loops[a]) is not None)
        if node.attrs["fn"] in ("argmax", "argmin") or not axes:
            return False
        if group.reduced and axes != group.reduced:
            return False
        group.reduced, group.kind = axes, "reduce"
        group.inner[id(node.output)] = loops
        self._enter(node, group, tuple(i for a, i in enumerate(loops) if a not in node.attrs["axes"]))
        return True

    def _enter(self, node: Node, group: Group, loops: Loops) -> None:
        group.nodes.append(node)
        group.loops[id(node.output)] = loops
        self.of[id(node.output)] = group

    def _loops(self, node: Node, shape: tuple[int, ...], group: Group) -> Loops | None:
        """Which loop of the group walks along which axis of a node's space; None where that has no answer."""
        found: list[int | None] = [None] * len(shape)
        for value in node.values:
            if not self._bind(value, tuple(range(len(shape))), group, found):
                return None
        taken = {i for i in found if i is not None}
        for axis, n in enumerate(shape):
            if found[axis] is None and n != 1:
                fitting = [i for i, m in enumerate(group.sizes) if m == n and i not in taken]
                if len(fitting) != 1:
                    return None
                found[axis] = fitting[0]
                taken.add(fitting[0])
        return tuple(found)

    def _bind(self, value: Value, axes: Loops, group: Group, found: list[int | None]) -> bool:
        """Note what a value of the group says of the node's axes; axes: for each of its own axes one of the node's."""
        node = value.node
        if self.of.get(id(value)) is group:
            for axis, loop in zip(axes, group.loops[id(value)], strict=True):
                if axis is None or loop is None:
                    continue
                if found[axis] is None and loop not in found:
                    found[axis] = loop
                elif found[axis] != loop:
                    return False
            return True
        if node is None:
            return True
        if node.kind.view:
            if is_simple(node):
                return self._bind(node.inputs[0], through(node, axes), group, found)
            return self.of.get(id(value.root)) is not group
        if id(node) in self.free:
            return all(self._bind(v, axes, group, found) for v in node.values)
        return True

    def _anchors(self, node: Node) -> list[Value]:
        """The values that a node reads, views and free nodes looked through."""
        found, free = [], self.free
        stack = list(node.values)
        while stack:
            value = stack.pop().root
            if value.node is not None and id(value.node) in free:
                stack.extend(value.node.values)
            else:
                found.append(value)
        return found

    # -------------------------------------------------------------------------------------------- what lies in memory
    def loads(self, group: Group) -> list[Value]:
        """The values that a group reads from memory, views looked through; each once."""
        known = self._read.get(id(group))
        if known is None:
            found: dict[int, Value] = {}
            fused = group.kind in ("map", "reduce", "contract")
            for node in group.nodes:
                if fused and node.kind is not ir.Contract:
                    for value in node.values:
                        self._loads(value, group, found)
                else:
                    found.update([(id(v.root), v.root) for v in node.values])
            known = self._read[id(group)] = list(found.values())
        return known

    def _loads(self, value: Value, group: Group, found: dict[int, Value]) -> None:
        node = value.node
        if self.of.get(id(value)) is group:
            return
        if node is None:
            found[id(value)] = value
        elif node.kind.view and is_simple(node):
            self._loads(node.inputs[0], group, found)
        elif id(node) in self.free:
            for inner in node.values:
                self._loads(inner, group, found)
        else:
            found[id(value.root)] = value.root

    def _sink(self) -> None:
        """A stored value that is cheap to compute from other stored values, and that only other kernels read, is
        computed there: one array less is written and read."""
        readers: dict[int, set[int]] = {}
        for each in self.groups:
            fused = each.kind in ("map", "reduce", "contract")
            for value in self.loads(each):
                plain = fused and not (each.kind == "contract" and any(value is v.root for v in each.nodes[0].values))
                readers.setdefault(id(value), set()).add(id(each) if plain else 0)
        kept = {id(v.root) for v in self.graph.roots()}
        kept |= {id(n.output.root) for n in self.graph.nodes if n.kind.view and not is_simple(n)}
        within: set[int] | None = None
        often: dict[int, int] = {}  # how many times those that read a value compute it again
        for node in reversed(self.graph.nodes):
            value = node.output
            group = self.of.get(id(value))
            if group is None or id(value) not in self.stored or id(value) in kept:
                continue
            to = readers.get(id(value), {0})
            if 0 in to or not _is_cheap(node) or len(group.nodes) == 1:
                continue
            chain, bases = [node], list(self._anchors(node))
            if not all(map(self._at_hand, bases)):
                chain, bases = self._chain(node, group)
            elif len(to) > 2 or id(value) in (within := self._read_inside() if within is None else within):
                continue
            times = often.get(id(value), 1) * len(chain)
            if not chain or len(chain) == len(group.nodes) or times > AGAIN:
                continue
            self._read.clear()
            for made in chain:
                group.nodes.remove(made)
                del self.of[id(made.output)], group.loops[id(made.output)]
                self.free.add(id(made))
                self.stored.discard(id(made.output))
            for base in bases:
                often[id(base)] = often.get(id(base), 0) + times
                self.stored.update([id(base)] if base.node is not None else [])
                readers.setdefault(id(base), set()).update(to)

    def _chain(self, node: Node, group: Group) -> tuple[list[Node], list[Value]]:
        """The cheap maps of a group that make a value of one that lies in memory anyway, and of small ones such as a
        row's mean; and all of these. Nothing where that is not how it is made."""
        chain, bases, waiting = [], dict[int, Value](), [node]
        while waiting:
            each = waiting.pop()
            chain.append(each)
            for value in self._anchors(each):
                if self._at_hand(value) or (value.size * MUCH <= node.output.size and id(value) in self.of):
                    bases[id(value)] = value
                elif self.of.get(id(value)) is not group or value.node is None or not _is_cheap(value.node):
                    return [], []
                elif value.node not in (*chain, *waiting):
                    waiting.append(value.node)
        large = [v for v in bases.values() if v.size * MUCH > node.output.size]
        return (chain, list(bases.values())) if len(large) == 1 and len(chain) <= MUCH else ([], [])

    def _read_inside(self) -> set[int]:
        """The ids of values that their own group reads."""
        anchors = ((v, g) for g in self.groups for n in g.nodes for v in self._anchors(n))
        return {id(v) for v, g in anchors if self.of.get(id(v)) is g}

    def _at_hand(self, value: Value) -> bool:
        """Whether a value lies in memory anyway."""
        return value.node is None or id(value) in self.stored

    def _free_roots(self) -> None:
        """Free nodes whose value must lie in memory get a group of their own after all."""
        for node in self.graph.nodes:
            value = node.output
            if id(value) in self.stored and id(value) not in self.of and id(node) in self.free:
                levels = [self.of[id(v)].level + 1 for v in self._anchors(node) if id(v) in self.of]
                self._begin(node, max(levels, default=0))
                self.groups[-1].kind = "map"
                self.stored.update(id(v) for v in self.loads(self.groups[-1]))
                self._free_roots()
                return

    def _sorted(self) -> list[Group]:
        """Groups after the groups that they read, otherwise in the order of the program."""
        place = {id(n.output): i for i, n in enumerate(self.graph.nodes)}
        late = len(place)
        waits: dict[int, set[int]] = {}
        wanted: dict[int, list[Group]] = {}
        for group in self.groups:
            before = {id(self.of[id(v)]) for v in self.loads(group) if id(v) in self.of} - {id(group)}
            waits[id(group)] = before
            for other in before:
                wanted.setdefault(other, []).append(group)
        commits = {id(v) for cell, v in self.graph.writes if cell.name != "grad"}
        rank = {
            id(g): max(place[id(n.output)] for n in g.nodes) + late * any(id(n.output) in commits for n in g.nodes)
            for g in self.groups
        }
        ready = [(rank[id(g)], g.number, g) for g in self.groups if not waits[id(g)]]
        heapq.heapify(ready)
        done: list[Group] = []
        while ready:
            group = heapq.heappop(ready)[2]
            done.append(group)
            for reader in wanted.get(id(group), []):
                waits[id(reader)].discard(id(group))
                if not waits[id(reader)]:
                    heapq.heappush(ready, (rank[id(reader)], reader.number, reader))
        if len(done) != len(self.groups):
            raise ir.CompilerError("fusion", "groups that wait for each other")
        return done
