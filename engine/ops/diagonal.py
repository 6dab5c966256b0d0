"""Diagonals and triangles of matrices: shown, written, kept, summed."""

from __future__ import annotations

from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ShapeError
from engine.ops.moving import Moving
from engine.ops.op import OPS, Case, Op, axis_of, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


def _plane(where: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    first, second = axis_of(where, dim1, ndim), axis_of(where, dim2, ndim)
    if first == second:
        raise ShapeError("diagonal dimensions cannot be identical", got=f"{dim1}, {dim2}")
    return first, second


class Diagonal(Moving):
    """The diagonal of the matrices in two axes, as the last axis (a view).

    >>> engine.tensor([[1, 2], [3, 4]]).diagonal()
    tensor([1, 4])
    """

    latex = r"\operatorname{{diagonal}}({0})"
    cases = (
        Case(((3, 4),), {"offset": 1, "dim1": 0, "dim2": 1}),
        Case(((3, 2, 4),), {"offset": -1, "dim1": 2, "dim2": 0}),
    )

    @staticmethod
    def bind(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Call:
        first, second = _plane("diagonal", input.ndim, dim1, dim2)
        return (input,), {"offset": offset, "dim1": first, "dim2": second}

    @staticmethod
    def forward(xp: Any, x: Any, *, offset: int, dim1: int, dim2: int) -> Any:
        y = x.diagonal(offset, dim1, dim2)
        if hasattr(y.flags, "writeable"):
            y.flags.writeable = x.flags.writeable
        return y

    @staticmethod
    def infer(x: Any, *, offset: int, dim1: int, dim2: int) -> Abstract:
        rows, columns = x.shape[dim1], x.shape[dim2]
        size = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
        return Abstract((*(n for i, n in enumerate(x.shape) if i not in (dim1, dim2)), size), x.dtype)

    vjp = lambda g, _, _x, **where: (g.diagonal_backward(shape=_x.shape, **where),)


class DiagonalBackward(Op):
    """Zeros with the last axis of g written on the diagonals in two axes.

    >>> engine.ones(2).diagonal_backward(shape=(2, 2), offset=0, dim1=0, dim2=1)
    tensor([[1., 0.],
            [0., 1.]])
    """

    latex, jvp, promotion = r"\operatorname{{diag}}({0})", "linear", "none"
    cases = (Case(((2, 3),), {"shape": (3, 2, 4), "offset": 1, "dim1": 0, "dim2": 2}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, shape: Shape, offset: int, dim1: int, dim2: int) -> Any:
        full = xp.zeros(shape, g.dtype)
        Diagonal.forward(xp, full, offset=offset, dim1=dim1, dim2=dim2)[...] = g
        return full

    infer = lambda g, *, shape, offset, dim1, dim2: Abstract(shape, g.dtype)
    vjp = lambda h, _, __, *, shape, offset, dim1, dim2: (h.diagonal(offset, dim1, dim2),)


class Triangle(Op, abstract=True):
    """One side of the diagonal, the rest 0."""

    jvp, promotion = "linear", "none"
    cases = (Case(((3, 4),), {"diagonal": 0}), Case(((2, 3, 3),), {"diagonal": 1}))

    @staticmethod
    def bind(input: Any, diagonal: int = 0) -> Call:
        if input.ndim < 2:
            raise ShapeError("tril and triu", "a tensor with at least 2 dims", words(input.shape))
        return (input,), {"diagonal": diagonal}

    infer = lambda x, *, diagonal: Abstract(x.shape, x.dtype)


class Tril(Triangle):
    """The lower triangle; everything above the diagonal is 0.

    >>> engine.ones(2, 2).tril()
    tensor([[1., 0.],
            [1., 1.]])
    """

    latex = r"\operatorname{{tril}}({0})"
    forward = lambda xp, x, *, diagonal: xp.tril(x, diagonal)
    vjp = lambda g, _, __, *, diagonal: (g.tril(diagonal),)


class Triu(Triangle):
    """The upper triangle; everything below the diagonal is 0.

    >>> engine.ones(2, 2).triu()
    tensor([[1., 1.],
            [0., 1.]])
    """

    latex = r"\operatorname{{triu}}({0})"
    forward = lambda xp, x, *, diagonal: xp.triu(x, diagonal)
    vjp = lambda g, _, __, *, diagonal: (g.triu(diagonal),)


@function
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices that hold the last axis on their diagonal and 0 elsewhere.

    >>> engine.tensor([1, 2]).diag_embed()
    tensor([[1, 0],
            [0, 2]])
    """
    if not input.ndim:
        raise ShapeError("diag_embed", "a tensor with at least 1 dim", "0 dims")
    first, second = _plane("diag_embed", input.ndim + 1, dim1, dim2)
    shape, side = list(input.shape[:-1]), input.shape[-1] + abs(offset)
    for axis in sorted((first, second)):
        shape.insert(axis, side)
    return input.diagonal_backward(shape=tuple(shape), offset=offset, dim1=first, dim2=second)


@function
def diag(input: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with a vector on its diagonal.

    >>> engine.diag(engine.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    if input.ndim not in (1, 2):
        raise ShapeError("diag", "a vector or a matrix", words(input.shape))
    return input.diag_embed(diagonal) if input.ndim == 1 else input.diagonal_copy(diagonal)


@function
def diagflat(input: Any, offset: int = 0) -> Any:
    """The matrix with all elements on its diagonal.

    >>> engine.diagflat(engine.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return input.reshape((-1,)).diag_embed(offset)


@function
def diagonal_copy(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """What `diagonal` shows, in memory of its own.

    >>> engine.diagonal_copy(engine.ones(2, 2))
    tensor([1., 1.])
    """
    return input.diagonal(offset, dim1, dim2).clone()


@function
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy in which a diagonal is replaced.

    >>> engine.zeros(2, 2).diagonal_scatter(engine.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    first, second = _plane("diagonal_scatter", input.ndim, dim1, dim2)
    attrs = {"offset": offset, "dim1": first, "dim2": second}
    shown = input.diagonal(**attrs).shape
    if src.shape != shown:
        raise ShapeError("diagonal_scatter", f"a source of shape {words(shown)}", words(src.shape))
    return input.put_view(src.to(input.dtype), path=((OPS["diagonal"], attrs),))


@function
def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix.

    >>> engine.trace(engine.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if input.ndim != 2:
        raise ShapeError("trace: expected a matrix", got=words(input.shape))
    return input.diagonal().sum()
