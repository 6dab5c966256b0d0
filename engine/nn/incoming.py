"""What layers say about incoming shapes, all without the batch axis."""

from __future__ import annotations

from typing import Any

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


def expect_picture(where: str, shapes: tuple[Shape, ...]) -> Shape:
    """The only incoming shape, which must be a picture's. Raises: ShapeError."""
    shape = expect_one(where, shapes)
    expect_axes(where, shape, 3, "a picture [channels, height, width]", "Put it before Flatten, not after.")
    return shape


def per_axis(where: str, value: Any, axes: int) -> tuple[int, ...]:
    """One size for all axes, or one for each, as a tuple. Raises: ArgumentError."""
    if not isinstance(value, tuple | list):
        return (int(value),) * axes
    if len(value) != axes:
        raise ArgumentError(where, f"one size, or {axes} of them", value)
    return tuple(int(v) for v in value)
