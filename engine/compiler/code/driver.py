"""The native driver: what each thread does, written in LLVM once: walk a table of rows, K steps a call.

A thread is told what to do by a state, an array of int64 (`WORDS`). A row is two numbers: the address of a function and
the address of its arguments. Barriers and the guard are rows, too. A step of a thread: take in the addresses of this
step's inputs; the first thread writes this step's scalars; walk the rows before the guard, then, unless the guard has
found a number that is not finite, the others; the first thread keeps the scalar outputs; wait for each other.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any

from engine.compiler.code.emit import Function, module
from engine.compiler.code.library import Library
from engine.compiler.code.ssa import FLOAT, INT, LONG, NOTHING, TRUTH, Number, Ssa
from engine.compiler.machine.cpu import Cpu

CALL = (
    "steps", "stopped",  # how many steps; 1 + the number of the step that the guard stopped
    "deadline", "every",  # nanoseconds; look at the clock each so many steps
    "inputs", "input stride", "input rows", "input row",  # addresses of inputs: a row for each step; where to begin
    "scalars", "scalar stride", "scalar rows", "scalar row",  # numbers for each step, likewise
    "results",  # where scalar outputs are kept, a row for each step
)  # fmt: skip
"""What is set at every call, in this order."""
WORDS = (
    *CALL,
    "rows", "guard", "count",  # the rows: their address, how many up to the guard, and in all
    "patches", "patch count",  # triples: where an argument lies that is an address in an input, the slot, bytes to add
    "targets", "target count", "sources", "source count",  # where scalars go, and where scalar outputs lie
    "leader", "threads", "counter", "arrived", "pause",  # the barrier: address of the shared count, what it was last
    "clock", "clock name", "halt",  # address of the shared number of the step to stop after
    "done",  # what came out: steps done, the stopped one included
)  # fmt: skip
PLACE = {word: i for i, word in enumerate(WORDS)}
LENGTH = -(-len(WORDS) // 8) * 8
"""Numbers of a state: whole lines of the cache, so that no two threads write to one."""
packed = struct.Struct(f"{len(CALL)}q").pack
"""The words of CALL as bytes."""
LINE_BYTES = 64
"""Of the cache: what several threads write to lies in lines of its own."""
SPINS = 1000
"""How often a thread looks without offering its core to others."""
PATIENCE = 2000
"""How often a worker looks for the next call before it parks: about 0.1 ms."""
BUSY = 24
"""In a worker's mailbox, bytes from its beginning: whether it is at work, which ends a little later than the work."""
PARKED = 1
"""In a worker's mailbox: it waits for Python. 0: it looks; else: the address of a state."""
LETTER = ("state", "run", "parked", "others")
"""What `begin` gets: the first thread's state, the address of `run`; whether a worker has to be woken first; how many
other threads there are. A line for each follows: its worker's mailbox, its state, what was in the mailbox."""
LINE = 3
FLUSH = {False: 0x8040, True: 1 << 24}
"""Numbers too small for float32's full precision count as 0 (they cost 100 cycles each): the bits of x86, of ARM."""


class State:
    """What one thread is told: int64 numbers by name, in memory at `address`, which the driver's functions take; call:
    the bytes of CALL (see `packed`)."""

    def __init__(self, numbers: memoryview, address: int) -> None:
        self.address, self.numbers, self.call = address, numbers, numbers.cast("B")[: 8 * len(CALL)]

    def tell(self, word: str, *numbers: int) -> None:
        """Set this word and those behind it."""
        place = PLACE[word]
        self.numbers[place : place + len(numbers)] = array("q", numbers)

    def __setitem__(self, word: str, number: int) -> None:
        self.numbers[PLACE[word]] = number

    def __getitem__(self, word: str) -> int:
        return self.numbers[PLACE[word]]


