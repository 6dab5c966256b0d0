"""Steps like one that was assembled before, but for their sizes: what becomes of them is known without assembling.

A trace says which ops ran on what, and how the memory lies that lives (`heard`). Where two say the same, their graphs
have one structure, and the sizes in these are functions of the sizes of arrays: an assembly of arrays whose sizes are
open (`sizes.py`) tells which, and under which conditions. The graph of a step that is like another one has no nodes
until somebody looks at them.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

from engine.compiler.graph.ir import FLOAT, NOWHERE, CompilerError, Graph, Source, Value
from engine.compiler.graph.sizes import Size, Tape
from engine.compiler.graph.writer import Writer
from engine.compiler.lowering import optimise
from engine.compiler.lowering.lower import noted
from engine.compiler.reuse.heard import OPEN, Heard, Memory, TooMuch
from engine.compiler.reuse.resized import LONG, MOST, copied, said
from engine.compiler.trace import flat, home
from engine.compiler.trace.assemble import Assembly, all_zeros
from engine.compiler.trace.compare import Comparison, Differs
from engine.compiler.trace.recipe import Call, Drawn, Program
from engine.compiler.trace.updates import Updates
from engine.graph import Size as Shape


def program_of(comparison: Comparison, finite: bool = False) -> Program:
    """The program of a step that was traced twice: as `assemble` makes it, or as that of a step that was like it.

    Raises: Differs.
    """
    assembly = Assembly(comparison, True, finite).settled()
    try:
        heard = Heard(assembly)
    except TooMuch:
        return assembly.run()
    known = _known(heard.key)
    for likeness in known or ():
        program = None if likeness is None else likeness.program(assembly, heard)
        if program is not None:
            return program
    settled = len(assembly.program.tensors)
    program = assembly.run()
    program.says = said(program.graph)
    if known is not None and len(known) < EACH and program.says is not None and len(program.graph.nodes) <= LONG:
        constants = [s.array.copy() if s.role == "constant" else None for s in program.graph.sources]
        program.learn = partial(_learn, assembly, heard, settled, constants)
        del assembly.program, assembly.graph  # it holds what is learnt from
    return program


EACH = 12
"""Likenesses of one key: of sizes that are equal by chance there may be many kinds."""
_LOCK = threading.RLock()
_ALIKE: OrderedDict[Any, list[Likeness | None]] = OrderedDict()
"""By what was heard, sizes aside; None in the place of one that could not be learnt."""


def _known(key: Any) -> list[Likeness | None] | None:
    """What is known of steps that say this; None if this is the first one."""
    with _LOCK:
        known = _ALIKE.setdefault(key, [])
        _ALIKE.move_to_end(key)
        if len(_ALIKE) > MOST:
            _ALIKE.popitem(last=False)
        if known:
            return list(known)
        known.append(None)
        return None


def _learn(assembly: Assembly, heard: Heard, settled: int, constants: list[Any], program: Program) -> None:
    """Know steps like this one, from now on."""
    likeness = None
    try:
        likeness = Likeness(assembly, heard, program, settled, constants)
    except (CompilerError, Differs, TooMuch):  # steps that say more than sizes: they are assembled, each
        pass
    except Exception as defect:  # the compiler's own: nothing is lost but time, and everybody hears of it
        told = f"a defect of the compiler, {type(defect).__name__}: {defect}"
        warnings.warn(f"steps like this one are assembled from the beginning: {told}", RuntimeWarning, stacklevel=2)
    with _LOCK:
        _ALIKE.setdefault(heard.key, []).append(likeness)


# --------------------------------------------------------------------------------------------------- what is known
class Opening(Assembly):
    """An assembly once more, of arrays whose sizes are open. Raises: CompilerError, where more than sizes matters."""

    def __init__(self, done: Assembly, heard: Heard, tape: Tape) -> None:
        super().__init__(done.comparison, True, done.wants_finite)
        self.old, self.flats, self.flat_of = done.old, done.flats, done.flat_of
        self.updates, self.size = Updates(self, done.steps), tape.size
        self.shapes = {id(a): a.shape for a in done.comparison.constants.values() if not all_zeros(a)}
        for a in heard.arrays:
            self.shapes.setdefault(id(a), tuple(map(self.size, a.shape)))
        for m in heard.memory:
            self.shapes[id(m.array)] = self._whole(m)

    def _whole(self, m: Memory) -> Any:
        if len(m.like) == 1:
            return self.shapes[id(m.like[0])]
        return (sum(_count(self.shapes[id(a)]) for a in m.like),) if m.like else m.array.shape

    def shape(self, array: Any) -> Any:
        """The shape of an array, open. Raises: CompilerError."""
        if id(array) not in self.shapes:
            raise CompilerError("alike", "an array that the trace speaks of", str(array.shape))
        return self.shapes[id(array)]

    def start(self, together: flat.Flat, parameter: Any) -> Any:
        """Where a parameter begins among those that are moved together, of open sizes."""
        sizes = [_count(self.shape(p.array)) for p in together.members]
        return list(accumulate(sizes, initial=0))[[id(p) for p in together.members].index(id(parameter))]

    def agrees(self, found: Value, made: Any) -> bool:
        """Whether a rule says, in this example, what shape an op made."""
        sizes: tuple[Any, ...] = found.shape
        return bool(tuple([n.now if n.__class__ is Size else n for n in sizes]) == made.shape)

    def hold(self, array: Any, value: Value) -> None:
        """What ops make is as large as the graph says."""
        self.shapes.setdefault(id(array), value.shape)
        super().hold(array, value)

    def _opened(self, value: Any) -> Any:
        """An attribute with open sizes."""
        if value.__class__ is int:
            return self.size(value)
        if value.__class__ in (tuple, list, Shape):
            return tuple(map(self._opened, value))
        return slice(*map(self._opened, (value.start, value.stop, value.step))) if value.__class__ is slice else value

    def attempt(self, op: Any, values: list[Any], attrs: dict[str, Any]) -> Value | None:
        """What an op becomes; nothing is remembered of it."""
        return noted(self.graph, op, values, {n: self._opened(v) if n in OPEN else v for n, v in attrs.items()})

    def _python(self, op: Any, *_: Any) -> Value:
        raise TooMuch(f"{op.name}, whose rule wants numbers")


def _count(shape: Any) -> Any:
    count = 1
    for n in shape:
        count = n * count
    return count


LATER = ("nodes", "outputs", "writes", "finite", "effects")


class Later(Graph):
    """A graph of which the sources are there. make(sources): makes the rest, when somebody asks for it."""

    def __init__(self, sources: list[Source], make: Callable[[list[Source]], Graph]) -> None:
        self.sources, self.parted, self.origin, self._make = sources, (0, 1), NOWHERE, make

    def __getattr__(self, name: str) -> Any:
        if name not in LATER:
            raise AttributeError(name)
        with _LOCK:
            if name not in self.__dict__:
                made = self._make(self.sources)
                self.__dict__.update({part: getattr(made, part) for part in LATER})
        return self.__dict__[name]


class Likeness:
    """What becomes of steps that say the same. Raises: CompilerError, TooMuch, where that is more than a matter of
    sizes."""

    def __init__(self, done: Assembly, heard: Heard, program: Program, settled: int, constants: list[Any]) -> None:
        graph, own = program.graph, program.tensors[settled:]
        if program.carried or graph.effects or program.says is None:
            raise TooMuch("a program of more than a graph")
        self.structure, self.example = program.says
        self.sizes = self._function(done, heard)
        if self.at(heard.sizes) != self.example:
            raise CompilerError("alike", str(self.example), str(self.at(heard.sizes)))
        self.places = {id(m.array): i for i, m in reversed(list(enumerate(heard.memory)))}
        self.tensors = [self.places[id(array)] for _, array in own]
        if any(heard.memory[i].owner is not t for i, (t, _) in zip(self.tensors, own, strict=True)):
            raise TooMuch("memory that is two tensors'")
        self.what = [self._what(s, c, heard) for s, c in zip(graph.sources, constants, strict=True)]
        del self.places
        self.before = [before for _, before in program.schedules]
        nothing = Value((), FLOAT)
        numbers = {id(s): ~i for i, s in enumerate(graph.sources)}
        numbers |= {id(node.output): i for i, node in enumerate(graph.nodes)}
        modules = {id(m): i for i, m in enumerate(heard.modules)}
        self.calls = [(c, modules[id(c.module)], numbers[id(c.value)]) for c in program.calls]
        self.calls = [(c._replace(module=None, value=nothing), module, value) for c, module, value in self.calls]
        self.result = program.result
        self.graph = copied(graph, int)
        for s in self.graph.sources:
            s.array = s.read = None

    def _function(self, done: Assembly, heard: Heard) -> Any:
        """The sizes of the graph as a function of those of the trace."""
        tape = Tape()
        for n in heard.sizes:
            tape.size(n)
        seen: dict[int, Any] = {}

        def one(n: Any) -> Any:
            """Sizes that are equal are one."""
            now = n.now if n.__class__ is Size else n
            first = seen.setdefault(now, n)
            return first if first is n or first == n else n

        opened = Opening(done, heard, tape).run()
        merged = Program(copied(opened.graph, one))  # whose end, as that of what was opened, empties its graph
        for node in merged.graph.nodes:  # a number that is made of sizes is part of the structure
            node.inputs = tuple([x.fixed() if x.__class__ is Size else x for x in node.inputs])
        found = said(merged.graph)
        if found is None or found[0] != self.structure:
            raise CompilerError("alike", "a graph of the same structure", "another one")
        return Writer(tape).function(found[1])

    def _what(self, source: Source, constant: Any, heard: Heard) -> Any:
        """Which memory, draw or setting a source is; the numbers of a constant, which nobody else writes to."""
        if source.role == "cell":
            return self.places[id(source.array)]
        if source.role != "scalar":
            return constant
        read = source.read
        if isinstance(read, Drawn):
            return read.place
        return [o is read.optimizer for o in heard.optimizers].index(True), read.place, read.of

    def at(self, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
        """The sizes of the graph for these of a trace; None where it would have another structure."""
        try:
            found: tuple[int, ...] | None = self.sizes(*sizes)
        except ArithmeticError:
            return None
        return None if found is None or len(set(found)) < len(found) else found

    def program(self, assembly: Assembly, heard: Heard) -> Program | None:
        """The program of a step that says the same; None where its graph has another structure."""
        sizes, trace = self.at(heard.sizes), assembly.trace
        if sizes is None:
            return None
        program, memory = assembly.program, heard.memory
        program.tensors += [(memory[i].owner, memory[i].array) for i in self.tensors]  # type: ignore[misc]
        program.generators, program.keys = list(trace.draws), [0] * len(trace.draws)
        program.samples = list(trace.samples)
        program.slopes = [(leaf, None if a is None else home.SLOPES[leaf]) for leaf, a in trace.slopes]
        schedulers = [event.facts[0] for event in trace.events if event.what == "scheduled"]
        program.schedules = list(zip(schedulers, self.before, strict=True))
        program.counters = [event.facts[0] for event in trace.events if event.what == "counted"]
        program.result, program.says = self.result, (self.structure, sizes)
        pairs = zip(self.graph.sources, self.what, strict=True)
        sources = [self._source(s, what, trace.arguments, heard, program.keys) for s, what in pairs]
        program.graph = Later(sources, partial(self._nodes, sizes))
        program.called = partial(self._called, program.graph, heard.modules)
        del assembly.updates  # it holds the assembly
        return program

    def _source(self, s: Source, what: Any, arguments: list[Any], heard: Heard, keys: list[int]) -> Source:
        """A source like one of the example's."""
        if s.role == "scalar":
            if what.__class__ is int:
                return Source(s.role, (), s.dtype, read=Drawn(keys, what), name=s.name)
            place, group, of = what
            read = optimise.Setting(heard.optimizers[place], group, of)
            return Source(s.role, (), s.dtype, read=read, name=s.name)
        if s.role == "input":
            return Source(s.role, arguments[s.slot].shape, s.dtype, slot=s.slot, name=s.name)
        array = heard.memory[what].array if s.role == "cell" else what
        return Source(s.role, array.shape, s.dtype, array=array, name=s.name)

    def _nodes(self, sizes: tuple[int, ...], sources: list[Source]) -> Graph:
        again = dict(zip(self.example, sizes, strict=True))
        return copied(self.graph, lambda n: again.get(n, n), sources)

    def _called(self, graph: Graph, modules: list[Any]) -> list[Call]:
        values = {~i: s for i, s in enumerate(graph.sources)} | {i: node.output for i, node in enumerate(graph.nodes)}
        return [c._replace(module=modules[module], value=values[value]) for c, module, value in self.calls]
