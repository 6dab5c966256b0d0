"""What layers say about incoming shapes, all without the batch axis."""

from __future__ import annotations

from engine.errors import ArgumentError, ShapeError

Shape = tuple[int, ...]


def expect_axes(where: str, shape: Shape, count: int, words: str, hint: str) -> None:
    """Raise `ShapeError` unless an incoming shape, without the batch axis, has `count` axes."""
    if len(shape) != count:
        raise ShapeError(where=where, expected=words, got=in_brackets(shape), hint=hint)


def expect_one(where: str, shapes: tuple[Shape, ...]) -> Shape:
    """The only incoming shape. Raises: ArgumentError."""
    if len(shapes) != 1:
        raise ArgumentError(
            where=where, expected="one input", got=f"{len(shapes)}", hint="Join several inputs by Add or Concatenate."
        )
    return shapes[0]


def in_brackets(shape: Shape) -> str:
    """A shape as a person reads it: [6, 14, 14]."""
    return "[" + ", ".join(map(str, shape)) + "]"
