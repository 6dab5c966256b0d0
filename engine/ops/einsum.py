"""Einstein's sums: products of tensors whose axes are named by letters, summed over what the result does not name."""

from __future__ import annotations

import string
from typing import Any

from engine.array import Abstract
from engine.errors import ShapeError
from engine.ops.op import Case, Op, Rule, dtype_of_all, function, words

LETTERS = string.ascii_uppercase + string.ascii_lowercase


class Einsum(Op):
    """Products and sums named by letters, each at most once in a tensor: what `einsum` comes down to.

    >>> engine.ones(2, 3).einsum_op(equation="ij->j")
    tensor([2., 2., 2.])
    """

    name = "einsum_op"
    latex, jvp, promotion = r"\operatorname{{einsum}}", "multilinear", "same"
    cases = (
        Case(((3, 4), (4, 2)), {"equation": "ij,jk->ik"}),
        Case(((2, 3, 4), (2, 4, 5)), {"equation": "bij,bjk->bik"}),
        Case(((3, 4),), {"equation": "ij->j"}),
    )

    @staticmethod
    def forward(xp: Any, *xs: Any, equation: str) -> Any:
        y = xp.einsum(equation, *xs, optimize=len(xs) > 1)
        return y.copy() if len(xs) == 1 and xp.may_share_memory(y, xs[0]) else y

    @staticmethod
    def infer(*xs: Any, equation: str) -> Abstract:
        sides, _, result = equation.partition("->")
        sizes: dict[str, int] = {}
        for letters, x in zip(sides.split(","), xs, strict=True):
            for letter, size in zip(letters, x.shape, strict=True):
                if sizes.setdefault(letter, size) != size:
                    raise ShapeError("einsum", f"one size for '{letter}'", f"{sizes[letter]} and {size}")
        return Abstract(tuple(sizes[letter] for letter in result), dtype_of_all(*xs))

    @staticmethod
    def vjp(g: Any, _: Any, *xs: Any, equation: str) -> Rule:
        sides, _, result = equation.partition("->")
        letters = sides.split(",")

        def slope(k: int) -> Any:
            others = [i for i in range(len(xs)) if i != k]
            known = set(result).union(*(letters[i] for i in others))
            inner = "".join(c for c in letters[k] if c in known)
            names = ",".join([result, *(letters[i] for i in others)])
            part = g.einsum_op(*(xs[i] for i in others), equation=f"{names}->{inner}")
            spread = tuple(n if c in known else 1 for c, n in zip(letters[k], xs[k].shape, strict=True))
            return part.reshape(spread).expand(xs[k].shape)

        return tuple((lambda k=k: slope(k)) for k in range(len(xs)))


@function
def einsum(*arguments: Any) -> Any:
    """Products of tensors, summed over the letters that the result does not name.

    A letter twice in one tensor takes the diagonal; `...` stands for the axes that are not named; without `->` the
    result names the letters that occur once, in alphabetical order. Also einsum(x, [0, 1], y, [1, 2], [0, 2]).

    >>> engine.einsum("ij,jk->ik", engine.ones(2, 3), engine.ones(3, 1))
    tensor([[3.],
            [3.]])
    """
    equation, tensors = _lettered(arguments)
    sides, arrow, result = equation.partition("->")
    names = sides.split(",")
    if len(names) != len(tensors):
        raise ShapeError("einsum", f"{len(names)} tensors for '{sides}'", len(tensors))
    rest = max(
        x.ndim - len(name.replace("...", "")) if "..." in name else 0 for name, x in zip(names, tensors, strict=True)
    )
    spare = "".join([c for c in reversed(LETTERS) if c not in equation][: max(rest, 0)])
    result = result if arrow else _implied(sides)
    names = [_spelled(name, x, spare) for name, x in zip(names, tensors, strict=True)]
    result = result.replace("...", spare)
    _check_result(result, names, spare)
    parts = [_distinct(name, x) for name, x in zip(names, tensors, strict=True)]
    sizes = _sizes(parts)
    parts = [_without_ones(name, x, sizes) for name, x in parts]
    missing = [c for c in result if not any(c in name for name, _ in parts)]
    inner = "".join(c for c in result if c not in missing)
    parts = _alone(parts, inner) if parts[1:] else parts
    equation = ",".join(name for name, _ in parts) + "->" + inner
    y = parts[0][1].einsum_op(*(x for _, x in parts[1:]), equation=equation) if parts[1:] else _summed(*parts[0], inner)
    return y.reshape(tuple(1 if c in missing else sizes[c] for c in result)) if missing else y


