"""Products of matrices."""

from __future__ import annotations

from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Case, Op, Rule, broadcast, dtype_of_all, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Matmul(Op):
    """The matrix product over the last two axes; the axes before them are broadcast."""

    latex, jvp, promotion = r"{0}\,{1}", "multilinear", "same"
    cases = (
        Case(((3, 4), (4, 2))),
        Case(((5, 3, 4), (4, 2))),
        Case(((2, 1, 3, 4), (5, 4, 2))),
        Case(((4,), (4,))),
        Case(((3, 4), (4,))),
        Case(((4,), (4, 2))),
        Case(((5, 3, 4), (4,))),
    )

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.matmul(a, b)

    @staticmethod
    def infer(a: Any, b: Any) -> Abstract:
        if not a.ndim or not b.ndim:
            raise ShapeError("matmul", "two tensors with at least 1 dim", f"{words(a.shape)} and {words(b.shape)}")
        inner = b.shape[0] if b.ndim == 1 else b.shape[-2]
        if a.shape[-1] != inner:
            hint = f"The left one has {a.shape[-1]} columns, the right one {inner} rows: they must be equal."
            got = f"{words(a.shape)} @ {words(b.shape)}"
            raise ShapeError("matmul", f"{inner} columns on the left to meet {inner} rows on the right", got, hint)
        lead = broadcast("matmul", Abstract(a.shape[:-2]), Abstract(b.shape[:-2]))
        rows = a.shape[-2:-1] if a.ndim > 1 else ()
        columns = b.shape[-1:] if b.ndim > 1 else ()
        return Abstract((*lead, *rows, *columns), dtype_of_all(a, b))

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Rule:
        if a.ndim == 1 and b.ndim == 1:
            return lambda: g * b, lambda: g * a
        left, right = (a.unsqueeze(0) if a.ndim == 1 else a), (b.unsqueeze(1) if b.ndim == 1 else b)
        if a.ndim == 1 or b.ndim == 1:
            g = g.unsqueeze(-2 if a.ndim == 1 else -1)
        return lambda: _shaped(g @ right.mT, a), lambda: _shaped(left.mT @ g, b)


def _shaped(gradient: Any, like: Any) -> Any:
    """The gradient of a vector that took part as a matrix, as a vector again."""
    if like.ndim > 1:
        return gradient
    batch = tuple(range(gradient.ndim - 2))
    return (gradient.sum(batch) if batch else gradient).reshape(like.shape)


