"""Writing SIMD code: one LLVM function under construction: lanes, memory, loops.

Addresses are int64 numbers of bytes. A loop of one round is no loop and a condition that is known is no branch. So an
emitter that is given addresses and sizes as plain ints writes a function in which all of them are constants; given
loaded values, one that serves every size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any

from engine.compiler.code.ssa import BYTES, FLOAT, INT, LONG, NOTHING, Arithmetic, Mask, Number, Ssa, Values, suffix
from engine.compiler.machine.cpu import Cpu


class Function(Arithmetic):
    """One LLVM function `void name(i64 ...)` under construction."""

    def __init__(self, name: str, cpu: Cpu, parameters: Sequence[str] = ("args",)) -> None:
        super().__init__(name, cpu)
        self.parameters = [Ssa(self, f"%{p}", LONG) for p in parameters]
        self._area = 0

    def text(self) -> str:
        """The finished function."""
        head = ", ".join(map(repr, self.parameters))
        entry, *lines = self.lines
        if self._area:
            entry += f"\n  %area = alloca [{self._area} x i8], align 64\n  %scratch = ptrtoint ptr %area to i64"
        return "\n".join([f"define void @{self.name}({head}) #0 {{", entry, *lines, "  ret void", "}"])

    def scratch(self, count: int) -> Ssa:
        """The address of so many bytes of the stack, on a cache line; the next one who asks gets the same ones."""
        self._area = max(self._area, count)
        return Ssa(self, "%scratch", LONG)

    def argument(self, place: int) -> Ssa:
        """The int64 at this place of the array that the first parameter points to."""
        return self.load(LONG, self.parameters[0] + 8 * place)

    # ------------------------------------------------------------------------------------------------- lanes
    def places(self) -> Ssa:
        """0, 1, 2, ... along the lanes, i32."""
        return Ssa(self, f"<{', '.join(f'i32 {i}' for i in range(self.lanes))}>", self.ints)

    def below(self, count: Number) -> Mask:
        """The lanes before `count`; None where that is known to be all."""
        if isinstance(count, Ssa):
            found: Ssa = self.compare("lt", self.places(), self.splat(self.cast("trunc", count, INT)))
            return found
        bits = ", ".join(f"i1 {str(i < count).lower()}" for i in range(self.lanes))
        return None if count >= self.lanes else Ssa(self, f"<{bits}>", self.truths)

    def shuffle(self, a: Ssa, b: Ssa, places: Iterable[int]) -> Ssa:
        """Lanes of a (0 ..) and b (lanes ..) in another order."""
        order = ", ".join(f"i32 {i}" for i in places)
        return self.pure(f"shufflevector {a!r}, {b!r}, <{self.lanes} x i32> <{order}>", a.type)

    def bits(self, mask: Ssa) -> Ssa:
        """The truths of all lanes as the bits of one number."""
        word = f"i{self.lanes}"
        return self.pure(f"bitcast {mask!r} to {word}", word)

    def somewhere(self, x: Ssa) -> Ssa:
        """Whether a truth holds in one lane."""
        found: Ssa = self.compare("ne", self.bits(x), 0)
        return found

    def anywhere(self, x: Ssa) -> Ssa:
        """The same, in every lane."""
        word = f"i{self.lanes}"
        some = self.pure(f"sext {self.somewhere(x)!r} to {word}", word)
        return self.pure(f"bitcast {some!r} to {x.type}", x.type)

    def lane(self, x: Ssa, place: int) -> Ssa:
        """One lane."""
        return self.pure(f"extractelement {x!r}, i64 {place}", x.element)

    def reduce(self, combine: Callable[[Any, Any], Any], x: Ssa) -> Ssa:
        """The lanes combined into one scalar, always in the same order: halves, then halves of halves."""
        half = self.lanes // 2
        while half:
            other = self.shuffle(x, x, [(i + half) % self.lanes for i in range(self.lanes)])
            x, half = combine(x, other), half // 2
        return self.lane(x, 0)

    # ------------------------------------------------------------------------------------------------- memory
    def pointer(self, address: Number) -> Ssa:
        """An address as LLVM's pointer."""
        return self.pure(f"inttoptr i64 {self.value(address).name} to ptr", "ptr")

    def load(self, type: str, address: Number, mask: Mask = None) -> Ssa:
        """What lies there; lanes outside of the mask are 0 and their memory is not touched."""
        where, element = self.pointer(address), type.split()[-1].rstrip(">")
        if mask is None:
            return self.effect(f"load {type}, {where!r}, align {BYTES[element]}", type)
        width, nothing = Ssa(self, str(BYTES[element]), INT), Ssa(self, "zeroinitializer", type)
        return self.call(f"llvm.masked.load.{suffix(type)}.p0", type, where, width, mask, nothing)

    def store(self, x: Ssa, address: Number, mask: Mask = None) -> None:
        """Write x there; memory of lanes outside of the mask is not touched."""
        where = self.pointer(address)
        if mask is None:
            self.line(f"store {x!r}, {where!r}, align {BYTES[x.element]}")
        else:
            width = Ssa(self, str(BYTES[x.element]), INT)
            self.call(f"llvm.masked.store.{suffix(x.type)}.p0", NOTHING, x, where, width, mask)

    def prefetch(self, address: Number, first: bool = False, write: bool = False) -> None:
        """Ask for the cache line at an address, which need not exist, to be brought near; first: into the first cache,
        else the second; write: for this core alone, which will write to it."""
        aim, near = "1" if write else "0", "3" if first else "2"
        how = (Ssa(self, text, INT) for text in (aim, near, "1"))  # the last: data, not instructions
        self.call("llvm.prefetch.p0", NOTHING, self.pointer(address), *how)

    def gather(self, element: str, address: Number, index: Ssa, mask: Mask = None) -> Ssa:
        """One element per lane: the index-th (a vector of i32 or i64, may be negative) from the address on."""
        type, where = self.vector(element), self._scattered(element, address, index)
        inside, width = mask or self.value(True, self.truths), Ssa(self, str(BYTES[element]), INT)
        name = f"llvm.masked.gather.{suffix(type)}.v{self.lanes}p0"
        return self.call(name, type, where, width, inside, Ssa(self, "zeroinitializer", type))

    def scatter(self, x: Ssa, address: Number, index: Ssa, mask: Mask = None) -> None:
        """Write one element per lane: lane i to the index[i]-th place from the address on."""
        where, width = self._scattered(x.element, address, index), Ssa(self, str(BYTES[x.element]), INT)
        inside = mask or self.value(True, self.truths)
        self.call(f"llvm.masked.scatter.{suffix(x.type)}.v{self.lanes}p0", NOTHING, x, where, width, inside)

    def pack(self, values: Iterable[Ssa], mask: Ssa, address: Number, apart: int) -> Ssa:
        """Write the lanes of the mask close together, zeros behind them, each value so many bytes behind the one
        before; how many lanes there were."""
        for number, x in enumerate(values):
            name, nothing = f"llvm.experimental.vector.compress.{suffix(x.type)}", Ssa(self, "zeroinitializer", x.type)
            self.store(self.call(name, x.type, x, mask, nothing), self.add(address, number * apart))
        bits = self.bits(mask)
        return self.cast("zext", self.call(f"llvm.ctpop.{bits.type}", bits.type, bits), LONG)

    def opaque(self, address: Number) -> Number:
        """The same number, in a register of its own: LLVM does not see through it, so it adds no further ones up."""
        return self.effect(f'call i64 asm "", "=r,0"({address!r})', LONG) if isinstance(address, Ssa) else address

    def _scattered(self, element: str, address: Number, index: Ssa) -> Ssa:
        return self.pure(f"getelementptr {element}, {self.pointer(address)!r}, {index!r}", self.vector("ptr"))

    # ------------------------------------------------------------------------------------------------- control
    def loop(
        self, count: Number, body: Callable[..., Any], carried: Iterable[Number] = (),
        start: Number = 0, step: Number = 1, once: bool = False, unroll: int = 1,
    ) -> Values:  # fmt: skip
        """Run body(i, *carried) -> new carried (or None) for i = start, start + step .. below count; the last carried.

        once: it is known to run at least once, so nothing tests that. Known loops of at most `unroll` rounds are
        written out, with i a plain int.
        """
        held: Values = tuple(carried)
        if isinstance(count, int) and isinstance(start, int) and isinstance(step, int):
            rounds = range(start, count, step)
            if len(rounds) <= unroll:
                for i in rounds:
                    held = tuple(body(i, *held) or ())
                return held
            once = True
        start, count, held = self.value(start), self.value(count), tuple(self._carry(x) for x in held)
        if once:
            return self._rounds(count, body, held, start, step)
        runs = self.compare("lt", start, count)
        return self.branch(
            runs, lambda: self._rounds(self.value(count), body, held, self.value(start), step), lambda: held
        )

    def _carry(self, x: Number) -> Ssa:
        return self.value(x, FLOAT if isinstance(x, float) else LONG)

    def _rounds(self, count: Ssa, body: Callable[..., Any], held: Values, start: Ssa, step: Number) -> Values:
        before, head, behind = self.block, self.fresh("head"), self.fresh("behind")
        self.line(f"br label %{head}")
        self.begin(head)
        place, i = len(self.lines), Ssa(self, f"%{self.fresh('i')}", LONG)
        inside = tuple(Ssa(self, f"%{self.fresh('c')}", x.type) for x in held)
        self._known.append({})
        after = tuple(self._carry(x) for x in body(i, *inside) or ())
        following = i + step
        more = self.compare("lt", following, count)
        self._known.pop()
        self.line(f"br {more!r}, label %{head}, label %{behind}")
        rows = zip((i, *inside), (start, *held), (following, *after), strict=True)
        self.lines[place:place] = [
            f"  {x.name} = phi {x.type} [{a.name}, %{before}], [{b.name}, %{self.block}]" for x, a, b in rows
        ]
        self.begin(behind)
        return after

    def branch(self, condition: Ssa | bool, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Values:
        """Run one of two bodies; what it returned (tuples of the same types, or None)."""
        if isinstance(condition, bool):
            return tuple((then if condition else otherwise)() or ())
        labels, end, found = (self.fresh("then"), self.fresh("else")), self.fresh("end"), []
        self.line(f"br {condition!r}, label %{labels[0]}, label %{labels[1]}")
        for label, body in zip(labels, (then, otherwise), strict=True):
            self.begin(label)
            self._known.append({})
            found.append((tuple(self._carry(x) for x in body() or ()), self.block))
            self._known.pop()
            self.line(f"br label %{end}")
        self.begin(end)
        (left, a), (right, b) = found
        return tuple(
            x if x.name == y.name else self.effect(f"phi {x.type} [{x.name}, %{a}], [{y.name}, %{b}]", x.type)
            for x, y in zip(left, right, strict=True)
        )

    def when(self, condition: Ssa | bool, body: Callable[[], Any], carried: Iterable[Number] = ()) -> Values:
        """Run body only where the condition holds; what it returned, else `carried`."""
        held = tuple(carried)
        return self.branch(condition, body, lambda: held)

    def in_turn(self, bodies: Iterable[Callable[[], Any]]) -> None:
        """Write bodies that do not need each other, an instruction of each in turn: what waits for its own results
        leaves room for the others. Bodies with branches follow one another."""
        start, block, texts = len(self.lines), self.block, []
        for body in bodies:
            before = len(self.lines)
            self._known.append({})
            body()
            self._known.pop()
            texts.append(self.lines[before:])
        if self.block == block:
            self.lines[start:] = [line for turn in zip_longest(*texts) for line in turn if line is not None]

    def sweep(self, count: Number, body: Callable[..., Any], carried: Iterable[Number] = ()) -> Values:
        """Run body(i, mask, *carried) over [0, count) a vector at a time: full ones with mask None, then the rest."""
        full = self.sub(count, count % self.lanes)
        held = self.loop(full, lambda i, *c: body(i, None, *c), carried, step=self.lanes)
        rest = self.sub(count, full)
        return self.when(self.compare("gt", rest, 0), lambda: body(full, self.below(rest), *held), held)


def module(functions: Iterable[Function], *more: str) -> str:
    """The text of a module of these functions and of further text, with what they call declared."""
    made = list(functions)
    declared = sorted(set().union(*(f.declarations for f in made)))
    cpu = made[0].cpu.attributes if made else "nounwind"
    return "\n\n".join([*declared, *(f.text() for f in made), *more, f"attributes #0 = {{ {cpu} }}", ""])
