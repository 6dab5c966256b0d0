"""The error family: facts first, sentence second.

    EngineError
    ├── ShapeError      (also RuntimeError)    shapes do not fit an operation
    ├── DTypeError      (also RuntimeError)    element types do not fit an operation
    ├── IndexOutOfRange (also IndexError)      an index or axis lies outside of a tensor
    ├── ArgumentError   (also ValueError, RuntimeError)  a bad value of an argument
    ├── OperandError    (also TypeError)       an operation needs a tensor where it got something else
    ├── DataError       (also ValueError)      a file or data set that cannot be used
    ├── GraphError      (also RuntimeError)    gradients: a graph that is freed, changed in place, or not there
    ├── DeviceError     (also RuntimeError)    a device that is missing, or tensors on different devices
    ├── OutOfMemoryError (also RuntimeError)   a graphics processor has no memory left
    ├── LinAlgError     (also RuntimeError)    a matrix is singular, or not what a decomposition needs
    └── Unsupported     (also NotImplementedError)  what PyTorch has and this engine has not

An error holds its facts (where, expected, got, hint) and prints itself from them. Each class is also the class that
PyTorch raises in that situation, so programs written for PyTorch catch what they expect.
"""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """Base of every error that the engine raises on purpose.

    where: the operation, layer or setting that refuses; expected and got: the two facts that do not fit;
    hint: what to try; node and field: the place in a drawn graph or a spec, when known.
    """

    code: ClassVar[str] = "engine"

    def __init__(
        self,
        where: str,
        expected: str = "",
        got: object = "",
        hint: str = "",
        *,
        node: str | None = None,
        field: str | None = None,
    ) -> None:
        self.where, self.expected, self.got, self.hint = where, expected, str(got), hint
        self.node, self.field = node, field
        super().__init__(where, expected, got, hint)

    def __str__(self) -> str:
        """One or two sentences made of the facts."""
        facts = [f"expected {self.expected}"] if self.expected else []
        facts += [f"got {self.got}"] if self.got else []
        sentence = f"{self.where}: {', '.join(facts)}." if facts else f"{self.where.removesuffix('.')}."
        return f"{sentence} {self.hint}".rstrip()


class ShapeError(EngineError, RuntimeError):
    """Shapes do not fit an operation."""

    code = "shape"


class DTypeError(EngineError, RuntimeError):
    """Element types do not fit an operation."""

    code = "dtype"


class IndexOutOfRange(EngineError, IndexError):
    """An index or an axis lies outside of a tensor."""

    code = "index"


class ArgumentError(EngineError, ValueError, RuntimeError):
    """An argument has a value that makes no sense there."""

    code = "argument"


class OperandError(EngineError, TypeError):
    """An operation needs a tensor where it got something else."""

    code = "operand"


class DataError(EngineError, ValueError):
    """A file or data set cannot be used."""

    code = "data"


class GraphError(EngineError, RuntimeError):
    """A gradient was asked for where the recorded graph is freed, was changed in place, or does not exist."""

    code = "graph"


class DeviceError(EngineError, RuntimeError):
    """A device is missing, or tensors lie on different devices."""

    code = "device"


class OutOfMemoryError(EngineError, RuntimeError):
    """A graphics processor has no memory left; the arrays that exist are still good."""

    code = "memory"


class ForeignMemory(DeviceError, TypeError):
    """The numbers lie on another device than the caller can read."""


class Unsupported(EngineError, NotImplementedError):
    """PyTorch has this; this engine has not."""

    code = "unsupported"


class LinAlgError(EngineError, RuntimeError):
    """A matrix is singular, or not what a decomposition needs."""

    code = "linalg"


class PlaceError(IndexOutOfRange, RuntimeError):
    """An index lies outside of a tensor, where PyTorch raises RuntimeError."""