class Linear(Op):
    """x W^T + b: a layer of neurons, one row of W for each."""

    latex, promotion = r"{0}\,{1}^\top + {2}", "same"
    cases = (
        Case(((3, 4), (2, 4), (2,))),
        Case(((5, 3, 4), (2, 4), (2,))),
        Case(((4,), (2, 4), (2,))),
        Case(((3, 4), (2, 4))),
    )

    @staticmethod
    def forward(xp: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        y = xp.matmul(x, weight.T)
        if bias is not None:
            y += bias
        return y

    @staticmethod
    def infer(x: Any, weight: Any, bias: Any = None) -> Abstract:
        if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
            hint = f"Set in_features to {x.shape[-1]}, or flatten the input first." if x.ndim else ""
            raise ShapeError("linear", f"an input whose last size is {weight.shape[-1]}", words(x.shape), hint)
        if bias is not None and bias.shape != weight.shape[:1]:
            raise ShapeError("linear", f"a bias of shape {words(weight.shape[:1])}", words(bias.shape))
        return Abstract((*x.shape[:-1], weight.shape[0]), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, weight: Any, __: Any = None) -> Rule:
        return lambda: g @ weight, lambda: g.linear_weight(x), lambda: g.sum_rows()


class LinearWeight(Op):
    """g^T x over all examples: the gradient of a linear layer by its weights."""

    latex, jvp, promotion = r"{0}^\top\,{1}", "multilinear", "same"
    cases = (Case(((3, 4), (3, 2))), Case(((5, 3, 4), (5, 3, 2))), Case(((4,), (2,))))

    @staticmethod
    def forward(xp: Any, g: Any, x: Any) -> Any:
        if g.ndim != 2:
            g, x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        return xp.matmul(g.T, x)

    @staticmethod
    def infer(g: Any, x: Any) -> Abstract:
        return Abstract((g.shape[-1], x.shape[-1]), x.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, x: Any) -> Rule:
        return lambda: x.linear(h), lambda: g @ h


class SumRows(Op):
    """The sum over all axes but the last: the gradient of a bias."""

    latex, jvp, promotion = r"\sum_i {0}_i", "linear", "none"
    cases = (Case(((3, 4),)), Case(((2, 3, 4),)), Case(((4,),)))

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.add.reduce(x if x.ndim == 2 else x.reshape(-1, x.shape[-1]), axis=0)

    @staticmethod
    def infer(x: Any) -> Abstract:
        return Abstract(x.shape[-1:], x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any) -> Rule:
        return (g.expand(_x.shape),)


class Einsum(Op):
    """Products and sums named by letters, as in `einsum("ij,jk->ik", a, b)`."""

    name = "einsum_op"
    latex, jvp, promotion = r"\operatorname{{einsum}}", "multilinear", "same"
    cases = (
        Case(((3, 4), (4, 2)), {"equation": "ij,jk->ik"}),
        Case(((2, 3, 4), (2, 4, 5)), {"equation": "bij,bjk->bik"}),
        Case(((3, 4),), {"equation": "ij->j"}),
    )

    @staticmethod
    def forward(xp: Any, *xs: Any, equation: str) -> Any:
        return xp.einsum(equation, *xs, optimize=len(xs) > 1)

    @staticmethod
    def infer(*xs: Any, equation: str) -> Abstract:
        sides, _, result = equation.partition("->")
        sizes: dict[str, int] = {}
        for letters, x in zip(sides.split(","), xs, strict=True):
            if len(letters) != x.ndim:
                raise ShapeError("einsum", f"a tensor with {len(letters)} dims for '{letters}'", words(x.shape))
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
            part = g.einsum_with(*(xs[i] for i in others), equation=f"{names}->{inner}")
            spread = tuple(n if c in known else 1 for c, n in zip(letters[k], xs[k].shape, strict=True))
            return part.reshape(spread).expand(xs[k].shape)

        return tuple((lambda k=k: slope(k)) for k in range(len(xs)))


@function
def einsum_with(x: Any, *others: Any, equation: str) -> Any:
    """`x.einsum_with(y, equation=e)` is `einsum(e, x, y)`."""
    return einsum(equation, x, *others)


@function
def einsum(equation: str, *operands: Any) -> Any:
    """Products and sums named by letters; each letter at most once in a tensor, no `...`."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], tuple | list) else operands
    equation = equation.replace(" ", "")
    sides, arrow, _ = equation.partition("->")
    if "." in equation or any(len(set(part)) != len(part) for part in sides.split(",")):
        raise ArgumentError("einsum", "letters without repetition inside a tensor and without '...'", repr(equation))
    if len(sides.split(",")) != len(tensors):
        raise ArgumentError("einsum", f"{len(sides.split(','))} tensors", len(tensors))
    if not arrow:
        single = sorted(c for c in set(sides) - {","} if sides.count(c) == 1)
        equation = f"{sides}->{''.join(single)}"
    return tensors[0].einsum_op(*tensors[1:], equation=equation)


@function
def outer(a: Any, b: Any) -> Any:
    """Every element of a times every element of b."""
    return a.unsqueeze(1) * b


def _alias(name: str, dims: tuple[int, int], text: str) -> None:
    def product(a: Any, b: Any) -> Any:
        if (a.ndim, b.ndim) != dims:
            expected = f"tensors with {dims[0]} and {dims[1]} dims"
            raise ShapeError(name, expected, f"{words(a.shape)} and {words(b.shape)}")
        return a @ b

    product.__name__, product.__doc__ = name, text
    function(product)


_alias("mm", (2, 2), "The product of two matrices.")
_alias("bmm", (3, 3), "The products of two batches of matrices.")
_alias("mv", (2, 1), "The product of a matrix and a vector.")
_alias("dot", (1, 1), "The sum of the products of two vectors.")


@function
def addmm(x: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta * x + alpha * (a @ b)."""
    product = a @ b
    return (x if beta == 1 else x * beta) + (product if alpha == 1 else product * alpha)
