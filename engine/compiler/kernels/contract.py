"""Sums of products, vectorised over results: matrix products, and convolutions as matrix products with other strides.

Here is what the sizes decide: the form of tiles, the order of loops, whether something is copied first. How tiles are
written: `tiled`; products with copies: `panels`, `packed`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.graph.sizes import is_open
from engine.compiler.kernels.ahead import MOST
from engine.compiler.kernels.packed import Packed
from engine.compiler.kernels.panels import Panels, blocks, cut
from engine.compiler.kernels.product import SIZE, Given, Product, Walk, cuts, same
from engine.compiler.kernels.tiled import Block, Tiles
from engine.compiler.kernels.tiles import WIDTH, Form, fitting
from engine.compiler.kernels.walking import over
from engine.compiler.kernels.work import Operand

CACHE, SHARED = 600_000, 280_000
"""Bytes of b that stay in the second cache while rows pass, and while MANY of them do: then copies cost nothing."""
MANY = 256
NEAR, AREA = 400_000, 300_000
"""Bytes of a and b that a block of a sum reads again and again, and of the sums that wait between blocks."""
FEW = 48
"""Rows of a whose places of the sum lie side by side that are worth copying, too."""
SHORT = 8
"""Rounds of the innermost summed loop, inside of another, below which all of them are written out."""
ANY = Form(1, 8, 1, 8, True)
"""Tiles for any number of rows, columns and products, all by the same machine code."""
LONG_SUM = 32
"""Products of a sum during which the epilogue's rows are asked for."""


