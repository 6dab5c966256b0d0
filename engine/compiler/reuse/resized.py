"""Plans of networks that only differ in their sizes: how a graph was planned, written down as Python and done again.

The passes and the planner run once on a graph whose sizes are open (`sizes.py`). That leaves a function of the sizes:
conditions, under which the very same decisions would be taken for other sizes, and the rows with their numbers. Where
a condition does not hold, the graph is planned from the beginning.
"""

from __future__ import annotations

import dataclasses
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from engine.compiler.graph.ir import CompilerError, Graph, Map, Node, Origin, Python, Source, Value
from engine.compiler.graph.sizes import Tape
from engine.compiler.graph.writer import Writer
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.product import PLAIN, Product
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import NOTED, Buffer, Plan, Record, cost
from engine.compiler.plan.scratch import lives_of, touched
from engine.compiler.schedule.threads import check

SIZED = frozenset(["shape", "start", "size", "step", "low", "high", "inner", "count", "taps", "dilation"])
"""The attributes of nodes that are sizes, or steps."""
SAME = ("lines", "text", "wide", "cycles", "structure", "steady")
"""What work is known to be like, whatever its sizes."""
TOLD = (NOTED, PLAIN)
"""What work keeps that is put together from its sizes."""
MOST, EACH = 64, 6
"""Structures that are remembered, and recipes for each."""
LONG = 600
"""Nodes of a graph of which a recipe is written: Python stands still while it compiles a long one."""
LARGE = 1 << 16
"""Bytes of a constant that are not compared any more."""


@dataclasses.dataclass(frozen=True)
class Trail:
    """In the place of a node: where a row of a plan comes from."""

    origin: Origin


class Recipe:
    """How graphs of one structure are planned. Raises: CompilerError, where that says more than sizes.

    rows_of(graph): makes the rows of a graph, which it may change, without memory for them.
    """

    def __init__(self, graph: Graph, rows_of: Callable[[Graph], Plan]) -> None:
        tape = Tape()
        opened = copied(graph, tape.size)
        sources = list(opened.sources)
        try:
            self.made = self._written(tape, opened, sources, rows_of)
        finally:
            for source in sources:  # a model need not live as long as its graph
                source.array = source.read = None

    @staticmethod
    def _written(tape: Tape, opened: Graph, sources: list[Source], rows_of: Callable[[Graph], Plan]) -> Any:
        plan = rows_of(opened)
        writer = _Rows(tape)
        places = [plan.places.get(id(s)) for s in sources]
        cells = {id(p.buffer) for s, p in zip(sources, places, strict=True) if p is not None and s.role == "cell"}
        writer.without_memory = cells
        numbers = {id(s.read): i for i, s in enumerate(sources) if s.role == "scalar"}
        check(plan)
        rows = [
            Record(row.work, tuple(Trail(node.origin) for node in row.nodes), row.note, tuple(touched(row)))
            for row in _records(plan)
        ]
        scalars = [(buffer, offset, numbers[id(read)]) for buffer, offset, read in plan.scalars]
        parted = opened.parted
        facts = rows, plan.buffers, scalars, plan.finite, plan.guard, plan.outputs, cost(plan), lives_of(plan)
        return writer.function((facts, places, parted))

    def plan(self, graph: Graph, sizes: tuple[int, ...]) -> Plan | None:
        """The rows for these sizes, without memory; None where they would be others."""
        made = self.made(*sizes)
        if made is None:
            return None
        (rows, buffers, scalars, finite, guard, outputs, spent, lives), places, graph.parted = made
        for source, place in zip(graph.sources, places, strict=True):
            if source.role == "cell" and place is not None:
                if not source.array.flags.c_contiguous:
                    return None
                place.buffer.array = source.array.reshape(-1)
        plan = Plan(rows, buffers, [], finite, guard, [], outputs, cost=spent, checked=True, lives=lives)
        plan.scalars = [(buffer, offset, graph.sources[place].read) for buffer, offset, place in scalars]
        plan.places = {id(s): place for s, place in zip(graph.sources, places, strict=True) if place is not None}
        return plan


def _records(plan: Plan) -> list[Record]:
    """The rows, looked at as far as sizes do not matter."""
    if plan.effects or not all(isinstance(row, Record) for row in plan.rows):
        raise CompilerError("recipe", "rows for kernels", "Python")
    for row in plan.rows:
        for name in SAME:
            getattr(row.work, name, None)
        if isinstance(row.work, Nest | Transposition):
            vars(row.work)[NOTED] = row.work.arguments()
        if isinstance(row.work, Product):
            vars(row.work)[PLAIN] = Product.arguments(row.work)
    return plan.rows


def copied(graph: Graph, size: Callable[[int], Any], sources: list[Source] | None = None) -> Graph:
    """A graph with other sizes: `size(n)` where it has n; made of these sources, if they are there already."""
    made, again = Graph(), dict[int, Any]()

    def sized(shape: Any) -> Any:
        return tuple(map(size, shape)) if shape.__class__ is tuple else size(shape)

    for s in graph.sources if sources is None else ():
        made.source(s.role, sized(s.shape), s.dtype, array=s.array, slot=s.slot, read=s.read, name=s.name)
    made.sources = sources or made.sources
    again |= {id(s): mine for s, mine in zip(graph.sources, made.sources, strict=True)}
    for node in graph.nodes:
        inputs = tuple([again[id(x)] if isinstance(x, Value) else x for x in node.inputs])
        attrs = {name: sized(v) if name in SIZED else v for name, v in node.attrs.items()}
        fresh = Node(node.kind, inputs, attrs, node.origin)
        made.nodes.append(fresh)
        again[id(node.output)] = fresh.output
    made.outputs = [again[id(v)] for v in graph.outputs]
    made.writes = [(again[id(cell)], again[id(v)]) for cell, v in graph.writes]
    made.finite = [again[id(v)] for v in graph.finite]
    made.effects = [(f, tuple(again[id(v)] for v in values)) for f, values in graph.effects]
    return made


