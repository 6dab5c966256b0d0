"""The scalar functions of ir.SCALARS on the emitter's values: a whole register of float32 (or one number) at a time.

Errors are in units of the last place of float32, against exact results over the whole range. Infinities and NaN are as
NumPy has them. Denormal numbers count as zero, as the driver tells the processor: log of one is -inf; and exp is
exactly 0 below -87.3. Polynomials of log and log1p: minimax, as N. Juffa published them; of exp: minimax; of erf and
tanh: ratios, fitted by weighted least squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, Number, Ssa
from engine.compiler.kernels import doubles
from engine.compiler.kernels.body import joined
from engine.ops.errorfunction import SINGLE

LOG2_E, LN2_HIGH, LN2_LOW, LN2 = 1.44269504088896341, 0.693359375, -2.12194440e-4, 0.6931471805599453
MAGIC = 12582912.0
"""1.5 * 2**23: a small number added to it is rounded to a whole number, which is then found in the lowest bits."""
TINY = 1.1754943508222875e-38
"""The smallest float32 that is not denormal."""


def polynomial(f: Function, x: Ssa, start: Number, *coefficients: float) -> Ssa:
    """((start * x + c0) * x + c1) * x + ..., each step rounded once."""
    found = f.value(start, x.type)
    for c in coefficients:
        found = f.fma(found, x, c)
    return found


def bits(f: Function, x: Ssa) -> Ssa:
    """The 32 bits of a float."""
    return f.cast("bitcast", x, INT)


def real(f: Function, x: Ssa) -> Ssa:
    """The float that has these 32 bits."""
    return f.cast("bitcast", x, FLOAT)


# ------------------------------------------------------------------------------------------- exponentials, logarithms
def _halves(f: Function, x: Ssa) -> tuple[Ssa, Ssa, Ssa]:
    """x = n ln 2 + r, |r| <= ln(2) / 2: r, MAGIC + n, whose lowest bits are n, and (exp(r) - 1 - r) / (r * r)."""
    shifted = f.fma(x, LOG2_E, MAGIC)
    n = shifted - MAGIC
    r = f.fma(n, -LN2_LOW, f.fma(n, -LN2_HIGH, x))
    return r, shifted, polynomial(f, r, 0.00138145, 0.00836875, 0.04166839, 0.1666652, 0.49999993)


def exp(f: Function, x: Ssa) -> Ssa:
    """e to the x, within 1 unit; exactly 0 below -87.3, inf above 88.72."""
    wide = x.vector and f.lanes == 16  # AVX-512 multiplies by 2**n, also beyond the largest float
    r, shifted, third = _halves(f, f.min(x, 89.0) if wide else x)
    y = polynomial(f, r, third, 1.0, 1.0)
    if wide:
        every, rounding = Ssa(f, "-1", "i16"), Ssa(f, "4", INT)
        nothing = Ssa(f, "zeroinitializer", y.type)
        y = f.call("llvm.x86.avx512.mask.scalef.ps.512", y.type, y, shifted - MAGIC, nothing, every, rounding)
    else:
        y = real(f, bits(f, y) + (bits(f, shifted) << 23))  # times 2**n, by adding n to the exponent
    y = f.select(f.compare("lt", x, -87.3), 0.0, y)
    return y if wide else f.select(f.compare("gt", x, 88.72283935546875), math.inf, y)  # type: ignore[no-any-return]


def expm1(f: Function, x: Ssa) -> Ssa:
    """exp(x) - 1, within 3 units also near 0."""
    x = f.min(f.max(x, -80.0), 89.0)
    r, shifted, third = _halves(f, x)
    less = f.fma(third, r * r, r)
    half = real(f, (bits(f, shifted) + 126) << 23)  # 2**(n - 1): 2**128 is no float
    y = f.fma(half, less, half - 0.5)
    return y + y  # type: ignore[no-any-return]


def log(f: Function, x: Ssa) -> Ssa:
    """The natural logarithm, within 1 unit; log(0) = -inf, NaN below."""
    word = bits(f, x)
    exponent = (word - 0x3F2AAAAB) & -0x00800000
    m = real(f, word - exponent) - 1.0  # x = 2**n (1 + m), m in [-1/3, 1/3]
    s = m * m
    even = polynomial(f, s, -0.130310059, -0.121484190, -0.166846052, -0.249996200)
    odd = polynomial(f, s, 0.140869141, 0.139814854, 0.200120345)
    y = polynomial(f, m, odd, 0.0) + even
    y = f.fma(polynomial(f, m, y, 0.333331972, -0.5), s, m)
    y = f.fma(f.cast("sitofp", exponent, FLOAT) * 2.0**-23, LN2, y)
    y = f.select(f.compare("lt", x, TINY), f.select(f.compare("lt", x, 0.0), math.nan, -math.inf), y)
    return f.select(f.compare("lt", x, math.inf), y, x)  # type: ignore[no-any-return]


def log1p(f: Function, x: Ssa) -> Ssa:
    """log(1 + x), within 1 unit also near 0; log1p(-1) = -inf, NaN below."""
    u = x + 1.0
    exponent = (bits(f, u) - 0x3F400000) & -0x00800000
    quarter = real(f, 0x40800000 - exponent)  # 4 * 2**-n
    m = real(f, bits(f, x) - exponent) + f.fma(quarter, 0.25, -1.0)  # 1 + x = 2**n (1 + m), m in [-1/4, 1/2]
    m = f.select(f.compare("eq", exponent, 0), x, m)
    s = m * m
    even = polynomial(f, s, -4.53482792e-2, -1.32296383e-1, -1.66415766e-1, -2.50002742e-1)
    odd = polynomial(f, s, 1.05469480e-1, 1.44914404e-1, 1.99888632e-1)
    y = f.fma(odd, m, even)
    y = f.fma(polynomial(f, m, y, 3.33335280e-1, -4.99999970e-1), s, m)
    y = f.fma(f.cast("sitofp", exponent, FLOAT) * 2.0**-23, LN2, y)
    y = f.select(f.compare("le", u, 0.0), f.select(f.compare("lt", u, 0.0), math.nan, -math.inf), y)
    return f.select(f.compare("lt", x, math.inf), y, x)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------- sigmoids and waves
def tanh(f: Function, x: Ssa) -> Ssa:
    """The hyperbolic tangent, within 6 units, never beyond 1."""
    above = (1.33195321e-08, 2.0583866e-05, 0.00349406013, 0.133797407, 1.0)
    below = (7.7622235e-07, 0.000328313326, 0.0258711725, 0.467130542, 1.0)
    return _ratio(f, x, 8.183534622192383, above, below)


def erf(f: Function, x: Ssa) -> Ssa:
    """The error function, within 6 units, never beyond 1."""
    return _ratio(f, x, *SINGLE)


def _ratio(f: Function, x: Ssa, edge: float, above: tuple[float, ...], below: tuple[float, ...]) -> Ssa:
    """x times a ratio of polynomials of x * x, for an odd function that is 1 from the edge on: there the ratio is just
    1, and for no float before it more."""
    x = f.min(f.max(x, -edge), edge)
    s = x * x
    return x * polynomial(f, s, *above) / polynomial(f, s, *below)  # type: ignore[no-any-return]


def signed(f: Function, size: Ssa, x: Ssa) -> Ssa:
    """The number of this size (not negative) with the sign of x."""
    return f.call(f"llvm.copysign.{_suffix(x)}", x.type, size, x)


def sin(f: Function, x: Ssa) -> Ssa:
    """The sine, within 2 units up to 2**31 (beyond it is NaN: there float32 has no idea of the angle)."""
    return doubles.wave(f, x, 0)


def cos(f: Function, x: Ssa) -> Ssa:
    """The cosine; see `sin`."""
    return doubles.wave(f, x, 1)


# ------------------------------------------------------------------------------------------- small functions
def sqrt(f: Function, x: Ssa) -> Ssa:
    """The square root, within 1 unit; NaN below 0."""
    if not _estimates(f, x):
        return f.intrinsic("sqrt", x)
    inverse, same = _inverse(f, x)  # an estimate to 14 bits and a step of Newton's take a third of the root's time
    root, half = x * inverse, inverse * 0.5
    root = f.fma(f.fma(-half, root, 0.5), root, root)
    return f.select(same, x, root)  # type: ignore[no-any-return]


def inverse_root(f: Function, x: Ssa) -> Ssa:
    """1 / sqrt(x), within 2 units."""
    if not _estimates(f, x):
        return f.value(1.0, x.type) / f.intrinsic("sqrt", x)  # type: ignore[no-any-return]
    inverse, same = _inverse(f, x)
    better = f.fma(f.fma(-(x * inverse), inverse, 1.0), inverse * 0.5, inverse)
    return f.select(same, inverse, better)  # type: ignore[no-any-return]


def _estimates(f: Function, x: Ssa) -> bool:
    """Whether the processor estimates roots: AVX-512."""
    return x.vector and f.lanes == 16


def _inverse(f: Function, x: Ssa) -> tuple[Ssa, Ssa]:
    """About 1 / sqrt(x), and where that is exact: where x is its own root."""
    every = Ssa(f, "-1", "i16")
    inverse = f.call("llvm.x86.avx512.rsqrt14.ps.512", x.type, x, Ssa(f, "zeroinitializer", x.type), every)
    return inverse, f.call("llvm.x86.avx512.fpclass.ps.512", f.truths, x, Ssa(f, str(SAME_ROOT), INT))


SAME_ROOT = 0x2E
"""The classes of floats that are their own root, as AVX-512 numbers them: zeros, denormal numbers, infinity."""


def floor(f: Function, x: Ssa) -> Ssa:
    """The largest whole number that is not larger."""
    return f.intrinsic("floor", x)


def sign(f: Function, x: Ssa) -> Ssa:
    """-1, 0 or 1; NaN of NaN."""
    if not x.floating:
        below = f.select(f.compare("lt", x, 0), f.value(-1, x.type), f.value(0, x.type))
        return f.select(f.compare("gt", x, 0), f.value(1, x.type), below)  # type: ignore[no-any-return]
    one: Ssa = signed(f, f.value(1.0, x.type), x)
    other = f.compare("gt", f.intrinsic("fabs", x), 0.0)  # false for 0 and NaN, which stay what they are
    return f.select(other, one, x)  # type: ignore[no-any-return]


def absolute(f: Function, x: Ssa) -> Ssa:
    """The size without the sign."""
    return f.intrinsic("fabs", x) if x.floating else f.greatest(x, 0 - x)


def power(f: Function, x: Number, y: Number) -> Ssa:
    """x to the y, within 2 units; the common constant exponents take a few multiplications or a root."""
    if isinstance(y, Ssa) or not isinstance(x, Ssa):
        return doubles.power(f, *f.pair(x, y))
    if y == 0.5:
        return sqrt(f, x)
    if float(y).is_integer() and abs(y) <= 8:
        found = whole_power(f, x, abs(int(y)))
        return found if y >= 0 else 1.0 / found
    return doubles.power(f, x, f.value(float(y), x.type))


def whole_power(f: Function, x: Ssa, n: int) -> Ssa:
    """x to a known n >= 0 by squaring."""
    if n < 2:
        return x if n else f.value(1.0, x.type)
    half = whole_power(f, x * x, n // 2)
    return half * x if n & 1 else half


def hashed(f: Function, key: Ssa, place: Ssa) -> Ssa:
    """Random bits, a function of (key, place): see engine.rng.hashed."""
    h: Ssa = place ^ key
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = (h ^ (h >> shift)) * (factor - (factor >> 31 << 32))
    return h ^ (h >> 16)  # type: ignore[no-any-return]


def _suffix(x: Ssa) -> str:
    return f"v{x.f.lanes}f32" if x.vector else "f32"


FLOATS: dict[str, Callable[[Function, Ssa], Ssa]] = {
    "exp": exp, "log": log, "log1p": log1p, "expm1": expm1, "sqrt": sqrt, "tanh": tanh, "sin": sin, "cos": cos,
    "erf": erf, "floor": floor,
}  # fmt: skip
"""Functions of one float."""


# ------------------------------------------------------------------------------------------- kinds of lanes
def convert(f: Function, x: Any, kind: str, to: str) -> Any:
    """x of a kind (f float, i whole number, u word, t truth) as another, cut towards zero; a number stays one."""
    if kind == to:
        return x
    if not isinstance(x, Ssa):
        return {"f": float, "t": bool}.get(to, int)(x)
    if to == "t":
        return f.compare("ne", x, 0)
    if kind == "t":
        return f.select(x, 1.0, 0.0) if to == "f" else f.cast("zext", x, INT)
    if to == "f":
        return f.cast("sitofp" if kind == "i" else "uitofp", x, FLOAT)
    return f.cast("fptosi" if to == "i" else "fptoui", x, INT) if kind == "f" else x


def scalar(f: Function, name: str, kinds: list[str], values: list[Any]) -> Any:
    """A function of ir.SCALARS by name; values: numbers known beforehand or Ssa (at least one), of these kinds."""
    if name in FLOATS:
        return FLOATS[name](f, convert(f, values[0], kinds[0], "f"))
    if name == "where":
        return _where(f, kinds, values)
    if name in ("and", "or", "not"):
        kinds, values = ["t"] * len(values), [convert(f, v, k, "t") for k, v in zip(kinds, values, strict=True)]
    common = "u" if name == "hash" else "f" if name in ("div", "pow") else joined(kinds)
    return ALIKE[name](f, common, *(convert(f, v, k, common) for k, v in zip(kinds, values, strict=True)))


def _where(f: Function, kinds: list[str], values: list[Any]) -> Any:
    kind = joined(kinds[1:])
    condition, a, b = (convert(f, v, k, t) for v, k, t in zip(values, kinds, ("t", kind, kind), strict=True))
    if not isinstance(condition, Ssa):
        return a if condition else b
    type = {"f": f.floats, "t": f.truths}.get(kind, f.ints)
    return f.select(
        condition, *(f.value(v, type if condition.vector else type.split()[-1].rstrip(">")) for v in (a, b))
    )


def _compared(how: str) -> Callable[..., Any]:
    def emit(f: Function, kind: str, a: Number, b: Number) -> Any:
        if kind == "t":
            a, b = convert(f, a, "t", "i"), convert(f, b, "t", "i")
        if kind == "u" and how not in ("eq", "ne"):  # unsigned order is signed order with the highest bit turned
            a, b = (x ^ -(2**31) if isinstance(x, Ssa) else x - 2**31 for x in (a, b))
        return f.compare(how, a, b)

    return emit


def _extreme(which: str) -> Callable[..., Any]:
    def emit(f: Function, kind: str, a: Number, b: Number) -> Any:
        if kind == "f":
            return f.max(a, b) if which == "max" else f.min(a, b)
        if kind == "t":
            return f.arithmetic("or" if which == "max" else "and", a, b)
        x, y = f.pair(a, b)
        return f.call(f"llvm.{'s' if kind == 'i' else 'u'}{which}.v{f.lanes}i32", x.type, x, y)

    return emit


ALIKE: dict[str, Callable[..., Any]] = {
    "add": lambda f, kind, a, b: f.add(a, b),
    "sub": lambda f, kind, a, b: f.sub(a, b),
    "mul": lambda f, kind, a, b: f.mul(a, b),
    "div": lambda f, kind, a, b: f.arithmetic("fdiv", a, b),
    "neg": lambda f, kind, x: -x,
    "abs": lambda f, kind, x: x if kind in "ut" else absolute(f, x),
    "sign": lambda f, kind, x: sign(f, x) if kind != "u" else _extreme("min")(f, "u", x, 1),
    "pow": lambda f, kind, a, b: power(f, a, b),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "and": lambda f, kind, a, b: f.arithmetic("and", a, b),
    "or": lambda f, kind, a, b: f.arithmetic("or", a, b),
    "not": lambda f, kind, x: f.arithmetic("xor", x, True),
    "hash": lambda f, kind, key, place: hashed(f, *f.pair(key, place)),
    **{how: _compared(how) for how in ("gt", "ge", "lt", "le", "eq", "ne")},
}  # fmt: skip
"""Functions whose operands have one kind, which is their first argument after the emitter."""

IDENTITY: dict[str, dict[str, Any]] = {
    "sum": {"f": 0.0, "i": 0, "u": 0, "t": 0}, "prod": {"f": 1.0, "i": 1, "u": 1, "t": 1},
    "max": {"f": -math.inf, "i": -(2**31), "u": 0, "t": 0}, "min": {"f": math.inf, "i": 2**31 - 1, "u": -1, "t": 1},
    "any": {"t": 0}, "all": {"t": 1},
}  # fmt: skip
"""What changes nothing, for each reduction and kind of lanes (a truth is reduced as 0 or 1)."""
COMBINE = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "any": "max", "all": "min"}

EXPENSIVE = {"exp": 9, "log": 12, "log1p": 14, "expm1": 11, "tanh": 12, "erf": 13, "sin": 30, "cos": 30, "pow": 60,
             "div": 8, "sqrt": 5, "hash": 8}  # fmt: skip
"""About how many cycles a register full of them takes, where it is more than a few."""