@dataclass(frozen=True)
class Contraction(Product):
    """c[outer, m, n] = epilogue(sum over k of a[outer, m, k] * b[outer, n, k]), vectors along n, where b has stride 1.

    The data: see `Product`. The sum of each result is in the order of k's loops, whatever its place and the split.
    """

    form: Form | None = None
    """The shape of tiles; None: the one that fits the sizes best, decided once: pieces share machine code."""
    reading: str | None = None
    """How `Panels` reads a; "": they do not compute it; None: decided by the sizes, once, too."""

    slide: int | None = None
    """How many places of a summed loop are written out along which a takes the same steps as along joined places, so
    that each number of a that is loaded serves several; 0: none; None: decided by the sizes, once, too."""

    def __post_init__(self) -> None:
        if is_open(self.m, self.n, *self.outer, *self.k):
            return
        if self.reading is None:
            object.__setattr__(self, "reading", self._reading())
        form = self.form
        if form is None or not form.fits(self.n) or (form.places > 1 and form.loop not in self.still):
            # the nearest places share most of a
            near = sorted(self.still, key=lambda i: abs(self.a.strides[i])) if self.outer else ()
            object.__setattr__(self, "form", fitting(self.outer, self.m, self.n, tuple(near)))
        if self.slide is None or (self.slide and (self._slid < 1 or self.k[self._slid] % self.slide)):
            object.__setattr__(self, "slide", self._slides())

    def _slides(self) -> int:
        form = self.form
        if form is None or form.rest != 1 or form.places < 3 or self.packed or self._slid < 1:
            return 0
        found = next((u for u in (5, 4, 6, 7, 3, 2) if self.k[self._slid] % u == 0), 0)
        if found:  # every number waits for its next place, too
            object.__setattr__(self, "form", replace(form, low=min(form.low, 12 // form.places)))
        return found

    @property
    def _slid(self) -> int:
        """The summed loop along which a takes the same steps as along the joined places; -1: none."""
        if self.form is None or self.form.places < 2:
            return -1
        first, step = len(self.outer) + 1, self.a.strides[self.form.loop]
        return max((i for i in range(len(self.k)) if self.a.strides[first + i] == step), default=-1)

    def _sorted(self) -> Contraction:
        """The same with the loop along which windows slide as the innermost summed one."""
        if not self.slide:
            return self
        i, first = self._slid, len(self.outer) + 1

        def last(line: tuple[int, ...], at: int) -> tuple[int, ...]:
            return (*line[:at], *line[at + 1 :], line[at])

        a, b = (o._replace(strides=last(o.strides, first + i)) for o in (self.a, self.b))
        return replace(self, k=last(self.k, i), a=a, b=b)

    def _reading(self) -> str:
        """How `Panels` reads a, where enough rows meet enough columns for that; "" where plain tiles do as well."""
        if len(self.k) != 1 or self.still or 1 not in self.a.strides[-2:] or self.sums < 24:
            return ""
        if SIZE * self.sums * (self.m + self.n) < NEAR:  # both stay in the cache: copies would not pay
            return ""
        if self.a.strides[-2] == 1:
            return "turned" if (self.m >= 48 and self.n >= 32) or (self.m >= 24 and self.n >= 256) else ""
        few = FEW if self.sums * self.n * SIZE > SHARED else 2 * FEW  # columns so large would be copied anyway
        return "straight" if self.m >= few and self.n >= 192 else ""

    @cached_property
    def packed(self) -> bool:
        """Whether enough rows use the same columns for long enough that these are worth laying side by side."""
        rows = self.m * math.prod(self.outer[i] for i in self.still)
        if self.sums * self.n * SIZE <= (CACHE if rows < MANY else SHARED) or self.sums < 96:
            return False
        # few columns are worth it where many windows pass: a weight's gradient with more places than the cache holds
        broad = self.n > 32 or (self.n > 8 and rows >= 40 and bool(self.still))
        return rows >= 24 and broad and not (self.cut or self.reading or self.slide)

    @cached_property
    def cut(self) -> tuple[int, int] | None:
        """How many outer loops are on their own, and how many places of the first summed loop all sums of the others
        pass before the next ones come: as a convolution's weight gradient does, whose samples many results share."""
        if len(self.k) < 2 or not self.form or not self.sums or math.prod(self.k[1:]) < 48:
            return None
        loops = self._order([self.form.loop] if self.form.places > 1 else [])
        for apart in range(len(loops) + 1):
            rest = loops[apart:]
            rows = self.m * math.prod(self.outer[i] for i in rest)
            step = self._touched(self.a, rest, self.m) + self._touched(self.b, rest, self.n)
            if rows * pitch(self.n) <= AREA:
                many = rows * self.n >= 4 * WIDTH * self.form.most and step * self.k[0] > 2 * NEAR
                return (apart, max(1, NEAR // step)) if many and step <= NEAR else None
        return None

    def _order(self, last: list[int]) -> list[int]:
        return [*(i for i in range(len(self.outer)) if i not in last), *last]

    def _touched(self, operand: Operand, outer: list[int], size: int) -> int:
        """Bytes of an operand that all sums read in one place of the first summed loop."""
        after = range(len(self.outer) + 2, len(operand.strides))
        sizes = (*(self.outer[i] for i in outer), size, *self.k[1:])
        strides = [operand.strides[i] for i in (*outer, len(self.outer), *after)]
        pairs: list[tuple[int, int]] = list(zip(sizes, strides, strict=True))
        reach = 1 + sum((n - 1) * abs(s) for n, s in pairs)
        return SIZE * min(math.prod(n for n, s in pairs if s), reach)

    @property
    def stand_in(self) -> Contraction | None:
        """The very same numbers by machine code that serves all widths, until there is some that serves this one best;
        None where tiles are not plain."""
        plain = not (self.joint or self.packed or self.reading or self.slide or self.cut)
        return replace(self, form=ANY) if plain else None

    @property
    def joint(self) -> bool:
        """Whether places of an outer loop along which b stands still join the rows of a tile: these are too few."""
        return self.form is not None and self.form.places > 1 and not self.packed and not self.reading

    @property
    def still_in_tiles(self) -> frozenset[int]:
        """The operands that are the same in all rows of a tile."""
        if not self.form or not self.joint:
            return self.steady
        return frozenset([i for i in self.steady if self.operands[i].strides[self.form.loop] == 0])

    @property
    def rounds(self) -> int:
        """How many places of the innermost summed loop are written out."""
        if self.slide:
            return self.slide
        if len(self.k) > 1 and self.k[-1] < SHORT:
            return self.k[-1]
        return 1 if not self.k or self.k[-1] % 2 or self.form is ANY else 2

    @property
    def whole(self) -> bool:
        """Whether these are all of them, so that there is no such loop."""
        return not self.slide and len(self.k) > 1 and self.k[-1] == self.rounds

    @property
    def ahead(self) -> bool:
        """Whether a tile's sum is long enough to ask meanwhile for all rows that its epilogue touches."""
        if len(self.k) != 1 or self.k[0] < LONG_SUM or self.form is None or self.form is ANY:
            return False  # what several loops sum are convolutions, whose pictures are near
        rows = max(self.form.rows, self.form.low * self.form.places)
        count = rows * (len(self.operands) - len(self.still_in_tiles))
        return 0 < count <= min(self.k[-1] // self.rounds, MOST)

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        if self.reading:
            return f"contract {self.structure} panels {self.reading}{same(self.steady)}"
        if self.packed:
            return f"contract {self.structure} packed {len(self.still)}"
        strides = self._sorted().a.strides
        units = f"{' unit' * (strides[len(self.outer)] == 1)} -{' unit' * (strides[-1] == 1)} -"
        steady = same(self.still_in_tiles)
        if not self.sums or len(self.k) == 1:
            how = " ahead" * self.ahead if self.sums else " empty"
        else:
            how = " whole" * self.whole + (f" cut {self.cut[0]}" if self.cut else "")
        return f"contract {self.structure} {self.form}{units} {self.rounds}{how}{' slides' * bool(self.slide)}{steady}"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; for a, b and each operand its address and strides; the sizes of blocks in panels."""
        if self.reading:
            return [*Product.arguments(self), *blocks(self.m, self.n, self.sums)]
        last = self.still if self.packed else [self.form.loop] if self.form and self.joint else []
        found = Product.arguments(self._sorted().arranged(self._order(last)) if last or self.slide else self)
        return [*found, self.cut[1]] if len(self.k) > 1 and self.cut else found

    def split(self, parts: int) -> list[Contraction]:
        """Pieces along the loop over results that divides best."""
        if parts < 2 or self.form is None:
            return [self]
        if self.reading and not self.outer:
            loop, found = cut(self.m, self.n, parts)
        else:
            loop, found = cuts(self.sizes, (*(1,) * len(self.outer), *self.form.grains), parts)
        if len(found) < 2:
            return [self]
        first, *others = (self.piece(loop, start, size) for start, size in found)
        if loop and self.beside:  # the first columns' piece sums up all of a
            body, stores = self.body[:-1], self.stores[:-1]
            others = [replace(x, body=body, operands=x.operands[:-1], stores=stores) for x in others]
        return [first, *others]

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        given = Given.of(f, self, args)
        if self.reading:
            turned = self.reading == "turned"
            over(f, given.outer, lambda *p: Panels(f, self, given.moved(f, p), args[-3:], turned).emit())
            return
        if self.packed:
            moving = given.outer[: len(self.outer) - len(self.still)]
            over(f, moving, lambda *p: Packed(f, self, given.moved(f, p), len(self.still), False).emit())
            return
        known = (*given.k[:-1], self.rounds) if self.whole else given.k
        given = replace(given, k=known, a=Walk(given.a.address, self._known(given.a.strides)))
        alone = given.outer[: len(given.outer) - self.joint]
        if not self.cut:
            over(f, alone, lambda *places: Tiles(f, self, given.moved(f, places)).emit())
            return
        apart = self.cut[0]
        over(f, alone[:apart], lambda *p: self._blocks(f, given.moved(f, p), len(alone) - apart, args[-1]))

    def _blocks(self, f: Function, given: Given, count: int, step: Any) -> None:
        """The sum in blocks of the first summed loop, which pass all places of `count` outer loops."""
        total, loops, sums = given.k[0], len(given.outer) + 1, f.scratch(AREA)

        def block(start: Any) -> None:
            size = f.least(step, f.sub(total, start))
            a, b = (Walk(f.add(w.address, f.mul(w.strides[loops], start)), w.strides) for w in (given.a, given.b))
            part = replace(given, k=(size, *given.k[1:]), a=a, b=b)
            first, last = f.compare("eq", start, 0), f.compare("eq", f.add(start, size), total)

            def place(*places: Any) -> None:
                at = f.add(sums, f.mul(self._rows_before(f, given, places), pitch(given.n, f)))
                Tiles(f, self, part.moved(f, places), Block(at, pitch(given.n, f), first, last)).emit()

            over(f, given.outer[:count], place)

        f.loop(total, block, step=step)

    def _rows_before(self, f: Function, given: Given, places: tuple[Any, ...]) -> Any:
        """How many rows of results come before these of a place of the outer loops."""
        count: Any = 0
        for size, place in zip_longest(given.outer, places, fillvalue=0):
            count = f.add(f.mul(count, size), place)
        return f.mul(count, given.m)

    def _known(self, strides: tuple[Any, ...]) -> tuple[Any, ...]:
        """a's strides with those of 1 along m and along the last summed loop as plain numbers."""
        sorted_ = self._sorted().a.strides
        units = {i for i in (len(self.outer), len(strides) - 1) if sorted_[i] == 1}
        return tuple(SIZE if i in units else s for i, s in enumerate(strides))


def pitch(n: Any, f: Function | None = None) -> Any:
    """Bytes between the waiting sums of rows, which end on full panels; not 4096, which is slow."""
    if f is None:
        return (-(-n // 64) * 64 + 16) * SIZE
    return f.add(f.mul(f.add(n, 63) // 64, 64 * SIZE), 16 * SIZE)
