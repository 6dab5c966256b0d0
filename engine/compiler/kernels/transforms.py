"""Fewer products for neighbouring sums of products: S. Winograd's and A. Toom's and S. Cook's scheme along one axis.

Sums y[i] = sum over k of g[k] d[i + k] are coefficients of a product of polynomials. Its values at a few points are
found by one product each, and e sums of r products take e + r - 1 of them: A. Toom, "The complexity of a scheme of
functional elements realizing the multiplication of integers" (1963); S. Winograd, "Arithmetic Complexity of
Computations" (1980). The points are 0, infinity and pairs p, -p, for which even and odd powers are added up once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from engine.compiler.code.emit import Function

PAIRS = (Fraction(1), Fraction(2), Fraction(1, 2))
"""The points beside 0 and infinity: small numbers, for float32 loses digits with their powers."""
TAPS = {3: (4, 2), 5: (4, 3), 7: (2, 3)}
"""For so many products in a sum: how many sums at a time, and how many pairs of points that takes."""


def slides(taps: Any) -> bool:
    """Whether there is a scheme for sums of so many products."""
    return any(taps == known for known in TAPS)


@dataclass(frozen=True)
class Transforms:
    """What turns `taps` numbers g, `reach` numbers d and `each` sums y into values at `reach` points and back.

    Points are in the order 0, p, -p, q, -q, .., infinity. y = results(taps(g) * places(d)); the gradient by g, given
    the one by y, is taps_back(slope(y) * places(d)).
    """

    f: Function
    count: int

    @property
    def each(self) -> int:
        """Sums at a time."""
        return TAPS[self.count][0]

    @property
    def reach(self) -> int:
        """Points, and places that these sums see."""
        return self.each + self.count - 1

    @cached_property
    def _pairs(self) -> tuple[Fraction, ...]:
        return PAIRS[: TAPS[self.count][1]]

    @cached_property
    def _whole(self) -> list[Fraction]:
        """The polynomial in x^2 that is 0 at all pairs: its coefficients, the constant one first."""
        return _with_roots([p * p for p in self._pairs])

    def _shares(self) -> list[Fraction]:
        """What the taps' values at each pair are divided by."""
        found = []
        for p in self._pairs:
            others = _with_roots([q * q for q in self._pairs if q != p])
            found.append(2 * p * p * sum(c * p ** (2 * i) for i, c in enumerate(others)))
        return found

    def places(self, d: Sequence[Any]) -> list[Any]:
        """Of the numbers that the sums see."""
        (first, last), *pairs = (self.pair_of_places(d, i) for i in range(self.reach // 2))
        return [first, *(x for pair in pairs for x in pair), last]

    def pair(self, i: int) -> tuple[int, int]:
        """Which points belong together: 0 and infinity, then p and -p."""
        return (2 * i - 1, 2 * i) if i else (0, self.reach - 1)

    def pair_of_places(self, d: Sequence[Any], i: int) -> list[Any]:
        """The same at two points only."""
        if not i:
            return [self._sum(self._whole, d[0::2]), self._sum(self._whole, d[1::2])]
        p = self._pairs[i - 1]
        rest = _with_roots([q * q for q in self._pairs if q != p])
        return self._both(self._sum(rest, d[2::2]), self._sum(rest, d[1::2]), p)

    def taps(self, g: Sequence[Any]) -> list[Any]:
        """Of the numbers that they are multiplied with."""
        found = [self._sum([1 / self._whole[0]], g)]
        for p, share in zip(self._pairs, self._shares(), strict=True):
            powers = [p**k / share for k in range(len(g))]
            found += self._both(self._sum(powers[0::2], g[0::2]), self._sum(powers[1::2], g[1::2]))
        return [*found, g[-1]]

    def slope(self, y: Sequence[Any], point: int) -> Any:
        """Of the gradients of the sums, at one point."""
        if point in (0, self.reach - 1):
            return y[0 if point == 0 else -1]
        p, sign = self._pairs[(point - 1) // 2], 1 if point % 2 else -1
        powers = [p**k for k in range(len(y))]
        even, odd = self._sum(powers[0::2], y[0::2]), self._sum([c / p for c in powers[1::2]], y[1::2])
        return self._signed(even, odd, sign * p)

    def results(self, x: Sequence[Any]) -> list[Any]:
        """The sums."""
        return self._back(x, self.each, [Fraction(1)] * len(self._pairs), Fraction(1))

    def taps_back(self, x: Sequence[Any]) -> list[Any]:
        """The gradients of the taps."""
        return self._back(x, self.count, self._shares(), self._whole[0])

    def _back(self, x: Sequence[Any], count: int, shares: list[Fraction], first: Fraction) -> list[Any]:
        sums = [(x[i] + x[i + 1], x[i] - x[i + 1]) for i in range(1, len(x) - 1, 2)]
        found = []
        for k in range(count):
            terms = [(p**k / share, pair[k % 2]) for p, share, pair in zip(self._pairs, shares, sums, strict=True)]
            terms += [(1 / first, x[0])] * (k == 0) + [(Fraction(1), x[-1])] * (k == count - 1)
            found.append(self._sum([c for c, _ in terms], [v for _, v in terms]))
        return found

    def _both(self, even: Any, odd: Any, factor: Fraction = Fraction(1)) -> list[Any]:
        """even + factor * odd, even - factor * odd."""
        return [self._signed(even, odd, sign * factor) for sign in (1, -1)]

    def _signed(self, even: Any, odd: Any, factor: Fraction) -> Any:
        """even + factor * odd."""
        if abs(factor) == 1:
            return even + odd if factor == 1 else even - odd
        return self.f.fma(odd, float(factor), even)

    def _sum(self, factors: Sequence[Fraction], numbers: Sequence[Any]) -> Any:
        """The sum of factors times numbers, one that needs no product first."""
        terms = sorted(zip(factors, numbers, strict=False), key=lambda term: term[0] != 1)
        (factor, total), *rest = terms
        total = total if factor == 1 else total * float(factor)
        for factor, number in rest:
            if abs(factor) == 1:
                total = total + number if factor == 1 else total - number
            else:
                total = self.f.fma(number, float(factor), total)
        return total


def _with_roots(roots: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients of the product of (x - root), the constant one first."""
    found = [Fraction(1)]
    for root in roots:
        found = [(a - root * b) for a, b in zip([Fraction(0), *found], [*found, Fraction(0)], strict=True)]
    return found
