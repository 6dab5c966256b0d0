"""Products of matrices and Einstein's sums: each a contraction whose axes are named by letters."""

from __future__ import annotations

import string
from typing import Any

from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule

LETTERS = string.ascii_letters


@rule("linear")
def linear(xp: Library, x: Array, weight: Array, bias: Any = None) -> Any:
    """x W^T + b."""
    lead = LETTERS[: x.ndim - 1]
    y = xp.contract(x, weight, f"{lead}z,yz->{lead}y")
    return y if bias is None else y + bias


@rule("linear_weight")
def linear_weight(xp: Library, g: Array, x: Array) -> Any:
    """g^T x over all axes but the last."""
    lead = LETTERS[: x.ndim - 1]
    return xp.contract(g, x, f"{lead}y,{lead}z->yz")


@rule("sum_rows")
def sum_rows(xp: Library, x: Array) -> Any:
    """The sum over all axes but the last."""
    return x.reduced("sum", tuple(range(x.ndim - 1)))


@rule("matmul")
def matmul(xp: Library, a: Array, b: Array) -> Any:
    """The product over the last two axes; batch axes of size 1 are left out of the operand that has them."""
    rank = max(a.ndim, b.ndim, 2) - 2
    lead, rows, columns = LETTERS[:rank], "y" if a.ndim > 1 else "", "z" if b.ndim > 1 else ""
    sizes = [dict(zip(reversed(lead), reversed(x.shape[:-2]), strict=False)) for x in (a, b)]
    kept = ["", ""]
    for letter in lead:
        n = [s.get(letter) for s in sizes]
        both = n[0] == n[1]
        for k in (0, 1):
            kept[k] += letter if n[k] is not None and (n[k] != 1 or both or n[1 - k] is None) else ""
    a, b = (_without(x, known, letters) for x, known, letters in zip((a, b), sizes, kept, strict=True))
    return xp.contract(a, b, f"{kept[0]}{rows}x,{kept[1]}x{columns}->{lead}{rows}{columns}")


def _without(x: Array, sizes: dict[str, int], kept: str) -> Any:
    """Without the batch axes that are not kept (each of size 1)."""
    lead = tuple(n for letter, n in sorted(sizes.items()) if letter in kept)
    return x.reshape((*lead, *x.shape[x.ndim - min(x.ndim, 2) :]))


@rule("einsum_op")
def einsum(xp: Library, *xs: Array, equation: str) -> Any:
    """A product of two tensors, or sums over one."""
    if len(xs) == 2:
        return xp.contract(*xs, equation)
    if len(xs) > 2:
        raise NoRule("a product of more than two")
    letters, _, out = equation.partition("->")
    summed = xs[0].reduced("sum", tuple(i for i, c in enumerate(letters) if c not in out))
    left = [c for c in letters if c in out]
    return summed.transpose([left.index(c) for c in out]) if out else summed
