"""Which tiles of results a contraction is cut into: as many rows and vectors of columns as the registers hold.

In a step of the sum a tile takes rows * vectors products, of which a processor does two in a cycle, rows + vectors
loads, which share what enters it in a cycle (four instructions, fewer where another tenant uses the same core), and a
sum is ready for its next product after four cycles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any

from engine.compiler.machine.cpu import Cpu

WIDTH = 16
"""Columns of a vector where registers are widest: the sizes of a form are meant for that."""
TALL = {4: (6,), 3: (9, 8), 2: (12, 13, 10), 1: (16, 12, 8)}
"""Rows of a full tile for each number of vectors: few, so that other sizes seldom need other machine code."""
LOW = (4, 2, 1)
"""Rows of the tiles for what is left."""
JOINED, HEIGHTS = (2, 3, 4, 5, 7), (1, 2, 3, 4, 6)
"""Places of an outer loop and rows of a tile that has both."""


@dataclass(frozen=True)
class Form:
    """Full panels of `vectors` and the rows of their tiles; vectors of the last panel and its rows (`low`).

    masked: whether the last vector is not full; loop, places: the outer loop whose places join the rows, how many.
    """

    vectors: int
    rows: int
    rest: int
    low: int
    masked: bool
    loop: int = -1
    places: int = 1

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return f"{self.vectors}x{self.rows} {self.rest}x{self.low}{' masked' * self.masked} {self.places}"

    @property
    def most(self) -> int:
        """Vectors of sums in a full tile."""
        return self.vectors * self.rows or self.rest * self.low * self.places

    @property
    def grains(self) -> tuple[int, int]:
        """Rows and columns of pieces are multiples of these."""
        return max(self.rows, self.low), (self.vectors or self.rest) * WIDTH

    def fits(self, n: int) -> bool:
        """Whether so many columns are full panels and then none or `rest` vectors, the last of which may be masked."""
        rest = -(-(n % ((self.vectors or self.rest) * WIDTH)) // WIDTH)
        return rest in (0, self.rest) and (self.masked or n % WIDTH == 0)

    def fit(self, cpu: Cpu) -> Form:
        """The same for the registers that there are."""
        if cpu.lanes == WIDTH or (cpu.registers >= 32 and self.places > 1):
            return self
        if self.places == 1:
            return Form(4 if cpu.registers >= 32 else 2, 6, 1, 8, self.masked)
        rest = min(2, self.rest)
        rows = min(self.low, 6 // rest)
        return replace(self, rest=rest, low=rows, places=max(1, min(self.places, 12 // rest // rows)))


def heights(tallest: int) -> tuple[int, ...]:
    """Rows of full tiles, then of those for what is left."""
    return (tallest, *(rows for rows in LOW if rows < tallest))


def cycles(rows: int, vectors: int) -> float:
    """About how long a step of a tile's sum takes."""
    return 0.3 + 0.15 * (rows + vectors) + max(4.0, 0.5 * rows * vectors)


@lru_cache(4096)
def covered(m: int, tallest: int, vectors: int, places: int = 1) -> float:
    """The same for all rows of a panel."""
    total = 0.0
    for height, each in _priced(tallest, vectors, places):
        total += m // height * each
        m %= height
    return total


@lru_cache(256)
def _priced(tallest: int, vectors: int, places: int) -> list[tuple[int, float]]:
    """Rows of tiles, and what a step of such a tile takes."""
    return [(height, cycles(places * height, vectors)) for height in heights(tallest)]


@lru_cache(4096)
def best(m: int) -> list[tuple[int, float]]:
    """For each number of vectors the rows of full tiles that cover m best, and the cycles of a panel."""
    found = [(0, 0.0)]
    for vectors in (1, 2, 3, 4):
        priced = [(rows, covered(m, rows, vectors)) for rows in TALL[vectors]]
        found.append(min(priced, key=itemgetter(1)))
    return found


Facts = tuple[Any, ...]
"""What a form is made of."""


def panels(m: int, n: int, vectors: int) -> tuple[float, Facts]:
    """Panels of so many vectors: their cycles, and the form."""
    full, left = divmod(n, vectors * WIDTH)
    vectors, rest, known = vectors * (full > 0), -(-left // WIDTH) or int(not full), best(m)
    (rows, wide), (low, last) = known[vectors], known[rest]
    return full * wide + last, (vectors, rows, rest, low, n % WIDTH > 0)


def joint(m: int, n: int, loop: int, size: int, places: int, rows: int) -> tuple[float, Facts]:
    """Tiles of places times rows: cycles for a place of the loop, and the form."""
    vectors = -(-n // WIDTH)
    total = size // places * covered(m, rows, vectors, places) + size % places * covered(m, rows, vectors)
    return total / size, (0, 0, vectors, rows, n % WIDTH > 0, loop, places)


@lru_cache(4096)
def fitting(outer: tuple[int, ...], m: int, n: int, near: tuple[int, ...]) -> Form:
    """The form that covers the results best. near: outer loops along which b stands still, the nearest first."""
    cost, found = min([panels(m, n, vectors) for vectors in (4, 3, 2, 1)], key=itemgetter(0))
    if n > max(TALL) * WIDTH or not near:
        return Form(*found)
    most = 26 if n > WIDTH else 16
    joints = [
        joint(m, n, loop, outer[loop], places, rows) for loop in near for places in JOINED for rows in HEIGHTS
        if places <= outer[loop] and rows <= m and places * rows * -(-n // WIDTH) <= most
    ]  # fmt: skip
    other, joined = min(joints, key=itemgetter(0), default=(cost, found))
    return Form(*(joined if other < 0.9 * cost else found))
