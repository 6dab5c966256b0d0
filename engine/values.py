"""From tensors to Python: numbers, lists, NumPy arrays, truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract
from engine.declared import Declared
from engine.errors import ArgumentError, ForeignMemory, GraphError, ShapeError, Unsupported
from engine.graph import tell
from engine.ops.op import words

if TYPE_CHECKING:
    from engine.tensor import Tensor

ndarray = np.ndarray


class Values(Declared):
    """What Python can ask of a tensor's numbers; the base of Tensor."""

    __slots__ = ()
    array: Any

    if TYPE_CHECKING:
        requires_grad: Any
        device: Any

    def item(self) -> Any:
        """The number in a tensor of one element.

        >>> engine.tensor([2.5]).item()
        2.5
        """
        values = self._known("item()")
        if values.size != 1:
            raise ShapeError("item()", "a tensor with 1 element", f"shape {words(values.shape)}")
        return values.item()

    def tolist(self) -> Any:
        """The numbers as nested lists.

        >>> engine.tensor([[1, 2]]).tolist()
        [[1, 2]]
        """
        return arrays_.to_host(self._known("tolist()")).tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The NumPy array, sharing memory; force: also of a tensor with history or on a device (then a copy).

        >>> engine.ones(2).numpy()
        array([1., 1.], dtype=float32)
        """
        if force:
            return arrays_.to_host(self._known("numpy()"))
        if self.requires_grad:
            raise GraphError("Can't call numpy() on Tensor that requires grad", hint="Use tensor.detach().numpy().")
        values = self._known("numpy()")
        if not isinstance(values, ndarray):
            raise ForeignMemory("numpy()", "a tensor on the CPU", self.device, "Use tensor.cpu().numpy().")
        return values

    def _known(self, what: str) -> Any:
        if isinstance(self.array, Abstract):
            raise GraphError(what, "a tensor with values", "one of which only shape and dtype are known")
        tell("looked", self, what)
        return self.array

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ArgumentError(
                "bool()", "a tensor with 1 element", f"shape {words(self.array.shape)}", "Use .any() or .all()."
            )
        return bool(self._known("bool()"))

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iu":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.array.shape:
            raise TypeError("len() of a 0-d tensor")
        return int(self.array.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __complex__(self) -> complex:
        raise Unsupported("complex()", "a real number", "a request for a complex one", "Use float(x).")

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    __hash__ = object.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.numpy(), dtype, copy=copy) if copy else np.asarray(self.numpy(), dtype)