class Driver:
    """The driver's functions for a library's processor: `run(address of a state)`; `barrier` and `guard` are rows."""

    def __init__(self, library: Library) -> None:
        self.address = {
            name: library.need_text(f"driver {name}", functools.partial(_text, library, name)) for name in TEXTS
        }
        native = ctypes.CFUNCTYPE(None, ctypes.c_int64)
        self.run, self.serve, self.begin = (native(self.address[name]) for name in ("run", "serve", "begin"))
        self.pause, self.clock, self.clock_name = _system()

    @staticmethod
    def there(library: Library) -> bool:
        """Whether its functions are compiled; the background does what is missing."""
        found = [library.find_text(f"driver {name}", functools.partial(_text, library, name)) for name in TEXTS]
        return None not in found


def _text(library: Library, name: str, at: str) -> str:
    f = Function(at, library.processor)
    TEXTS[name](f)
    return module([f])


def _system() -> tuple[int, int, int]:
    """Addresses of the functions that offer the core to others and that read the clock (0: none); the clock's name."""
    if sys.platform == "win32":
        return _address(ctypes.windll.kernel32.SwitchToThread), 0, 0
    process = ctypes.CDLL(None)
    clock = getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC)  # as time.monotonic_ns() on macOS and Linux
    return _address(process.sched_yield), _address(process.clock_gettime), int(clock)


def _address(function: Any) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


# ------------------------------------------------------------------------------------------------------- the functions
def _word(f: Function, state: Number, word: str) -> Ssa:
    return f.load(LONG, f.add(state, 8 * PLACE[word]))


def _keep(f: Function, state: Number, word: str, x: Number) -> None:
    f.store(f.value(x), f.add(state, 8 * PLACE[word]))


def _arm(cpu: Cpu) -> bool:
    return cpu.lanes == 4


def write_run(f: Function) -> None:
    """run(state): all steps of one thread."""
    state, before = f.parameters[0], _flush(f)
    time_of_day = f.effect("alloca [2 x i64], align 8", "ptr")
    _rounds(f, lambda step, *places: _step(f, state, step, places, time_of_day))
    _meet(f, state)  # nobody touches its state any more when the first thread returns
    _restore(f, before)


def _rounds(f: Function, body: Callable[..., Any]) -> None:
    """body(step, input row, scalar row) -> (further rows, whether to go on), over and over."""
    state = f.parameters[0]
    first = [f.value(0), _word(f, state, "input row"), _word(f, state, "scalar row")]
    head, behind, start = f.fresh("step"), f.fresh("end"), f.block
    f.line(f"br label %{head}")
    f.begin(head)
    place, now = len(f.lines), [Ssa(f, f"%{f.fresh('s')}", LONG) for _ in range(3)]
    inputs, scalars, more = body(*now)
    following = [now[0] + 1, inputs, scalars]
    _keep(f, state, "done", following[0])
    f.line(f"br {more!r}, label %{head}, label %{behind}")
    f.lines[place:place] = [
        f"  {x.name} = phi i64 [{a.name}, %{start}], [{b.name}, %{f.block}]"
        for x, a, b in zip(now, first, following, strict=True)
    ]
    f.begin(behind)


def _step(f: Function, state: Ssa, step: Ssa, places: tuple[Ssa, ...], time_of_day: Ssa) -> tuple[Ssa, Ssa, Ssa]:
    leads = f.compare("ne", _word(f, state, "leader"), 0)
    inputs, scalars = (_row(f, state, place, what) for place, what in zip(places, ("input", "scalar"), strict=True))
    _patch(f, state, inputs)
    f.when(leads, lambda: _scalars(f, state, scalars))
    guard, count = _word(f, state, "guard"), _word(f, state, "count")
    _walk(f, state, 0, guard)
    f.when(f.compare("eq", _word(f, state, "stopped"), 0), lambda: _walk(f, state, guard, count))
    after = step + 1
    stopped = f.compare("ne", _word(f, state, "stopped"), 0)
    f.when(stopped, lambda: _keep(f, state, "stopped", after))
    f.when(leads, lambda: _keep_results(f, state, step))
    f.when(leads, lambda: _look(f, state, after, time_of_day))
    _meet(f, state)
    halt = f.load(LONG, _word(f, state, "halt"))
    late = f.compare("ne", halt, 0) & f.compare("le", halt, after)
    ended = stopped | late | f.compare("ge", after, _word(f, state, "steps"))
    more = f.compare("eq", ended, f.value(False, TRUTH))
    wrapped = [
        f.select(f.compare("lt", place + 1, _word(f, state, f"{what} rows")), place + 1, f.value(0))
        for place, what in zip(places, ("input", "scalar"), strict=True)
    ]
    return wrapped[0], wrapped[1], more


