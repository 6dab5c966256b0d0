"""Tensor, and `apply`: the one place where an op runs and is recorded.

A tensor that came out of an op points to a `Node`: the op, what its gradient rule reads, and edges to the nodes of the
inputs. Edges never point to tensors (but for leaves, which have no node), because an in-place write re-points a tensor,
and the history that others hold must not move with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract, Device, DType, result_type
from engine.errors import DTypeError, GraphError, OutOfMemoryError
from engine.graph import SHOW, SIZES, Node, Notes, Size, View, current_mode, named, new_size, read_mode, show_node, tell
from engine.operands import explain, one_device
from engine.ops.elementwise import Cast
from engine.ops.op import SHAPE, VALUES, Op
from engine.values import Values

FLOAT, DOUBLE = np.dtype("f4"), np.dtype("f8")
NUMBERS = frozenset((float, int, bool, type(None)))
ndarray, NUMBER = np.ndarray, np.generic


class Tensor(Values):
    """An array that can remember how it was computed. `Tensor(data)` makes a float tensor; see also `engine.tensor()`.

    array: the NumPy or CuPy array (`Abstract` where only shape and dtype are known); grad: set by `backward()`.
    """

    __slots__ = ("__dict__", "__weakref__", "_cell", "_hooks", "_node", "_requires_grad", "_view", "array", "grad")
    __array_priority__ = 1000
    array: Any
    grad: Tensor | None

    def __init__(self, data: Any = (), *sizes: Any, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor):
            data = data.array
        elif data.__class__ is int or data.__class__ is Size:
            data = np.zeros(data if isinstance(data, Size) else (data, *sizes), arrays_.default_dtype())
        elif arrays_.is_array(data):  # of whatever type: PyTorch's constructor makes floats of them
            data = data.astype(arrays_.default_dtype(), copy=False)
        elif not isinstance(data, Abstract):
            data = np.array(data, arrays_.default_dtype())
        self.array = data
        self._node: Node | None = None
        self.grad = None
        self._cell, self._view, self._hooks = [0], None, None
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = True

    if TYPE_CHECKING:
        _cell: list[int]
        _view: View | None
        _hooks: Notes | None

    # ------------------------------------------------------------------------------------------------ facts
    @property
    def shape(self) -> Size:
        """The sizes of the axes."""
        try:
            return SIZES[self.array.shape]
        except KeyError:
            return new_size(self.array.shape)

    @property
    def dtype(self) -> DType:
        """The element type."""
        return arrays_.OF_NUMPY[self.array.dtype]

    @property
    def device(self) -> Device:
        """Where the numbers lie."""
        return arrays_.device_of(self.array)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.array.shape)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for it."""
        if self._view is not None:
            refresh(self)
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if on and self.array.dtype.kind != "f":
            raise DTypeError("requires_grad", "a floating-point tensor (only they have gradients)", self.dtype)
        if not on and self._node is not None:
            raise GraphError("you can only change requires_grad flags of leaf variables", hint="Use x.detach().")
        self._requires_grad = bool(on)

    @property
    def grad_fn(self) -> Node | None:
        """The record of the op that made it; None for a leaf."""
        if self._view is not None:
            refresh(self)
        return self._node if self._node is None else show_node(self._node)

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, not by an op with history."""
        return self.grad_fn is None

    @property
    def data(self) -> Tensor:
        """The same memory without history."""
        return named(self, wrap(self.array))

    @data.setter
    def data(self, other: Tensor) -> None:
        tell("pointed", self, other.array)
        self.array = named(self, other).array

    @property
    def _version(self) -> int:
        """How often the memory was written to."""
        return self._cell[0]

    def __repr__(self) -> str:
        return FORMAT[0](self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._node is not None:
            raise GraphError(
                "Only Tensors created explicitly by the user support deepcopy", hint="Use x.detach().clone()."
            )
        copied: Tensor = wrap(self.array if isinstance(self.array, Abstract) else self.array.copy(), type(self))
        memo[id(self)] = copied
        copied._requires_grad = self._requires_grad
        copied.grad = None if self.grad is None else self.grad.detach().clone()
        copied.__dict__.update(self.__dict__)
        return copied

    def __reduce__(self) -> Any:
        return rebuild, (type(self), arrays_.to_host(self._known("pickle")), self._requires_grad)

    # ------------------------------------------------------------------------------------------ history
    def detach(self) -> Tensor:
        """The same memory without history; a write to one is seen (and noticed) by the other.

        >>> (engine.ones(1, requires_grad=True) * 2).detach()
        tensor([2.])
        """
        cut = wrap(self.array)
        cut._cell = self._cell
        return named(self, cut)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients (or not) in place; returns itself.

        >>> engine.ones(1).requires_grad_()
        tensor([1.], requires_grad=True)
        """
        self.requires_grad = requires_grad
        return self

    def changed(self) -> None:
        """Say that `array` was written to directly, so that a gradient that needs the old values is refused.

        >>> x = engine.ones(1); x.array += 1; x.changed(); x._version
        1
        """
        self._cell[0] += 1
        tell("changed", self)

    def via(self, path: tuple[tuple[type[Op], dict[str, Any]], ...]) -> Tensor:
        """This tensor through a chain of (op, attrs) of one input.

        >>> from engine.ops import OPS
        >>> engine.ones(1).via(((OPS["neg"], {}),))
        tensor([-1.])
        """
        seen = self
        for op, attrs in path:
            seen = apply(op, (seen,), attrs)
        return seen


