"""One tensor cut into pieces, pieces replaced, and copies of what views show."""

from __future__ import annotations

import itertools
from typing import Any

from engine.array import as_shape
from engine.errors import IndexOutOfRange, PlaceError, ShapeError
from engine.ops.op import axis_of, function, words


@function
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """`length` positions of an axis, from `start` on (a view).

    >>> engine.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    if not input.ndim:
        raise ShapeError("narrow() cannot be applied to a 0-dim tensor.")
    if hasattr(start, "ndim") and (start.ndim or start.dtype.is_floating_point or start.dtype.name == "bool"):
        raise ShapeError("start must be an 0-dim integral Tensor.", got=f"{words(start.shape)} {start.dtype}")
    axis, first = axis_of("narrow", dim, input.ndim), start.__index__()
    size = input.shape[axis]
    if length < 0:
        raise ShapeError("narrow(): length must be non-negative.", got=length)
    if not -size <= first <= size:
        raise IndexOutOfRange("narrow", f"a start from {-size} to {size}", first)
    first += size if first < 0 else 0
    if first + length > size:
        raise ShapeError("narrow", f"start + length of at most {size}", f"{first} + {length}")
    return input[(slice(None),) * axis + (slice(first, first + length),)]


@function
def select(input: Any, dim: int, index: Any) -> Any:
    """One position of an axis, which disappears (a view).

    >>> engine.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    if not input.ndim:
        raise IndexOutOfRange("select() cannot be applied to a 0-dim tensor.")
    return input[(slice(None),) * axis_of("select", dim, input.ndim) + (index.__index__(),)]