def _row(f: Function, state: Ssa, place: Ssa, what: str) -> Ssa:
    found: Ssa = _word(f, state, f"{what}s") + place * _word(f, state, f"{what} stride")
    return found


def _patch(f: Function, state: Ssa, inputs: Ssa) -> None:
    table = _word(f, state, "patches")

    def one(i: Ssa) -> None:
        where, slot, more = (f.load(LONG, table + i * 24 + 8 * j) for j in range(3))
        f.store(f.load(LONG, inputs + slot * 8) + more, where)

    f.loop(_word(f, state, "patch count"), one)


def _scalars(f: Function, state: Ssa, numbers: Ssa) -> None:
    targets = _word(f, state, "targets")
    f.loop(
        _word(f, state, "target count"),
        lambda i: f.store(f.load(INT, numbers + i * 4), f.load(LONG, targets + i * 8)),
    )


def _keep_results(f: Function, state: Ssa, step: Ssa) -> None:
    sources, count = _word(f, state, "sources"), _word(f, state, "source count")
    row = _word(f, state, "results") + step * count * 4
    f.loop(count, lambda i: f.store(f.load(INT, f.load(LONG, sources + i * 8)), row + i * 4))


def _walk(f: Function, state: Ssa, start: Number, end: Ssa) -> None:
    rows = _word(f, state, "rows")

    def one(i: Ssa) -> None:
        row = rows + i * 16
        f.line(f"call void {f.pointer(f.load(LONG, row)).name}({f.load(LONG, row + 8)!r})")

    f.loop(end, one, start=start)


def _look(f: Function, state: Ssa, after: Ssa, time_of_day: Ssa) -> None:
    """Every so many steps the first thread looks at the clock; past the deadline it says after which step all stop."""
    every = _word(f, state, "every")
    due = f.compare("eq", f.effect(f"urem {after!r}, {every.name}", LONG), 0)

    def look() -> None:
        clock, name = f.pointer(_word(f, state, "clock")), f.cast("trunc", _word(f, state, "clock name"), INT)
        f.effect(f"call i32 {clock.name}({name!r}, {time_of_day!r})", INT)
        base = f.effect(f"ptrtoint {time_of_day!r} to i64", LONG)
        now = f.load(LONG, base) * 1_000_000_000 + f.load(LONG, base + 8)
        late = f.compare("gt", now, _word(f, state, "deadline"))
        f.when(late, lambda: f.store(after, _word(f, state, "halt")))

    f.when(f.compare("ne", _word(f, state, "deadline"), 0), lambda: f.when(due, look) and None)


def _meet(f: Function, state: Ssa) -> None:
    """Wait until all threads have come here: look, look again, then offer the core to others."""
    f.when(f.compare("gt", _word(f, state, "threads"), 1), lambda: _wait(f, state))


def _wait(f: Function, state: Ssa) -> None:
    counter = f.pointer(_word(f, state, "counter"))
    goal = _word(f, state, "arrived") + _word(f, state, "threads")
    _keep(f, state, "arrived", goal)
    f.effect(f"atomicrmw add {counter!r}, i64 1 acq_rel", LONG)
    _look_until(f, counter, lambda seen: f.compare("ge", seen, goal), _word(f, state, "pause"))