class _Rows(Writer):
    """Rows of a plan as Python. without_memory: buffers whose arrays are somebody else's, by id."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape)
        self.without_memory: set[int] = set()

    def _object(self, x: Any) -> tuple[str, bool]:
        parts = self._parts(x)
        if id(x) in self.without_memory:
            parts["array"] = "None", False
        if not isinstance(x, Buffer) and not any(fresh for _, fresh in parts.values()):
            return self._hold(x), False
        texts = {name: text for name, (text, _) in parts.items()}
        if isinstance(x, Buffer | Record):
            name = f"o{len(self.known)}"
            self.tape.lines.append(f"{name} = {self._hold(type(x))}({', '.join(texts.values())})")
            return name, True
        same = {n: self._hold(vars(x)[n]) for n in SAME if n in vars(x)}
        told = {n: self.text(vars(x)[n])[0] for n in TOLD if n in vars(x)}
        return self._anew(x, same | texts | told), True


# ------------------------------------------------------------------------------------------------- what is remembered
def said(graph: Graph) -> tuple[Any, tuple[int, ...]] | None:
    """What a graph says: its structure, a key with the order of its sizes in the place of these, and its sizes. Two
    graphs that say the same have the same plans. None: it says too much."""
    place: dict[Any, int] = {s: i for i, s in enumerate(graph.sources)}
    at, sizes = place.__getitem__, dict[int, int]()
    known: dict[Any, Any] = {}

    def numbered(shape: Any) -> Any:
        parts = shape if shape.__class__ is tuple else (shape,)
        found = known[shape] = tuple([n if n < 2 else ~sizes.setdefault(n, len(sizes)) for n in parts])
        return found

    found: list[Any] = []
    for s in graph.sources:
        found.append((s.role, known.get(s.shape) or numbered(s.shape), s.dtype.char, s.slot, s.name))
        if s.role == "constant":
            if s.array.nbytes > LARGE:
                return None
            found.append((s.shape, s.array.tobytes()))
    for number, node in enumerate(graph.nodes, len(place)):
        kind, given, attrs, origin = node.kind, node.inputs, node.attrs, node.origin
        if len(node.values) == len(given):
            read: Any = map(at, given)
        else:
            read = [at(x) if isinstance(x, Value) else (x.__class__, x if x else repr(x)) for x in given]
        if kind is Map:
            found.append((attrs["fn"], origin.call, origin.line, *read))
        elif kind is Python:
            return None
        else:
            told = [
                known.get(v) or numbered(v) if name in SIZED else repr(v) if v.__class__ in (float, bool) else v
                for name, v in attrs.items()
            ]
            found.append((kind, origin.call, origin.line, *read, *told))
        place[node.output] = number
    if graph.effects:
        return None
    roots, cells = map(at, graph.roots()), map(at, [cell for cell, _ in graph.writes])
    return (*found, len(graph.outputs), len(graph.finite), *roots, *cells), tuple(sizes)


_LOCK = threading.Lock()
_RECIPES: OrderedDict[Any, list[Recipe | None]] = OrderedDict()
"""By structure; None in the place of the first graph, and of one that became no recipe."""


def again(key: tuple[Any, tuple[int, ...]], graph: Graph) -> Plan | None:
    """The rows of a graph, planned as one of the same structure was; None where none was, or where it does not fit."""
    structure, sizes = key
    with _LOCK:
        known = list(_RECIPES.get(structure, ()))
    for recipe in known:
        plan = None if recipe is None else recipe.plan(graph, sizes)
        if plan is not None:
            if recipe is not known[0]:
                with _LOCK:  # the next network is most like this one
                    _RECIPES.get(structure, []).sort(key=lambda x: x is not recipe)
            return plan
    return None


def learn(structure: Any, graph: Graph, rows_of: Callable[[Graph], Plan]) -> Callable[[], None] | None:
    """What to do about a graph that was planned from the beginning: a recipe, from the second one of a structure on."""
    with _LOCK:
        known = _RECIPES.setdefault(structure, [])
        _RECIPES.move_to_end(structure)
        if len(_RECIPES) > MOST:
            _RECIPES.popitem(last=False)
        if not known or len(known) > EACH or len(graph.nodes) > LONG:
            known[:] = known or [None]
            return None

    def write() -> None:
        made = None
        try:
            made = Recipe(graph, rows_of)
        except CompilerError:  # rows that say more than sizes: such graphs are planned from the beginning
            pass
        except Exception as defect:  # the compiler's own: nothing is lost but time, and everybody hears of it
            told = f"a defect of the compiler, {type(defect).__name__}: {defect}"
            warnings.warn(
                f"networks like this one are planned from the beginning: {told}", RuntimeWarning, stacklevel=2
            )
        with _LOCK:
            known.append(made)

    return write