@function
def slice_(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """The positions of an axis from `start` up to `end`, every `step`-th (a view).

    >>> engine.arange(5).slice(0, 1, 5, 2)
    tensor([1, 3])
    """
    return input[(slice(None),) * axis_of("slice", dim, input.ndim) + (slice(start, end, step),)]


@function
def split(input: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Pieces of one size (or of the listed sizes) along an axis, as views.

    >>> engine.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if isinstance(split_size_or_sections, tuple | list):
        return input.split_with_sizes(split_size_or_sections, dim)
    total, size = _extent("split", input, dim), split_size_or_sections.__index__()
    if size < 0 or (size == 0 and total):
        raise ShapeError("split expects split_size be non-negative", got=f"split_size={size}")
    return input.split_with_sizes([min(size, total - start) for start in range(0, total, size or 1)] or [0], dim)


def _extent(where: str, x: Any, dim: int) -> int:
    if not x.ndim:
        raise ShapeError(f"{where} expects at least a 1-dimensional tensor", got="a tensor with 0 dims")
    return int(x.shape[axis_of(where, dim, x.ndim)])


@function
def split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> Any:
    """Pieces of the listed sizes along an axis, as views.

    >>> engine.arange(5).split_with_sizes([1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    total, sizes = _extent("split_with_sizes", input, dim), as_shape("split_with_sizes", split_sizes)
    if sum(sizes) != total or min(sizes, default=0) < 0:
        raise ShapeError("split_with_sizes", f"sizes of at least 0 that sum to {total}", list(sizes))
    starts = itertools.accumulate((0, *sizes[:-1]))
    return tuple(input.narrow(dim, start, size) for start, size in zip(starts, sizes, strict=False))


@function
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of equal size along an axis, as views.

    >>> engine.arange(5).chunk(2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    total = _extent("chunk", input, dim)
    if chunks < 1:
        raise ShapeError("chunk expects `chunks` to be greater than 0", got=chunks)
    return input.split(-(-total // chunks), dim) if total else input.split_with_sizes([0] * chunks, dim)


@function
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    """A number of pieces of (almost) equal size, or pieces that end before the listed positions; views.

    >>> engine.arange(5).tensor_split(3), engine.arange(5).tensor_split([1])
    ((tensor([0, 1]), tensor([2, 3]), tensor([4])), (tensor([0]), tensor([1, 2, 3, 4])))
    """
    total, given = _extent("tensor_split", input, dim), indices_or_sections
    if hasattr(given, "ndim"):
        if given.ndim > 1 or given.dtype.name != "int64":
            raise ShapeError("tensor_split", "a number or a vector of int64 on the CPU", f"{given.dtype}")
        given = given.tolist()
    if isinstance(given, tuple | list):
        ends = [*(i.__index__() for i in given), total]
        at = (slice(None),) * axis_of("tensor_split", dim, input.ndim)
        return tuple(
            input[(*at, slice(a, max(a, b) if b >= 0 and a >= 0 else b))] for a, b in itertools.pairwise((0, *ends))
        )
    if given <= 0:
        raise ShapeError("number of sections must be larger than 0", got=given)
    small, more = divmod(total, given)
    return input.split_with_sizes([small + 1] * more + [small] * (given - more), dim)


def _along(name: str, rank: int, axis: int, text: str, example: str) -> None:
    def cut(input: Any, indices_or_sections: Any) -> Any:
        if input.ndim < rank:
            raise ShapeError(name, f"a tensor with at least {rank} dims", words(input.shape))
        dim = 0 if name == "hsplit" and input.ndim == 1 else axis
        many = indices_or_sections
        if isinstance(many, int) and (many < 1 or input.shape[dim] % many):
            raise ShapeError(name, f"a number of pieces that divides {input.shape[dim]}", many)
        return input.tensor_split(many, dim)

    cut.__name__, cut.__doc__ = name, f"{text}\n\n    {example}\n    "
    function(cut)


_along(
    "hsplit", 1, 1, "Cut into pieces side by side (along dim 1; a vector along dim 0), as views.",
    ">>> engine.hsplit(engine.tensor([1, 2]), 2)\n    (tensor([1]), tensor([2]))",
)  # fmt: skip
_along(
    "vsplit", 2, 0, "Cut into pieces under each other (along dim 0), as views.",
    ">>> engine.vsplit(engine.tensor([[1], [2]]), 2)\n    (tensor([[1]]), tensor([[2]]))",
)  # fmt: skip
_along(
    "dsplit", 3, 2, "Cut into pieces behind each other (along dim 2), as views.",
    ">>> engine.dsplit(engine.tensor([[[1, 2]]]), 2)\n    (tensor([[[1]]]), tensor([[[2]]]))",
)  # fmt: skip


@function
def unbind(input: Any, dim: int = 0) -> Any:
    """All positions of an axis, one by one, as views.

    >>> engine.tensor([[1, 2], [3, 4]]).unbind()
    (tensor([1, 2]), tensor([3, 4]))
    """
    if not input.ndim:
        raise IndexOutOfRange("unbind", "a tensor with at least 1 dim", "0 dims")
    return tuple(input.select(dim, i) for i in range(_extent("unbind", input, dim)))


# ------------------------------------------------------------------------------------- copies of what views show
COPIED = {
    "narrow": "(0, 0, 1)", "split": "(1)", "split_with_sizes": "([1, 1])", "unbind": "()", "select": "(0, 1)",
    "slice": "(0, 1)", "expand": "(2, 2)", "permute": "(0,)", "squeeze": "()", "t": "()", "transpose": "(0, 0)",
    "unsqueeze": "(0)", "view": "(2, 1)", "unfold": "(0, 1, 1)", "alias": "()", "as_strided": "((2,), (1,))",
}  # fmt: skip


def _copying(name: str, example: str) -> None:
    def copy(input: Any, *arguments: Any, **named: Any) -> Any:
        try:
            seen = getattr(input, name)(*arguments, **named)
        except IndexOutOfRange as refusal:
            if name != "narrow":
                raise
            raise PlaceError(refusal.where, refusal.expected, refusal.got) from refusal
        return tuple(part.clone() for part in seen) if isinstance(seen, tuple) else seen.clone()

    copy.__name__ = f"{name}_copy"
    copy.__doc__ = f"""What `{name}` shows, in memory of its own.

    >>> x = engine.ones(2); y = engine.{name}_copy(x{", " if len(example) > 2 else ""}{example[1:]}
    """
    function(copy)


for _name, _example in COPIED.items():
    _copying(_name, _example)


@function
def alias(input: Any) -> Any:
    """The same memory once more (a view).

    >>> engine.tensor([1, 2]).alias()
    tensor([1, 2])
    """
    return input[...]


@function
def unsafe_split(input: Any, split_size: int, dim: int = 0) -> Any:
    """The same as `split`.

    >>> engine.unsafe_split(engine.arange(2), 1)
    (tensor([0]), tensor([1]))
    """
    return input.split(split_size, dim)


@function
def unsafe_chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """The same as `chunk`.

    >>> engine.unsafe_chunk(engine.arange(2), 2)
    (tensor([0]), tensor([1]))
    """
    return input.chunk(chunks, dim)


def _scattered(input: Any, src: Any, key: tuple[Any, ...], where: str) -> Any:
    shape = input[key].shape
    if src.shape != shape:
        raise ShapeError(where, f"a source of shape {words(shape)}", words(src.shape))
    return input.write_at(src.to(input.dtype), key=key)


@function
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy in which one position of an axis is replaced.

    >>> engine.zeros(2, 2).select_scatter(engine.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    return _scattered(
        input, src, (slice(None),) * axis_of("select_scatter", dim, input.ndim) + (index,), "select_scatter"
    )


@function
def slice_scatter(input: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """A copy in which the positions from `start` up to `end` of an axis are replaced.

    >>> engine.zeros(4).slice_scatter(engine.ones(2), 0, 2)
    tensor([0., 0., 1., 1.])
    """
    key = (slice(None),) * axis_of("slice_scatter", dim, input.ndim) + (slice(start, end, step),)
    return _scattered(input, src, key, "slice_scatter")


@function
def as_strided_scatter(input: Any, src: Any, size: Any, stride: Any, storage_offset: Any = None) -> Any:
    """A copy in which what `as_strided` shows is replaced.

    >>> engine.zeros(4).as_strided_scatter(engine.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    whole = input.clone()
    part = whole.as_strided(size, stride, storage_offset)
    if part.shape != src.shape:
        raise ShapeError("as_strided_scatter", f"a source of shape {words(part.shape)}", words(src.shape))
    part.copy_(src)
    return whole
