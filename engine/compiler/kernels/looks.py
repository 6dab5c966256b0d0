"""Every kind of work in one form: its loops, how each operand moves along them, and parts of it along any loop."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.product import Product
from engine.compiler.kernels.rows import Rows
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import Operand, Shape

GRAIN = 16
"""Places of a loop that is computed in lanes stay together: a cache line of them."""


@dataclass(frozen=True)
class Look:
    """An operand with a stride along every loop. summed: what is stored is a plain sum over the loops behind."""

    operand: Operand
    strides: Shape
    writes: bool
    summed: bool = False


@dataclass(frozen=True)
class Loops:
    """Sizes of all loops; the first `results` run over independent results, the others are summed or reduced."""

    sizes: Shape
    results: int
    lanes: tuple[int, ...]
    """Those that are computed in lanes."""
    looks: tuple[Look, ...]
    uncut: tuple[int, ...] = ()
    """Those that are never taken apart."""


def loops(work: Any) -> Loops | None:
    """The loops of a piece of work; None for a kind that is never taken apart along a batch."""
    found = work.__dict__.get("_loops", work)
    if found is work:  # looked at for the first time
        found = work.__dict__["_loops"] = _loops(work)
    return found  # type: ignore[no-any-return]


@singledispatch
def _loops(work: Any) -> Loops | None:
    return None


@_loops.register
def _(work: Product) -> Loops:
    outer, products = len(work.outer), len(work.k)
    still = (0,) * products
    a, b = work.a.strides, work.b.strides
    looks = [
        Look(work.a, (*a[: outer + 1], 0, *a[outer + 1 :]), False),
        Look(work.b, (*b[:outer], 0, *b[outer:]), False),
    ]
    stores = {s.operand: s.line for s in work.stores}
    looks += [
        Look(o, (*o.strides, *still), i in stores, i in stores and work.body[stores[i]][0][:6] == "sum of")
        for i, o in enumerate(work.operands)
    ]  # fmt: skip
    return Loops((*work.sizes, *work.k), outer + 2, (outer + 1,), tuple(looks), work.uncut)


@_loops.register
def _(work: Nest) -> Loops:
    stores = {s.operand: s.line for s in work.stores}
    looks = (
        Look(o, o.strides, i in stores, i in stores and _sum(work, stores[i])) for i, o in enumerate(work.operands)
    )
    return Loops(work.sizes, work.parallel, (work.lanes,), tuple(looks))


def _sum(work: Nest, line: int) -> bool:
    return tuple(work.body[line][:2]) == ("reduce", "sum")


@_loops.register
def _(work: Transposition) -> Loops:
    count = len(work.sizes)
    looks = (Look(work.source, work.source.strides, False), Look(work.target, work.target.strides, True))
    return Loops(work.sizes, count, (count - 2, count - 1), looks)


@_loops.register
def _(work: Rows) -> Loops | None:
    if work.scatter:
        return None
    still = (0,) * len(work.outer)
    looks = (
        Look(work.table, (*still, 0), False),
        Look(work.index, (*work.index.strides, 0), False),
        Look(work.rows, work.rows.strides, True),
    )
    return Loops((*work.outer, work.width), len(work.outer), (), looks)


def count(seen: Loops, look: Look) -> int:
    """About how many elements an operand has: windows share theirs."""
    low, high = look.operand.span_of(seen.sizes, look.strides)
    return min(high - low, math.prod(n for n, s in zip(seen.sizes, look.strides, strict=True) if s))


# ------------------------------------------------------------------------------------------------------- parts
Held = Mapping[int, int]
"""For some buffers (by id): where along the loop they are looked at instead."""


@dataclass(frozen=True)
class Cut:
    """[start, start + size) of a loop; held: buffers that are looked at from another place of it on."""

    loop: int
    start: int
    size: int
    held: Held

    def of(self, operand: Operand, loop: int) -> Operand:
        """An operand, moved along the loop, which is number `loop` among its strides."""
        by = self.held.get(id(operand.buffer), self.start)
        return operand.moved(loop, by) if by else operand

    def sizes(self, sizes: Shape) -> Shape:
        """The sizes of the loops."""
        return tuple(self.size if i == self.loop else n for i, n in enumerate(sizes))


@singledispatch
def part(work: Any, cut: Cut) -> Any:
    """The part of a piece of work within a cut of one of its loops, a summed one as well."""
    raise NotImplementedError


@part.register
def _(work: Product, cut: Cut) -> Any:
    outer, loop = len(work.outer), cut.loop
    a, b, operands = work.a, work.b, work.operands
    if loop < outer + 2:
        a = a if loop == outer + 1 else cut.of(a, loop)
        b = b if loop == outer else cut.of(b, min(loop, outer))
        operands = tuple(cut.of(o, loop) for o in operands)
    else:
        a, b = cut.of(a, loop - 1), cut.of(b, loop - 1)
    *sizes, m, n = cut.sizes(work.sizes)
    k = tuple(cut.size if i + outer + 2 == loop else size for i, size in enumerate(work.k))
    return dataclasses.replace(work, outer=tuple(sizes), m=m, n=n, k=k, a=a, b=b, operands=operands)


@part.register
def _(work: Nest, cut: Cut) -> Nest:
    before = work.starts or (0,) * len(work.sizes)
    starts = tuple(n + cut.start if i == cut.loop else n for i, n in enumerate(before))
    operands = tuple(cut.of(o, cut.loop) for o in work.operands)
    found = dataclasses.replace(work, sizes=cut.sizes(work.sizes), starts=starts, operands=operands)
    found.__dict__.update(text=work.text, lines=work.lines, cycles=work.cycles)  # the same for every part
    return found


@part.register
def _(work: Transposition, cut: Cut) -> Transposition:
    source, target = cut.of(work.source, cut.loop), cut.of(work.target, cut.loop)
    return dataclasses.replace(work, sizes=cut.sizes(work.sizes), source=source, target=target)


@part.register
def _(work: Rows, cut: Cut) -> Rows:
    index, rows = cut.of(work.index, cut.loop), cut.of(work.rows, cut.loop)
    return dataclasses.replace(work, outer=cut.sizes(work.outer), index=index, rows=rows)


# ------------------------------------------------------------------------------------------------------- sums
def summed(work: Product | Nest, elsewhere: Mapping[int, Any], adds: bool) -> Any:
    """The same work with its plain sums stored in other buffers (by id of the first), or added to what is there."""
    found = loops(work)
    offset = 2 if isinstance(work, Product) else 0
    looks = dict(enumerate(found.looks[offset:] if found else ()))
    targets = {i for i, look in looks.items() if look.summed}
    operands = tuple(
        Operand(elsewhere.get(id(o.buffer), o.buffer), o.offset, o.strides) if i in targets else o
        for i, o in enumerate(work.operands)
    )
    if not adds:
        return dataclasses.replace(work, operands=operands)
    body, stores = list(work.body), []
    for store in work.stores:
        if store.operand in targets:
            body += [("load", store.operand), ("add", store.line, len(body))]
            store = dataclasses.replace(store, line=len(body) - 1)
        stores.append(store)
    return dataclasses.replace(work, operands=operands, body=tuple(body), stores=tuple(stores))


def targets(work: Any) -> Iterator[Operand]:
    """Where the plain sums of a piece of work are stored."""
    found = loops(work)
    return (look.operand for look in (found.looks if found else ()) if look.summed)
