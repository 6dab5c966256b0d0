"""What else a tensor answers: questions about itself, exchange with other libraries, new tensors of its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract
from engine.errors import ArgumentError, GraphError, ShapeError
from engine.indexing import copy_, fill_
from engine.inplace import inplace
from engine.ops.op import words
from engine.tensor import Tensor
from engine.tensor import wrap as _tensor


def _kind(kinds: str) -> Callable[[Tensor], bool]:
    return lambda input: input.array.dtype.kind in kinds


def _always(answer: Any) -> property:
    return property(lambda input: answer)


def _said(question: Callable[[Tensor], Any], name: str, text: str) -> Callable[[Tensor], Any]:
    question.__name__, question.__qualname__, question.__doc__ = name, f"Tensor.{name}", text
    return question


QUESTIONS: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "dim": (lambda input: len(input.array.shape), "The number of axes.\n\n>>> engine.zeros(2, 3).dim()\n2\n"),
    "ndimension": (lambda input: len(input.array.shape), "The same as `dim`.\n\n>>> engine.ones(2).ndimension()\n1\n"),
    "numel": (lambda input: int(input.array.size), "The number of elements.\n\n>>> engine.zeros(2, 3).numel()\n6\n"),
    "nelement": (lambda input: int(input.array.size), "The same as `numel`.\n\n>>> engine.zeros(2, 3).nelement()\n6\n"),
    "element_size": (
        lambda input: int(input.array.dtype.itemsize),
        "The bytes of one element.\n\n>>> engine.zeros(2).element_size()\n4\n",
    ),
    "is_floating_point": (
        _kind("f"),
        "Whether the elements are floating-point.\n\n>>> engine.ones(1).is_floating_point()\nTrue\n",
    ),
    "is_signed": (_kind("fi"), "Whether there are numbers below 0.\n\n>>> engine.ones(1).bool().is_signed()\nFalse\n"),
    "is_complex": (lambda input: False, "Always False.\n\n>>> engine.ones(1).is_complex()\nFalse\n"),
    "is_conj": (lambda input: False, "Always False.\n\n>>> engine.ones(1).is_conj()\nFalse\n"),
    "is_neg": (lambda input: False, "Always False.\n\n>>> engine.ones(1).is_neg()\nFalse\n"),
    "is_inference": (lambda input: False, "Always False.\n\n>>> engine.ones(1).is_inference()\nFalse\n"),
    "is_shared": (lambda input: False, "Always False.\n\n>>> engine.ones(1).is_shared()\nFalse\n"),
    "is_pinned": (lambda input: False, "Always False.\n\n>>> engine.ones(1).is_pinned()\nFalse\n"),
    "pin_memory": (lambda input: input, "Itself.\n\n>>> engine.ones(1).pin_memory()\ntensor([1.])\n"),
    "share_memory_": (lambda input: input, "Itself.\n\n>>> engine.ones(1).share_memory_()\ntensor([1.])\n"),
    "resolve_conj": (lambda input: input, "Itself.\n\n>>> engine.ones(1).resolve_conj()\ntensor([1.])\n"),
    "resolve_neg": (lambda input: input, "Itself.\n\n>>> engine.ones(1).resolve_neg()\ntensor([1.])\n"),
    "get_device": (
        lambda input: -1 if input.device.index is None else input.device.index,
        "The number of the CUDA device; -1 on the CPU.\n\n>>> engine.ones(1).get_device()\n-1\n",
    ),
}

PROPERTIES = {
    "is_cuda": property(lambda input: input.device.type == "cuda"),
    "is_cpu": property(lambda input: input.device.type == "cpu"),
    "is_meta": property(lambda input: isinstance(input.array, Abstract)),
    "nbytes": property(lambda input: input.array.size * input.array.dtype.itemsize),
    "itemsize": property(lambda input: input.array.dtype.itemsize),
    "layout": _always(arrays_.strided),
    "names": property(lambda input: (None,) * input.ndim),
    "output_nr": _always(0),
    "real": property(lambda input: input),
    "H": property(lambda input: input.mT if input.ndim == 2 else _refuse_h(input)),
    "mH": property(lambda input: input.mT),
} | dict.fromkeys(("is_sparse", "is_quantized", "is_mps", "is_xpu", "is_mkldnn", "is_nested"), _always(False))


def _refuse_h(x: Tensor) -> Any:
    raise ShapeError("H", "a matrix", words(x.array.shape), "Use .mH for a batch of matrices.")


def is_nonzero(input: Tensor) -> bool:
    """Whether the single element is not 0.

    >>> engine.tensor([2.0]).is_nonzero()
    True
    """
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape.

    >>> engine.ones(2).is_same_size(engine.ones(3))
    False
    """
    return input.shape == other.shape


def size(input: Tensor, dim: int | None = None) -> Any:
    """The sizes of the axes, or of one axis.

    >>> engine.zeros(2, 3).size(), engine.zeros(2, 3).size(-1)
    (engine.Size([2, 3]), 3)
    """
    return input.shape if dim is None else input.shape[dim]


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same elements.

    >>> engine.equal(engine.ones(2), engine.ones(2))
    True
    """
    return input.shape == other.shape and bool((input == other).all())


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are as near as `isclose` asks.

    >>> engine.allclose(engine.tensor([1.0]), engine.tensor([1.000001]))
    True
    """
    return bool(input.isclose(other, rtol, atol, equal_nan).all())


def detach_(input: Tensor) -> Tensor:
    """Cut the tensor itself off from its history.

    >>> (engine.ones(1, requires_grad=True) * 2).detach_().requires_grad
    False
    """
    if input._view is not None:
        raise GraphError("Can't detach views in-place", hint="Use detach() instead.")
    input._node, input._requires_grad = None, False
    return input


