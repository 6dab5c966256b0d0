"""Products of matrices."""

from __future__ import annotations

from typing import Any

from engine.array import Abstract
from engine.errors import DTypeError, IndexOutOfRange, ShapeError
from engine.ops.op import Case, Op, Rule, broadcast, dtype_of_all, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Matmul(Op):
    """The matrix product over the last two axes; the axes before them are broadcast.

    >>> engine.tensor([[1, 2], [3, 4]]) @ engine.tensor([1, 1])
    tensor([3, 7])
    """

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
    """x W^T + b: a layer of neurons, one row of W for each.

    >>> engine.ones(2).linear(engine.ones(1, 2), engine.ones(1))
    tensor([3.])
    """

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
    """g^T x over all examples: the gradient of a linear layer by its weights.

    >>> engine.ones(3, 1).linear_weight(engine.ones(3, 2))
    tensor([[3., 3.]])
    """

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
    """The sum over all axes but the last: the gradient of a bias.

    >>> engine.ones(3, 2).sum_rows()
    tensor([3., 3.])
    """

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


def sized(where: str, dims: tuple[int, ...], *tensors: Any) -> None:
    """Refuse tensors with other numbers of axes."""
    if tuple(x.ndim for x in tensors) != dims:
        got = " and ".join(words(x.shape) for x in tensors)
        raise ShapeError(where, f"tensors with {' and '.join(map(str, dims))} dims", got)


def _product(where: str, dims: tuple[int, int], a: Any, b: Any, batched: bool = False) -> Any:
    sized(where, dims, a, b)
    if batched and a.shape[0] != b.shape[0]:
        raise ShapeError(where, "the same first size twice", f"{words(a.shape)} and {words(b.shape)}")
    return a @ b


@function
def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices.

    >>> engine.tensor([[1, 2], [3, 4]]).mm(engine.tensor([[1, 2], [3, 4]]))
    tensor([[ 7, 10],
            [15, 22]])
    """
    return _product("mm", (2, 2), input, mat2)


@function
def bmm(input: Any, mat2: Any) -> Any:
    """The products of two batches of matrices.

    >>> engine.ones(1, 2, 3).bmm(engine.ones(1, 3, 1)).shape
    engine.Size([1, 2, 1])
    """
    return _product("bmm", (3, 3), input, mat2, batched=True)


@function
def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix and a vector.

    >>> engine.tensor([[1, 2], [3, 4]]).mv(engine.tensor([1, 2]))
    tensor([ 5, 11])
    """
    return _product("mv", (2, 1), input, vec)


@function
def dot(input: Any, tensor: Any) -> Any:
    """The sum of the products of two vectors.

    >>> engine.tensor([1, 2]).dot(engine.tensor([1, 2]))
    tensor(5)
    """
    return _product("dot", (1, 1), input, tensor, batched=True)


@function
def vdot(input: Any, other: Any) -> Any:
    """The sum of the products of two vectors (of real numbers: the same as `dot`).

    >>> engine.vdot(engine.tensor([1, 2]), engine.tensor([1, 2]))
    tensor(5)
    """
    return _product("vdot", (1, 1), input, other, batched=True)


@function
def outer(input: Any, vec2: Any) -> Any:
    """Every element of one vector times every element of another.

    >>> engine.outer(engine.tensor([1, 2]), engine.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    sized("outer", (1, 1), input, vec2)
    return input.unsqueeze(1) * vec2


@function
def inner(input: Any, other: Any) -> Any:
    """The sums of products along the last axes of both; of vectors: their dot product.

    >>> engine.inner(engine.tensor([1, 2]), engine.tensor([3, 4]))
    tensor(11)
    """
    if not input.ndim or not other.ndim:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError("inner", "equal last sizes", f"{words(input.shape)} and {words(other.shape)}")
    return input.tensordot(other, ([-1], [-1]))


@function
def linalg_vecdot(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The sums of products along one axis.

    >>> engine.linalg.vecdot(engine.ones(2, 3), engine.ones(3))
    tensor([3., 3.])
    """
    if not broadcast("linalg.vecdot", input, other):
        raise IndexOutOfRange("linalg.vecdot", "tensors with at least 1 dim", "0 dims")
    product = input * other
    return product.sum(dim, dtype=product.dtype)


# --------------------------------------------------------------------------------- beta * x + alpha * (a product)
def _blend(where: str, x: Any, product: Any, beta: Any, alpha: Any) -> Any:
    if x.dtype != product.dtype:
        raise DTypeError(where, f"all tensors of {product.dtype}", x.dtype)
    if not product.dtype.is_floating_point:
        beta, alpha = int(beta), int(alpha)
    if broadcast(where, x, product) != product.shape:
        raise ShapeError(where, f"an input that broadcasts to {words(product.shape)}", words(x.shape))
    if product.dtype.name == "bool":
        return (product & bool(alpha)) | (x & bool(beta))
    scaled = product if alpha == 1 else product * alpha
    return scaled if beta == 0 else scaled + (x if beta == 1 else x * beta)


def fitting(where: str, left: Any, right: Any) -> Any:
    """The product, or a refusal that names the caller."""
    if left.shape[-1] != right.shape[right.ndim - 2 if right.ndim > 1 else 0]:
        raise ShapeError(
            where, "as many columns on the left as rows on the right", f"{words(left.shape)} and {words(right.shape)}"
        )
    return left @ right


@function
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta * input + alpha * (mat1 @ mat2).

    >>> engine.addmm(engine.ones(1), engine.ones(1, 2), engine.ones(2, 1))
    tensor([[3.]])
    """
    sized("addmm", (2, 2), mat1, mat2)
    return _blend("addmm", input, fitting("addmm", mat1, mat2), beta, alpha)


@function
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta * input + alpha * (mat @ vec).

    >>> engine.addmv(engine.ones(1), engine.ones(1, 2), engine.ones(2))
    tensor([3.])
    """
    sized("addmv", (2, 1), mat, vec)
    return _blend("addmv", input, fitting("addmv", mat, vec), beta, alpha)


@function
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta * input + alpha * (every element of vec1 times every element of vec2).

    >>> engine.addr(engine.ones(1), engine.ones(1), engine.ones(2))
    tensor([[2., 2.]])
    """
    product = vec1.outer(vec2)
    if input.dtype != product.dtype:
        input, product = input * product.new_ones(()), product * input.new_ones(())
    return _blend("addr", input, product, beta, alpha)


@function
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta * input + alpha * (the sum of the products of two batches of matrices).

    >>> engine.addbmm(engine.ones(1), engine.ones(2, 1, 2), engine.ones(2, 2, 1))
    tensor([[5.]])
    """
    return _blend("addbmm", input, _batched("addbmm", batch1, batch2).sum(0).to(batch1.dtype), beta, alpha)


@function
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta * input + alpha * (the products of two batches of matrices).

    >>> engine.baddbmm(engine.ones(1), engine.ones(1, 1, 2), engine.ones(1, 2, 1))
    tensor([[[3.]]])
    """
    return _blend("baddbmm", input, _batched("baddbmm", batch1, batch2), beta, alpha)


def _batched(where: str, left: Any, right: Any) -> Any:
    sized(where, (3, 3), left, right)
    if left.shape[0] != right.shape[0]:
        raise ShapeError(where, "batches of one size", f"{left.shape[0]} and {right.shape[0]}")
    return fitting(where, left, right)
