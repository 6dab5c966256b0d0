"""How a nest becomes code: loops from the outside in, and in each of them the lines that vary with none further inside.

Every value is a full register, or a number known while code is written. In a vectorised loop several registers go side
by side, so a line has a list of values: one for each register, or a single one where all are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, LONG, Mask, Number, Ssa
from engine.compiler.kernels import maths
from engine.compiler.kernels.scope import Scope, Sweep
from engine.compiler.kernels.walking import splice
from engine.compiler.kernels.work import Store

if TYPE_CHECKING:
    from engine.compiler.kernels.nest import Nest

GRAIN = 16
"""The lanes of the widest register: pieces of a vectorised loop are multiples of it on every processor."""
ELEMENTS, SIZES = {"f": FLOAT, "i": LONG, "u": INT, "t": "i8"}, {"f": 4, "i": 8, "u": 4, "t": 1}
"""How an element lies in memory."""
BLOCK, FEW = 256, 64
"""Rounds of a long reduced loop whose result is added to the rest as one; the same of several loops."""
LONG_MAP, AHEAD = 1024, 512
"""Places of a flat map that asks for lines before it writes to them; how many bytes before."""


class Emission:
    """One nest on its way to code."""

    def __init__(self, f: Function, nest: Nest, args: list[Any]) -> None:
        self.f, self.nest, self.body = f, nest, nest.lines
        count = len(nest.sizes)
        self.sizes, self.starts = args[:count], args[count : 2 * count]
        rows = [args[i : i + 1 + count] for i in range(2 * count, len(args), 1 + count)]
        self.addresses, self.strides = [r[0] for r in rows], [r[1:] for r in rows]
        self.reach = [nest.reach(o) for o in nest.operands]
        self.kinds = self.body.operand_kinds
        self.parallel = _last(range(nest.parallel), nest.lanes)
        loops = [i for i in range(nest.parallel, count) if i not in nest.pairs]
        self.reduced, self.pairs = [*_last(loops, nest.lanes), *nest.pairs], nest.pairs
        self.across = nest.lanes >= nest.parallel
        wanted = self.body.needed([s.line for s in nest.stores], behind=True)
        self.outer = [i for i in wanted if not self.body.inner(i)]
        self.side = nest.straight * GRAIN // f.lanes or nest.side

    # --------------------------------------------------------------------------------------------- loops
    def emit(self) -> None:
        """The whole kernel."""
        self._outside(0, Scope(list(self.addresses)))

    def _outside(self, depth: int, scope: Scope) -> None:
        self.fill(scope, self.outer)
        if depth == len(self.parallel):
            return self._at_place(scope)
        loop = self.parallel[depth]
        if loop == self.nest.lanes and self.nest.narrow:
            self._outside(depth + 1, self._row(scope))
        elif loop == self.nest.lanes:
            self.vectors(scope, lambda inside: self._outside(depth + 1, inside))
        else:
            self._places(loop, lambda i: self._outside(depth + 1, self.enter(scope, loop, i)), depth)
        return None

    def _places(self, loop: int, body: Callable[[Any], Any], depth: int) -> None:
        """A parallel loop; short rows go several at a time, so that one does not wait for the sums of another."""
        f, n, kept = self.f, self.sizes[loop], (self.nest.kept or self.nest.narrow) * GRAIN // self.f.lanes
        innermost = kept and depth + 1 + bool(self.nest.narrow) == len(self.parallel)
        several = self.nest.abreast(kept, f.cpu.registers) if innermost else 1
        full = f.sub(n, n % several) if several > 1 else 0
        f.loop(full, lambda i: f.in_turn([partial(body, f.add(i, j)) for j in range(several)]), step=several)
        f.loop(n, body, start=full)

    def enter(self, scope: Scope, loop: int, i: Number) -> Scope:
        """The inside of a loop at its place i."""
        inside = scope.copy()
        inside.place[loop] = self.f.add(i, self.starts[loop])
        for n, reach in enumerate(self.reach):
            if reach[loop] != "0":
                step = self.f.mul(self.strides[n][loop] if reach[loop] == "s" else 1, SIZES[self.kinds[n]])
                inside.at[n] = self.f.add(inside.at[n], self.f.mul(i, step))
        return inside

    def enter_lanes(self, scope: Scope, i: Number, masks: list[Mask]) -> Scope:
        """The inside of the vectorised loop, from place i on, as many registers as there are masks."""
        inside = self.enter(scope, self.nest.lanes, i)
        inside.masks = masks
        return inside

    def vectors(self, scope: Scope, body: Callable[..., Any], sweep: Sweep | None = None, held: Any = ()) -> Any:
        """The vectorised loop: body(scope, *held), several full registers at a time, then what is left."""
        f, n, lanes = self.f, self.sizes[self.nest.lanes], self.f.lanes
        if self.nest.straight:
            return body(self.enter_lanes(scope, 0, [None] * self.side), *held)
        step = self.side * lanes
        full = f.sub(n, n % step)

        def several(i: Number, *c: Any) -> Any:
            inside = self.enter_lanes(scope, i, [None] * self.side)
            if len(self.nest.sizes) == 1 and sweep is None:
                f.when(f.compare("ge", n, LONG_MAP), lambda: self._ask(inside))
            return body(inside, *c)

        held = self.rounds(full, several, sweep if self.nest.long else None, held, step)
        if not isinstance(n, int):
            one = lambda i, *c: body(self.enter_lanes(scope, i, [f.below(f.sub(n, i))]), *c)
            return f.loop(n, one, held, start=full, step=lanes)
        masks = [f.below(n - i) for i in range(full, n, lanes)]
        return body(self.enter_lanes(scope, full, masks), *held) if masks else held

    def _ask(self, scope: Scope) -> None:
        """Ask for the lines that will be written: of one that another core holds, too, a store waits for its answer,
        and so do all stores behind it."""
        for n in dict.fromkeys(store.operand for store in self.nest.stores):
            if self.reach[n] == "1":
                size = self.side * self.f.lanes * SIZES[self.kinds[n]]
                for line in range(0, size, 64):
                    self.f.prefetch(self.f.add(scope.at[n], AHEAD + line), first=True, write=True)

    def rounds(
        self, count: Number, body: Any, sweep: Sweep | None, held: Any, step: int = 1, most: Number = BLOCK
    ) -> Any:
        """A loop; given a sweep, whose sums would become long, in blocks of so many rounds that begin with nothing."""
        f, far = self.f, self.f.mul(most, step)
        if sweep is None or not held:
            return f.loop(count, body, held, step=step)

        def block(i: Number, *before: Any) -> Any:
            found = f.loop(f.least(f.add(i, far), count), body, self.nothing(sweep, len(held)), start=i, step=step)
            return self.merged(sweep, before, found)

        return f.loop(count, block, held, step=far)

    def _most(self, depth: int) -> Number:
        """Rounds of one of the outer reduced loops whose sums are added to the rest as one."""
        f, inside = self.f, splice(self.f, [self.sizes[loop] for loop in self.reduced[depth + 1 :]])
        inside = f.quotient(inside, self.side * f.lanes if self.across else 1)
        return f.greatest(1, f.quotient(FEW, f.greatest(1, inside)))  # type: ignore[no-any-return]

    # --------------------------------------------------------------------------------------------- sweeps
    def _at_place(self, scope: Scope) -> None:
        """Everything that happens at one parallel place: sweeps, then stores of what no reduced loop varies."""
        if self.nest.kept:
            scope = self._row(scope)
        for number in range(max(self.body.sweeps, default=0) + 1):
            sweep = self.sweep(number)
            if sweep.reductions or sweep.stores:
                self._run(scope, sweep)
            self.fill(scope, self.outer)
        for store in self.nest.stores:
            if not self.body.inner(store.line):
                self.store(scope, store)

    def sweep(self, number: int) -> Sweep:
        """What one sweep has to do."""
        wanted = set(self.outer)
        last = number == max(self.body.sweeps, default=0)
        stores = [s for s in self.nest.stores if self.body.inner(s.line)] if last else []
        reductions = [i for i in self.body.reductions(number) if i in wanted]
        return Sweep(self.nest.swept(number), reductions, stores)

    def _row(self, scope: Scope) -> Scope:
        """A whole row side by side, which stays in registers from sweep to sweep where it is reduced."""
        f, n, lanes = self.f, self.sizes[self.nest.lanes], self.f.lanes
        if isinstance(n, int):
            return self.enter_lanes(scope, 0, [f.below(n - i) for i in range(0, n, lanes)])
        most = (self.nest.kept or self.nest.narrow) * GRAIN
        sure = most - (GRAIN if self.nest.sizes[self.nest.lanes] % GRAIN else 0)
        masks = [None if i < sure else f.below(f.sub(n, i)) for i in range(0, most, lanes)]
        return self.enter_lanes(scope, 0, masks)

    def _run(self, scope: Scope, sweep: Sweep) -> None:
        if self.nest.kept:
            found = self._inside(len(self.reduced), scope, sweep, self.nothing(sweep, len(sweep.reductions)))
        else:
            width = self.side if self.across else len(scope.masks)
            found = self._inside(0, scope, sweep, self.nothing(sweep, width * len(sweep.reductions)))
        for line, values in zip(sweep.reductions, _parts(found, len(sweep.reductions)), strict=True):
            if self.across and not self.nest.kept:
                values = [self._whole(line, list(values))]
            truth = self.body.kinds[line] == "t"
            scope.values[line] = [self.f.compare("ne", v, 0) if truth else v for v in values]

    def _inside(self, depth: int, scope: Scope, sweep: Sweep, held: Any) -> Any:
        """The reduced loops from `depth` on; held: for each reduction what was found, register by register."""
        self.fill(scope, sweep.lines)
        if depth == len(self.reduced):
            for store in sweep.stores:
                self.store(scope, store)
            return self.gathered(scope, sweep, held)
        loop, last = self.reduced[depth], depth + 1 == len(self.reduced) - len(self.pairs)
        if loop in self.pairs:
            for i in (0, 1):
                held = self._inside(depth + 1, self.enter(scope, loop, i), sweep, held)
            return held
        if loop == self.nest.lanes:
            return self.vectors(scope, lambda inside, *c: self._inside(depth + 1, inside, sweep, c), sweep, held)

        def body(i: Number, *c: Any) -> Any:
            return self._inside(depth + 1, self.enter(scope, loop, i), sweep, c)

        if depth < 2 and not last and self.nest.deep:
            return self.rounds(self.sizes[loop], body, sweep, held, most=self._most(depth))
        return self.rounds(self.sizes[loop], body, sweep if last and self.nest.long else None, held)

    def gathered(self, scope: Scope, sweep: Sweep, held: Any) -> list[Any]:
        """held, with what the reduced lines have here."""
        found: list[Any] = []
        for line, before in zip(sweep.reductions, _parts(held, len(sweep.reductions)), strict=True):
            new = self._reduced_values(scope, line)
            if self.nest.kept:
                found.append(self._whole(line, new))
            else:
                both = [self.combine(line, a, b) for a, b in zip(before, new, strict=False)]
                found += [*both, *before[len(both) :]]
        return found

    def _reduced_values(self, scope: Scope, line: int) -> list[Any]:
        """What a reduction gets, for each register; lanes that do not count hold what changes nothing."""
        f, (source,) = self.f, self.body.arguments(line)
        kind, values, found = self.body.kinds[source], scope.values[source], []
        type, nothing = self._type(line), self._identity(line)
        for i, mask in enumerate(scope.masks):
            x = f.value(maths.convert(f, values[i % len(values)], kind, "i" if kind == "t" else kind), type)
            found.append(f.select(mask, x, f.value(nothing, type)) if mask is not None and self.across else x)
        return found

    def nothing(self, sweep: Sweep, count: int) -> list[Any]:
        """What reductions begin with, `count` registers in all."""
        each = count // max(1, len(sweep.reductions))
        return [self.f.value(self._identity(line), self._type(line)) for line in sweep.reductions for _ in range(each)]

    def merged(self, sweep: Sweep, left: Any, right: Any) -> list[Any]:
        """Two lists of what was found, as one."""
        each = len(left) // len(sweep.reductions)
        return [
            self.combine(sweep.reductions[i // each], a, b) for i, (a, b) in enumerate(zip(left, right, strict=True))
        ]

    def combine(self, line: int, a: Any, b: Any) -> Any:
        """Two parts of a reduction as one."""
        kind = self.body.kinds[line].replace("t", "i")
        return maths.ALIKE[maths.COMBINE[self.body.body[line][1]]](self.f, kind, a, b)

    def _whole(self, line: int, values: list[Any]) -> Any:
        """All registers and all lanes combined, in every lane."""
        f, combine = self.f, partial(self.combine, line)
        which = {"max": "gt", "min": "lt"}.get(self.body.body[line][1])
        if which is None or self.body.kinds[line] != "f" or f.lanes != 16:
            return self._across(combine, self._tree(combine, values))
        # whether there is a NaN is asked beside the search, which need not look after it then
        lost = self._tree(partial(f.arithmetic, "or"), [f.compare("ne", x, x) for x in values])
        found = self._tree(outer := lambda a, b: f.select(f.compare(which, a, b), a, b), values)
        return f.select(f.anywhere(lost), math.nan, self._across(outer, found))

    def _tree(self, combine: Callable[[Any, Any], Any], values: list[Any]) -> Any:
        while len(values) > 1:
            pairs = [combine(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
            values = pairs + values[len(pairs) * 2 :]
        return values[0]

    def _across(self, combine: Callable[[Any, Any], Any], x: Ssa) -> Ssa:
        """All lanes combined, in every lane."""
        lanes, half = self.f.lanes, self.f.lanes // 2
        while half:
            other = self.f.shuffle(x, x, [(i + half) % lanes for i in range(lanes)])
            x, half = combine(x, other), half // 2
        return x

    def _identity(self, line: int) -> Any:
        return maths.IDENTITY[self.body.body[line][1]][self.body.kinds[line]]

    def _type(self, line: int) -> str:
        return self.f.floats if self.body.kinds[line] == "f" else self.f.ints

    # --------------------------------------------------------------------------------------------- lines
    def fill(self, scope: Scope, lines: list[int]) -> None:
        """Compute those of these lines that can be known here and are not yet."""
        for line in lines:
            ready = self.body.loops[line] <= scope.place.keys() and self.body.body[line][0] != "reduce"
            if ready and line not in scope.values and all(i in scope.values for i in self.body.arguments(line)):
                scope.values[line] = self.compute(scope, line)

    def compute(self, scope: Scope, line: int) -> list[Any]:
        """The values of a line."""
        name, *rest = self.body.body[line]
        if name == "load":
            return self.load(scope, rest[0])
        if name == "const":
            return [maths.convert(self.f, rest[0], "", self.body.kinds[line])]
        if name == "iota":
            return self._iota(scope, rest[0])
        arguments = self.body.arguments(line)
        kinds, given = [self.body.kinds[i] for i in arguments], [scope.values[i] for i in arguments]
        if name == "div" and given[0] == [1.0] and self.body.body[arguments[1]][0] == "sqrt":
            below = self.body.arguments(arguments[1])[0]
            if self.body.kinds[below] == "f" and all(isinstance(x, Ssa) for x in scope.values[below]):
                return [maths.inverse_root(self.f, x) for x in scope.values[below]]
        if name == "cast":
            return [maths.convert(self.f, x, kinds[0], self.body.kinds[line]) for x in given[0]]
        rows = [[values[i % len(values)] for values in given] for i in range(max(map(len, given)))]
        return self._together(name, kinds, rows)

    def _together(self, name: str, kinds: list[str], rows: list[list[Any]]) -> list[Any]:
        """A function for each row of operands, instructions in turn: none waits for the result of the one before."""
        f, start, found, texts = self.f, len(self.f.lines), [], []
        for row in rows:
            before = len(f.lines)
            found.append(self._scalar(name, kinds, row))
            texts.append(f.lines[before:])
        if len({len(text) for text in texts}) == 1:  # else some use what others made first
            f.lines[start:] = [line for turn in zip(*texts, strict=True) for line in turn]
        return found

    def _scalar(self, name: str, kinds: list[str], values: list[Any]) -> Any:
        if not any(isinstance(v, Ssa) for v in values):
            type = {"f": self.f.floats, "t": self.f.truths}.get(kinds[0], self.f.ints)
            values = [self.f.value(values[0], type), *values[1:]]
        return maths.scalar(self.f, name, kinds, values)

    def _iota(self, scope: Scope, loop: int) -> list[Any]:
        f, place = self.f, scope.place[loop]
        if isinstance(place, Ssa):
            place = f.splat(f.cast("trunc", place, INT))
        if loop != self.nest.lanes:
            return [place]
        return [f.add(f.add(f.places(), place), i * f.lanes) for i in range(len(scope.masks))]

    # --------------------------------------------------------------------------------------------- memory
    def load(self, scope: Scope, operand: int) -> list[Any]:
        """What an operand holds here."""
        f, kind, at, reach = self.f, self.kinds[operand], scope.at[operand], self.reach[operand][self.nest.lanes]
        if reach == "0":
            return [f.splat(self._narrow(f.load(ELEMENTS[kind], at), kind))]
        found = []
        for i, mask in enumerate(scope.masks):
            if reach == "1":
                where = f.add(at, i * f.lanes * SIZES[kind])
                found.append(self._narrow(f.load(f.vector(ELEMENTS[kind]), where, mask), kind))
            else:  # of a whole number the lower half is gathered: the processor's numbers begin with it
                index = self._index(operand, 2 if kind == "i" else 1)
                lanes = f.gather(INT if kind == "i" else ELEMENTS[kind], self._moved(at, operand, i), index, mask)
                found.append(f.compare("ne", lanes, 0) if kind == "t" else lanes)
        return found

    def store(self, scope: Scope, store: Store) -> None:
        """Write a line to its operand."""
        f, operand, kind = self.f, store.operand, self.kinds[store.operand]
        at, reach = scope.at[operand], self.reach[operand][self.nest.lanes]
        values = [self._written(x, self.body.kinds[store.line], kind) for x in scope.values[store.line]]
        if reach == "0" or (self.across and not self.body.inner(store.line)):
            return f.store(f.lane(values[0], 0), at)
        for i, mask in enumerate(scope.masks):
            x = values[i % len(values)]
            if reach == "1":
                f.store(x, f.add(at, i * f.lanes * SIZES[kind]), mask)
            else:
                f.scatter(x, self._moved(at, operand, i), self._index(operand), mask)
        return None

    def _moved(self, at: Number, operand: int, register: int) -> Number:
        step = self.f.mul(self.strides[operand][self.nest.lanes], SIZES[self.kinds[operand]] * self.f.lanes)
        return self.f.add(at, self.f.mul(step, register))  # type: ignore[no-any-return]

    def _index(self, operand: int, factor: int = 1) -> Ssa:
        """How far each lane of a strided operand is from the first."""
        f, stride = self.f, self.f.mul(self.strides[operand][self.nest.lanes], factor)
        found: Ssa = f.places() * (f.splat(f.cast("trunc", stride, INT)) if isinstance(stride, Ssa) else stride)
        return found

    def _narrow(self, x: Ssa, kind: str) -> Ssa:
        """What was loaded, as lanes hold it."""
        if kind == "t":
            return self.f.compare("ne", x, 0)  # type: ignore[no-any-return]
        return self.f.cast("trunc", x, INT) if kind == "i" else x

    def _written(self, x: Any, kind: str, to: str) -> Ssa:
        """A line of one kind as it is stored in memory of another."""
        type = {"f": self.f.floats, "t": self.f.truths}.get(to, self.f.ints)
        found = self.f.value(maths.convert(self.f, x, kind, to), type)
        if to in "it":
            return self.f.cast("zext" if kind in "ut" else "sext", found, ELEMENTS[to])
        return found


def _last(loops: Iterable[int], lanes: int) -> list[int]:
    """The loops in order, the vectorised one innermost."""
    return sorted(loops, key=lambda loop: loop == lanes)


def _parts(values: Any, count: int) -> list[Any]:
    """A list cut into `count` equal parts."""
    each = len(values) // max(1, count)
    return [list(values[i * each : (i + 1) * each]) for i in range(count)]