def _summed(name: str, x: Any, inner: str) -> Any:
    """One tensor, summed over the letters that `inner` leaves out, in its order."""
    over = tuple(i for i, c in enumerate(name) if c not in inner)
    name = "".join(c for c in name if c in inner)
    return (x.sum(over) if over else x).permute(tuple(name.index(c) for c in inner))


def _alone(parts: list[tuple[str, Any]], inner: str) -> list[tuple[str, Any]]:
    """Letters of one tensor that nothing else names are summed first: less work, and whole numbers become int64."""
    summed = []
    for k, (name, x) in enumerate(parts):
        others = inner + "".join(other for j, (other, _) in enumerate(parts) if j != k)
        kept = "".join(c for c in name if c in others)
        summed.append((kept, x if kept == name else _summed(name, x, kept)))
    whole = next((x.dtype for _, x in summed if x.dtype != parts[0][1].dtype), None)
    return summed if whole is None else [(name, x.to(whole)) for name, x in summed]


def _lettered(arguments: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The equation and its tensors, from either of PyTorch's two forms."""
    if not arguments:
        raise ShapeError("einsum(): must specify the equation string and at least one operand")
    if isinstance(arguments[0], str):
        rest = arguments[1:]
        tensors = list(rest[0]) if len(rest) == 1 and isinstance(rest[0], tuple | list) else list(rest)
        equation = arguments[0].replace(" ", "")
    else:
        tensors, lists = list(arguments[0 : len(arguments) // 2 * 2 : 2]), list(arguments[1::2])
        equation = ",".join(map(_word, lists)) + ("->" + _word(arguments[-1]) if len(arguments) % 2 else "")
    if not tensors:
        raise ShapeError("einsum(): must provide at least one operand")
    return equation, tensors


def _word(labels: Any) -> str:
    if any(not 0 <= n < 52 for n in labels if n is not Ellipsis):
        raise ShapeError("einsum", "labels from 0 to 51", list(labels))
    return "".join("..." if n is Ellipsis else LETTERS[n] for n in labels)


def _implied(sides: str) -> str:
    plain = sides.replace("...", "").replace(",", "")
    return ("..." if "..." in sides else "") + "".join(sorted(c for c in set(plain) if plain.count(c) == 1))


def _spelled(name: str, x: Any, spare: str) -> str:
    """One letter for every axis: those that `...` stands for get letters of their own."""
    before, dots, after = name.partition("...")
    for c in before + after:
        if c not in LETTERS:
            raise ShapeError(
                "einsum(): invalid subscript given in the equation string, subscripts must be in [a-zA-Z]",
                got=repr(name),
            )
    many = x.ndim - len(before) - len(after)
    if many < 0 or (many and not dots):
        raise ShapeError("einsum", f"a tensor with {len(before + after)} dims for '{name}'", words(x.shape))
    return before + (spare[len(spare) - many :] if dots else "") + after


def _check_result(result: str, names: list[str], spare: str) -> None:
    for c in result:
        if c not in LETTERS:
            raise ShapeError("einsum(): invalid subscript given in the equation string", got=repr(c))
        if result.count(c) > 1:
            raise ShapeError(f"einsum(): output subscript {c} appears more than once in the output")
        if c not in spare and not any(c in name for name in names):
            raise ShapeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")


def _distinct(name: str, x: Any) -> tuple[str, Any]:
    """A letter that occurs twice becomes the diagonal of its two axes."""
    for c in dict.fromkeys(name):
        while name.count(c) > 1:
            i = name.index(c)
            j = name.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise ShapeError(f"einsum: subscript {c} is repeated", "equal sizes", f"{x.shape[i]} and {x.shape[j]}")
            x, name = x.diagonal(0, i, j), name[:i] + name[i + 1 : j] + name[j + 1 :] + c
    return name, x


def _sizes(parts: list[tuple[str, Any]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name, x in parts:
        for c, n in zip(name, x.shape, strict=True):
            if sizes.get(c, 1) != 1 and n not in (1, sizes[c]):
                raise ShapeError("einsum(): operands do not broadcast", f"one size for '{c}'", f"{sizes[c]} and {n}")
            sizes[c] = n if sizes.get(c, 1) == 1 else sizes[c]
    return sizes


def _without_ones(name: str, x: Any, sizes: dict[str, int]) -> tuple[str, Any]:
    """Without the axes of size 1 that others stretch."""
    thin = [i for i, c in enumerate(name) if x.shape[i] == 1 and sizes[c] != 1]
    if not thin:
        return name, x
    return "".join(c for i, c in enumerate(name) if i not in thin), x.squeeze(tuple(thin))