def _look_until(f: Function, where: Ssa, met: Callable[[Ssa], Ssa], pause: Ssa, patience: int | None = None) -> Ssa:
    """Look at a number in memory until it is as wished; the number. After SPINS looks, offer the core to others between
    two looks; after `patience` looks give up."""
    head, again, yields, behind, start = *(f.fresh(s) for s in ("look", "again", "yield", "met")), f.block
    looks = Ssa(f, f"%{f.fresh()}", LONG)
    f.line(f"br label %{head}")
    f.begin(head)
    place = len(f.lines)
    seen = f.effect(f"load atomic i64, {where!r} acquire, align 8", LONG)
    enough = met(seen) if patience is None else met(seen) | f.compare("ge", looks, patience)
    f.line(f"br {enough!r}, label %{behind}, label %{again}")
    f.begin(again)
    f.call(*(("llvm.aarch64.hint", NOTHING, f.value(0x1, INT)) if _arm(f.cpu) else ("llvm.x86.sse2.pause", NOTHING)))
    more = looks + 1
    f.line(f"br {f.compare('ge', more, SPINS)!r}, label %{yields}, label %{head}")
    f.begin(yields)
    f.effect(f"call i32 {f.pointer(pause).name}()", INT)
    f.line(f"br label %{head}")
    f.lines.insert(place, f"  {looks.name} = phi i64 [0, %{start}], [{more.name}, %{again}], [{more.name}, %{yields}]")
    f.begin(behind)
    return seen


def write_begin(f: Function) -> None:
    """begin(letter, see LETTER): all threads walk, unless a worker is parked: then the first one has not begun."""
    letter, state = f.parameters[0], f.argument(0)
    f.store(f.value(0), _word(f, state, "halt"))

    def give(i: Ssa, parked: Ssa) -> tuple[Ssa]:
        line = letter + i * (8 * LINE) + 8 * len(LETTER)
        mailbox, other = f.load(LONG, line), f.load(LONG, line + 8)
        f.loop(f.value(len(CALL)), lambda j: f.store(f.load(LONG, state + j * 8), other + j * 8))
        _look_until(f, f.pointer(mailbox + BUSY), lambda busy: f.compare("eq", busy, 0), _word(f, state, "pause"))
        found = f.effect(f"atomicrmw xchg {f.pointer(mailbox)!r}, {other!r} acq_rel", LONG)
        f.store(found, line + 16)
        return (parked | found,)

    (parked,) = f.loop(f.argument(3), give, (f.value(0),))
    f.store(parked, letter + 8 * LETTER.index("parked"))
    run = f.pointer(f.argument(1))
    f.when(f.compare("eq", parked, 0), lambda: f.line(f"call void {run.name}({state!r})"))


def write_serve(f: Function) -> None:
    """serve([mailbox, run, pause, busy]): run what comes; when nothing comes for a while, the mailbox says PARKED."""
    mailbox, run = f.pointer(f.parameters[0]), f.pointer(f.argument(1))
    pause = f.argument(2)
    head, job, idle, behind = (f.fresh(s) for s in ("wait", "job", "idle", "parked"))
    f.line(f"br label %{head}")
    f.begin(head)
    seen = _look_until(f, mailbox, lambda x: f.compare("gt", x, PARKED), pause, PATIENCE)
    f.line(f"br {f.compare('gt', seen, PARKED)!r}, label %{job}, label %{idle}")
    f.begin(job)
    busy = f.pointer(f.parameters[0] + BUSY)
    f.store(f.value(1), f.parameters[0] + BUSY)
    f.line(f"store atomic i64 0, {mailbox!r} release, align 8")
    f.line(f"call void {run.name}({seen!r})")
    f.line(f"store atomic i64 0, {busy!r} release, align 8")
    f.line(f"br label %{head}")
    f.begin(idle)
    pair = f.effect(f"cmpxchg {mailbox!r}, i64 0, i64 {PARKED} acq_rel acquire", "{ i64, i1 }")
    done = f.effect(f"extractvalue {pair!r}, 1", TRUTH)
    f.line(f"br {done!r}, label %{behind}, label %{head}")
    f.begin(behind)