FORMAT: list[Callable[[Tensor], str]] = [lambda t: f"tensor({t.array!r})"]


_new = Tensor.__new__


def wrap(array: Any, kind: type[Tensor] = Tensor) -> Tensor:
    """A tensor around an array, without copying and without history."""
    t = _new(kind)
    t.array = array
    t._node = t._view = t._hooks = t.grad = None
    t._requires_grad = False
    t._cell = [0]
    return t


SHOW.append(lambda kept: wrap(kept) if arrays_.is_array(kept) else kept)


def rebuild(kind: type[Tensor], array: Any, requires_grad: bool) -> Tensor:
    """A tensor of a class from its array (for pickle)."""
    t: Tensor = wrap(array, kind)
    t._requires_grad = requires_grad
    return t


def abstract(shape: Any, dtype: Any = "float32", requires_grad: bool = False) -> Tensor:
    """A tensor of which only shape and dtype are known: a network's forward on it checks shapes, without memory."""
    t = wrap(Abstract(arrays_.as_shape("abstract", shape), arrays_.dtype_of(dtype)))
    t.requires_grad = requires_grad
    return t


# ------------------------------------------------------------------------------------------ the one entry point
def apply(op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Tensor:
    """Run an op on tensors and Python numbers, and record it where somebody wants that."""
    mode = read_mode() or current_mode()
    arrays: list[Any] = []
    dtype, plain, history, hollow = None, True, False, False
    for t in inputs:
        if isinstance(t, Tensor):
            if t._view is not None:
                refresh(t)
            a = t.array
            if a.__class__ is not ndarray:
                hollow = a.__class__ is Abstract
                plain = plain and hollow
            if a.dtype is not dtype:
                if dtype is None or (op.promotion == "tail" and len(arrays) == 1):
                    dtype = a.dtype
                elif op.promotion != "none":
                    plain = False
            history = history or t._requires_grad
            arrays.append(a)
        else:
            plain = plain and t.__class__ in NUMBERS
            arrays.append(t)
    if not plain or not (dtype is FLOAT or dtype is DOUBLE or op.promotion == "none"):
        inputs, arrays, out = _carefully(op, inputs, attrs)
    elif hollow:
        out = op.infer(*arrays, **attrs)
    else:
        try:
            out = op.forward(np, *arrays, **attrs)
        except (ValueError, IndexError, TypeError, OverflowError) as refusal:
            explain(op, arrays, attrs, refusal)
        # NumPy's number becomes an array; a transfer gives CuPy's array
        if out.__class__ is not ndarray and (isinstance(out, NUMBER) or not arrays_.is_array(out)):
            out = np.asarray(out)
    y = wrap(out)
    if history and mode.grad and op.vjp is not None and out.dtype.kind == "f":
        if len(arrays) == 1 and op.jvp != "multilinear":
            y._node = _record_one(op, inputs[0], arrays[0], attrs, y)
        else:
            y._node = _record(op, inputs, arrays, attrs, y)
        y._requires_grad = True
    if op.view:
        _look_into(op, inputs[0], attrs, y)
    if mode.recorders:
        for recorder in mode.recorders:
            recorder.record(op, inputs, attrs, y)
    return y


def _record(op: type[Op], inputs: tuple[Any, ...], arrays: list[Any], attrs: dict[str, Any], y: Tensor) -> Node:
    """The node of one run: edges, what the rule reads, and the versions of that."""
    edges: list[Any] = []
    saved: list[Any] = []
    guards: list[Any] = []
    reads, reads_output = op.reads, op.reads_output
    if len(reads) < len(inputs):
        reads += (op.reads_rest,) * (len(inputs) - len(reads))
    if op.reads_when is not None:
        reads, reads_output = op.reads_when[tuple([t.__class__ not in NUMBERS and t._requires_grad for t in inputs])]
    if op.jvp == "multilinear":
        reads = _partners(inputs)
    for place, t in enumerate(inputs):
        if t.__class__ in NUMBERS:
            edges.append(None)
            saved.append(t)
        else:
            a, read = arrays[place], reads[place]
            edges.append((t._node or t) if t._requires_grad else None)
            if read == VALUES:
                saved.append(a)
                guards.append((t._cell, t._cell[0], a))
            else:
                saved.append(Abstract.of(a) if read else (a.shape, a.dtype))
    out = y.array
    if reads_output == VALUES:
        guards.append((y._cell, 0, out))
        return Node(op, attrs, edges, saved, guards, out)
    return Node(op, attrs, edges, saved, guards, Abstract.of(out) if reads_output else (out.shape, out.dtype))


def _record_one(op: type[Op], t: Tensor, a: Any, attrs: dict[str, Any], y: Tensor) -> Node:
    """`_record` for one input."""
    out, guards, kept, last = y.array, [], a, y.array
    read, reads_output = op.reads[0] if op.reads else op.reads_rest, op.reads_output
    if read == VALUES:
        guards.append((t._cell, t._cell[0], a))
    else:
        kept = Abstract.of(a) if read else (a.shape, a.dtype)
    if reads_output == VALUES:
        guards.append((y._cell, 0, out))
    else:
        last = Abstract.of(out) if reads_output else (out.shape, out.dtype)
    return Node(op, attrs, [t._node or t], [kept], guards, last)


def _partners(inputs: tuple[Any, ...]) -> tuple[int, ...]:
    """In a product, an input's values are read if one of the others needs a gradient."""
    wanted = [t.__class__ not in NUMBERS and t._requires_grad for t in inputs]
    if len(wanted) == 2:
        return VALUES if wanted[1] else SHAPE, VALUES if wanted[0] else SHAPE
    total = sum(wanted)
    return tuple(VALUES if total > w else SHAPE for w in wanted)


def _look_into(op: type[Op], x: Tensor, attrs: dict[str, Any], y: Tensor) -> None:
    """Note that y looks into the memory of x (where it does: a reshape may have to copy)."""
    a, b = x.array, y.array
    if a.__class__ is ndarray and b is not a:
        memory = b.base
        if memory is not a and (memory is None or memory is not a.base):
            return
    cell = y._cell = x._cell
    outer, here = x._view, (op, attrs)
    y._view = View(x, (here,), cell[0]) if outer is None else View(outer.base, (*outer.path, here), cell[0])


def refresh(t: Tensor) -> None:
    """A view whose memory was written to since: derive its history again from the base."""
    view = t._view
    if view is None or view.seen == t._cell[0]:
        return
    view.seen = t._cell[0]
    if view.base._requires_grad or t._requires_grad:
        again = view.base.via(view.path)
        t._node, t._requires_grad = again._node, again._requires_grad


def as_operand(value: Any) -> Any:
    """A tensor, or a Python number, from whatever may stand beside a tensor in a formula."""
    if isinstance(value, Tensor) or value.__class__ in NUMBERS:
        return value
    if isinstance(value, np.generic):
        return value.item()
    if arrays_.is_array(value):
        return wrap(value)
    if isinstance(value, int | float):
        return float(value) if isinstance(value, float) else int(value)
    raise TypeError(f"expected a tensor or a number, got {type(value).__name__}")


def _carefully(op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> tuple[tuple[Any, ...], list[Any], Any]:
    """The long way: numbers and arrays become operands, dtypes are unified, devices and hollow inputs looked at."""
    operands = _promoted(op, [as_operand(t) for t in inputs])
    arrays = [t.array if isinstance(t, Tensor) else t for t in operands]
    if any(isinstance(a, Abstract) for a in arrays):
        return operands, arrays, op.infer(*arrays, **attrs)
    xp, arrays = one_device(op, arrays)
    try:
        out = op.forward(xp, *arrays, **attrs)
    except MemoryError as refusal:
        raise OutOfMemoryError(op.name, "room for the result", str(refusal), "Make the batch smaller.") from refusal
    except (ValueError, IndexError, TypeError, OverflowError) as refusal:
        explain(op, arrays, attrs, refusal)
    return operands, arrays, out if xp is not np else np.asarray(out)


def _promoted(op: type[Op], operands: list[Any]) -> tuple[Any, ...]:
    """The operands with one element type, as the op's `promotion` says; casts are recorded like any op."""
    if op.promotion == "none":
        return tuple(operands)
    free = 1 if op.promotion == "tail" else 0
    heard = [t.array if isinstance(t, Tensor) else t for t in operands[free:] if t is not None]
    dtype = result_type(heard)
    if op.promotion == "same" and any(a.dtype != dtype for a in heard if hasattr(a, "dtype")):
        kinds = " and ".join(str(arrays_.OF_NUMPY[a.dtype]) for a in heard)
        raise DTypeError(op.name, "tensors of one dtype", kinds, "Convert one of them, e.g. with .float().")
    if op.promotion == "float" and dtype.kind != "f":
        dtype = arrays_.default_dtype()
    rest = [_as_dtype(t, dtype) for t in operands[free:]]
    if free and not any(isinstance(t, Tensor) for t in rest):
        rest = [wrap(np.array(t, dtype)) for t in rest]
    return (*operands[:free], *rest)


def _as_dtype(t: Any, dtype: Any) -> Any:
    if not isinstance(t, Tensor):
        return t if t is None else float(t) if dtype.kind == "f" else arrays_.wrapped(t, dtype)
    return t if t.array.dtype == dtype else apply(Cast, (t,), {"dtype": dtype})
