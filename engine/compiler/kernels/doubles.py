"""sin, cos and pow, whose arguments must be reduced in double precision to give correct float32 results."""

from __future__ import annotations

import math
import struct

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, Ssa

DOUBLE, QUARTERS = "double", 2.0 / math.pi
TURN_HIGH, TURN_LOW = math.pi / 2, 6.123233995736766e-17
"""pi / 2 as the sum of two doubles."""


class Doubles:
    """Arithmetic on lanes of double precision; only what this file needs."""

    def __init__(self, f: Function, like: Ssa) -> None:
        self.f, self.count = f, f.lanes if like.vector else 0
        self.type = f.vector(DOUBLE) if like.vector else DOUBLE
        self.suffix = f"v{f.lanes}f64" if like.vector else "f64"

    def constant(self, x: float) -> Ssa:
        """A number in every lane."""
        text = f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
        return Ssa(self.f, f"splat (double {text})" if self.count else text, self.type)

    def wide(self, x: Ssa) -> Ssa:
        """Floats or whole numbers as doubles."""
        return self.f.pure(f"{'fpext' if x.floating else 'sitofp'} {x!r} to {self.type}", self.type)

    def narrow(self, x: Ssa) -> Ssa:
        """Rounded to float32."""
        return self.f.cast("fptrunc", x, FLOAT)

    def do(self, op: str, a: Ssa, b: Ssa) -> Ssa:
        """fadd, fsub, fmul, fdiv."""
        return self.f.pure(f"{op} {self.type} {a.name}, {b.name}", self.type)

    def call(self, name: str, *inputs: Ssa) -> Ssa:
        """An intrinsic: fma, rint."""
        return self.f.call(f"llvm.{name}.{self.suffix}", self.type, *inputs)

    def polynomial(self, x: Ssa, *coefficients: float) -> Ssa:
        """By Horner's rule, highest coefficient first."""
        found = self.constant(coefficients[0])
        for c in coefficients[1:]:
            found = self.call("fma", found, x, self.constant(c))
        return found


def wave(f: Function, x: Ssa, ahead: int) -> Ssa:
    """sin(x + ahead * pi / 2): x = n pi / 2 + r with n and r found in double precision, then one of two polynomials."""
    d = Doubles(f, x)
    angle = d.wide(x)
    n = d.call("rint", d.do("fmul", angle, d.constant(QUARTERS)))
    r = d.call("fma", n, d.constant(-TURN_LOW), d.call("fma", n, d.constant(-TURN_HIGH), angle))
    t, quarter = d.narrow(r), f.cast("fptosi", n, INT) + ahead
    s = t * t
    sine = f.fma(_horner(f, s, 2.718121e-6, -1.9839297e-4, 8.3333293e-3, -1.6666667e-1) * s, t, t)
    cosine = f.fma(_horner(f, s, 2.4377516e-5, -1.38873162e-3, 4.16666456e-2, -0.5), s, 1.0)
    found: Ssa = f.select(f.compare("eq", quarter & 1, 0), sine, cosine)
    found = f.cast("bitcast", f.cast("bitcast", found, INT) ^ ((quarter & 2) << 30), FLOAT)
    inside = f.compare("le", f.intrinsic("fabs", x), 2.0**31)
    return f.select(inside, found, math.nan)  # type: ignore[no-any-return]


def _horner(f: Function, x: Ssa, start: float, *coefficients: float) -> Ssa:
    found = f.value(start, x.type)
    for c in coefficients:
        found = f.fma(found, x, c)
    return found


def power(f: Function, x: Ssa, y: Ssa) -> Ssa:
    """x to the y: 2 to the y log2 |x| in double precision, then the sign, then the special cases of IEEE 754."""
    size, infinite = f.intrinsic("fabs", x), math.inf
    found = _raised(f, size, y)
    empty = f.compare("lt", size, 1.1754943508222875e-38)
    up = f.compare("gt", y, 0.0)
    found = f.select(empty, f.select(up, f.value(0.0, x.type), f.value(infinite, x.type)), found)
    full = f.compare("eq", size, infinite)
    found = f.select(full, f.select(up, f.value(infinite, x.type), f.value(0.0, x.type)), found)
    whole = f.compare("eq", f.intrinsic("floor", y), y)
    half = y * 0.5
    odd = whole & f.compare("ne", f.intrinsic("floor", half), half)
    negative = f.compare("lt", f.cast("bitcast", x, INT), 0)
    found = f.select(negative & odd, -found, found)
    broken = f.compare("lt", x, 0.0) & f.compare("ne", f.intrinsic("floor", y), y) & f.compare("lt", size, infinite)
    found = f.select(broken, f.value(math.nan, x.type), found)
    missing = f.pure(f"fcmp uno {x!r}, {y.name}", f.truths if x.vector else "i1")
    found = f.select(missing, f.value(math.nan, x.type), found)
    one = f.compare("eq", y, 0.0) | f.compare("eq", x, 1.0)
    one = one | (f.compare("eq", size, 1.0) & f.compare("eq", f.intrinsic("fabs", y), infinite))
    return f.select(one, f.value(1.0, x.type), found)  # type: ignore[no-any-return]


def _raised(f: Function, size: Ssa, y: Ssa) -> Ssa:
    """size to the y for a finite size > 0."""
    d = Doubles(f, size)
    word = f.cast("bitcast", size, INT)
    exponent = (word - 0x3F3504F3) & -0x00800000
    m = d.wide(f.cast("bitcast", word - exponent, FLOAT))  # between sqrt(1/2) and sqrt(2)
    z = d.do("fdiv", d.do("fsub", m, d.constant(1.0)), d.do("fadd", m, d.constant(1.0)))
    z2, scale = d.do("fmul", z, z), 2.0 / math.log(2.0)
    log2 = d.polynomial(z2, *(scale / k for k in (15, 13, 11, 9, 7, 5, 3, 1)))
    whole = f.pure(f"ashr {exponent!r}, {f.value(23, exponent.type).name}", exponent.type)
    log2 = d.call("fma", log2, z, d.wide(whole))
    p = d.do("fmul", d.wide(y), log2)
    p = d.call("minnum", d.call("maxnum", p, d.constant(-200.0)), d.constant(200.0))
    n = d.call("rint", p)
    r = d.narrow(d.do("fmul", d.do("fsub", p, n), d.constant(math.log(2.0))))
    two = _horner(f, r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
    two = f.fma(two, r * r, r) + 1.0
    steps = f.cast("fptosi", n, INT)
    first = f.pure(f"ashr {steps!r}, {f.value(1, steps.type).name}", steps.type)
    low, high = (f.cast("bitcast", (part + 127) << 23, FLOAT) for part in (first, steps - first))
    return two * low * high  # type: ignore[no-any-return]  # 2**n as two factors, of which each is a float