def _flush(f: Function) -> Ssa:
    """Set the processor to take tiny numbers for 0; how it was set before."""
    if _arm(f.cpu):
        before = f.call("llvm.aarch64.get.fpcr", LONG)
        f.call("llvm.aarch64.set.fpcr", NOTHING, before | FLUSH[True])
        return before
    place, other = (f.effect("alloca i32, align 4", "ptr") for _ in range(2))
    f.call("llvm.x86.sse.stmxcsr", NOTHING, place)
    before = f.effect(f"load i32, {place!r}, align 4", INT)
    f.line(f"store {before | FLUSH[False]!r}, {other!r}, align 4")
    f.call("llvm.x86.sse.ldmxcsr", NOTHING, other)
    return place


def _restore(f: Function, before: Ssa) -> None:
    f.call("llvm.aarch64.set.fpcr" if _arm(f.cpu) else "llvm.x86.sse.ldmxcsr", NOTHING, before)


def write_barrier(f: Function) -> None:
    """barrier([state]): a row in which all threads wait for each other."""
    _meet(f, f.argument(0))


def write_guard(f: Function) -> None:
    """guard([state, stretches, (address, floats) ...]): marks the state where a float is infinite or no number."""
    state, table = f.argument(0), f.parameters[0] + 16
    exponent = 0x7F800000

    def look(x: Ssa) -> Ssa:  # all bits of the exponent set: 1, else 0
        return f.cast("zext", f.compare("eq", f.cast("bitcast", x, INT) & exponent, f.value(exponent, INT)), INT)

    def stretch(i: Ssa, bad: Ssa) -> tuple[Any, ...]:
        address, count = f.load(LONG, table + i * 16), f.load(LONG, table + i * 16 + 8)
        return f.loop(count, lambda j, found: (found | look(f.load(FLOAT, address + j * 4)),), (bad,))

    (bad,) = f.loop(f.argument(1), stretch, (f.value(0, INT),))
    f.when(f.compare("ne", bad, f.value(0, INT)), lambda: _keep(f, state, "stopped", 1))


def write_together(f: Function) -> None:
    """together([turn, threads, (counter, rows, count) ...]): a row of which every thread takes pieces as long as there
    are some: first its own, which it is told first, then those that others have not begun.

    A counter says how many pieces of a thread are taken, and lies twice in memory: while steps with one turn use the
    first, each thread empties its own second one for the next step, which begins when all are done with this one.
    """
    here, turn = f.parameters[0], f.argument(0)
    following = f.value(LINE_BYTES) - turn
    f.store(following, here)
    f.store(f.value(0), f.argument(2) + following)

    def whose(i: Ssa) -> None:
        entry = here + i * 24
        counter, rows, count = (f.load(LONG, entry + 16 + 8 * j) for j in range(3))
        head, take, behind = (f.fresh(s) for s in ("next", "take", "taken"))
        f.line(f"br label %{head}")
        f.begin(head)
        piece = f.effect(f"atomicrmw add {f.pointer(counter + turn)!r}, i64 1 acq_rel", LONG)
        f.line(f"br {f.compare('lt', piece, count)!r}, label %{take}, label %{behind}")
        f.begin(take)
        row = rows + piece * 16
        f.line(f"call void {f.pointer(f.load(LONG, row)).name}({f.load(LONG, row + 8)!r})")
        f.line(f"br label %{head}")
        f.begin(behind)

    f.loop(f.argument(1), whose)


TEXTS: dict[str, Callable[[Function], None]] = {
    "run": write_run, "barrier": write_barrier, "guard": write_guard, "begin": write_begin, "serve": write_serve,
    "together": write_together,
}  # fmt: skip