def zero_(input: Tensor) -> Tensor:
    """Write 0 everywhere.

    >>> engine.ones(2).zero_()
    tensor([0., 0.])
    """
    return fill_(input, 0)


def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Write one number on the main diagonal; wrap: a tall matrix has several, one row apart.

    >>> engine.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]])
    """
    if input.ndim < 2 or (input.ndim > 2 and len(set(input.shape)) > 1):
        raise ShapeError("fill_diagonal_", "a matrix, or axes of equal length", words(input.array.shape))
    xp = arrays_.module_of(input.array)
    mask = xp.zeros(input.array.shape, bool)
    xp.fill_diagonal(mask, True, wrap)
    return input.masked_fill_(_tensor(mask), fill_value)


def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Put every element through a Python function (slow; on the CPU alone).

    >>> engine.tensor([1.0, 2.0]).apply_(lambda v: v + 1)
    tensor([2., 3.])
    """
    changed = np.array([callable(v) for v in input.detach().numpy().ravel().tolist()]).reshape(input.shape)
    return inplace(input, lambda old: _tensor(changed.astype(old.array.dtype)))


def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Put every pair of elements of two tensors through a Python function (slow; on the CPU alone).

    >>> engine.ones(2).map_(engine.tensor([1.0, 2.0]), lambda a, b: a + b)
    tensor([2., 3.])
    """
    other = np.broadcast_to(tensor.detach().numpy(), input.shape).ravel().tolist()
    pairs = zip(input.detach().numpy().ravel().tolist(), other, strict=True)
    changed = np.array([callable(a, b) for a, b in pairs]).reshape(input.shape)
    return inplace(input, lambda old: _tensor(changed.astype(old.array.dtype)))


# ----------------------------------------------------------------------------------- other libraries, Python
def dlpack_device(input: Tensor) -> tuple[int, int]:
    """(kind of device, its number) as the DLPack standard counts them.

    >>> engine.ones(1).__dlpack_device__()
    (1, 0)
    """
    kind, place = input.array.__dlpack_device__()
    return int(kind), int(place)


def dlpack(input: Tensor, **wanted: Any) -> Any:
    """A DLPack capsule that shares the memory.

    >>> np.from_dlpack(engine.ones(2))
    array([1., 1.], dtype=float32)
    """
    if input.requires_grad:
        raise GraphError("Can't export tensors that require gradient", hint="Use tensor.detach().")
    return input._known("__dlpack__()").__dlpack__(**wanted)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares memory with an array of another library (NumPy, CuPy, PyTorch, ...), by DLPack.

    >>> engine.from_dlpack(np.array([1, 2]))
    tensor([1, 2])
    """
    array = arrays_.from_dlpack(ext_tensor)
    arrays_.dtype_of(array.dtype)
    array = array.copy() if copy else array
    return _tensor(array if device is None else arrays_.to_device(array, device))


def _format(input: Tensor, spec: str) -> str:
    if not input.ndim and not isinstance(input.array, Abstract):
        return format(input.item(), spec)
    if spec:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    return repr(input)


def _no_delete(input: Tensor, key: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


def _wrapped_result(input: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    return _tensor(np.asarray(array))


def _reversed(input: Tensor) -> Tensor:
    return input.flip(tuple(range(input.ndim))) if input.ndim else input


def cuda_interface(input: Tensor) -> Any:
    """What other CUDA libraries need to see the memory."""
    if isinstance(input.array, np.ndarray | Abstract):
        raise AttributeError("__cuda_array_interface__: the tensor does not lie on a CUDA device")
    return input.array.__cuda_array_interface__


def as_subclass(input: Tensor, cls: type[Tensor]) -> Tensor:
    """The same memory as an object of a subclass of Tensor.

    >>> class Named(engine.Tensor): pass
    >>> type(engine.ones(1).as_subclass(Named)).__name__
    'Named'
    """
    if not issubclass(cls, Tensor):
        raise ArgumentError("as_subclass", "a subclass of Tensor", repr(cls))
    seen = cls.__new__(cls)
    for slot in ("array", "_node", "_view", "_hooks", "_requires_grad", "_cell"):
        setattr(seen, slot, getattr(input, slot))
    seen.grad = None
    return seen


METHODS: dict[str, Any] = {name: _said(f, name, text) for name, (f, text) in QUESTIONS.items()}
METHODS |= PROPERTIES
METHODS |= {
    f.__name__: f
    for f in (is_nonzero, is_same_size, size, equal, allclose, detach_, zero_, copy_, fill_, fill_diagonal_, apply_)
}
METHODS |= {
    "map_": map_,
    "as_subclass": as_subclass,
    "__dlpack__": dlpack,
    "__dlpack_device__": dlpack_device,
    "__format__": _format,
    "__delitem__": _no_delete,
    "__array_wrap__": _wrapped_result,
    "__reversed__": _reversed,
    "__cuda_array_interface__": property(cuda_interface),
}
FUNCTIONS = {"from_dlpack": from_dlpack} | {
    name: METHODS[name]
    for name in ("numel", "is_floating_point", "is_signed", "is_complex", "is_conj", "is_neg", "is_nonzero")
}
FUNCTIONS |= {name: METHODS[name] for name in ("is_same_size", "equal", "allclose", "is_inference", "detach_")}
FUNCTIONS |= {"resolve_conj": METHODS["resolve_conj"], "resolve_neg": METHODS["resolve_neg"], "zero_": zero_}
