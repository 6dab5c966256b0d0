"""What is remembered of a computation: nodes, views, and the mode that says whether anything is."""

from __future__ import annotations

import itertools
import math
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from engine.array import quiet
from engine.errors import GraphError
from engine.ops.op import Op

if TYPE_CHECKING:
    from engine.tensor import Tensor


class Recorder:
    """Something that wants to know of every op: a trace, dual numbers, a profile. Fill in what is of interest."""

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """An op ran."""

    def copied(self, old: Tensor, new: Tensor) -> None:
        """`new` holds what `old` held before a write in place."""

    def written(self, target: Tensor, value: Tensor) -> None:
        """`value` was written into the memory of `target`."""

    def enter(self, node: Node, inputs: list[Any], output: Any) -> None:
        """A backward walk is about to run a node's gradient rule on tensors made of what the node saved."""

    def leave(self, node: Node, slopes: list[Any]) -> None:
        """The rule gave these gradients."""

    def happened(self, what: str, *facts: Any) -> bool | None:
        """Something happened that is no op: see `tell`. True: it is taken care of."""


class Mode:
    """What `apply` does besides computing: record history (grad), and tell the recorders."""

    __slots__ = ("grad", "recorders")

    def __init__(self, grad: bool = True, recorders: tuple[Recorder, ...] = ()) -> None:
        self.grad, self.recorders = grad, recorders


_MODE: ContextVar[Mode | None] = ContextVar("mode", default=None)


def current_mode() -> Mode:
    """The mode of this thread; the first call in a thread turns NumPy's floating-point warnings off."""
    mode = _MODE.get()
    if mode is None:
        quiet()
        mode = Mode()
        _MODE.set(mode)
    return mode


def tell(what: str, *facts: Any) -> bool:
    """Let the recorders know of what is no op: memory written by hand, a value looked at, an optimiser's step.

    Whether one of them takes it upon itself, so that it need not be done.
    """
    mode = _MODE.get()
    if mode is None or not mode.recorders:
        return False
    return any([recorder.happened(what, *facts) for recorder in mode.recorders])  # noqa: C419  (all of them hear)


read_mode = _MODE.get
set_mode = _MODE.set
reset_mode = _MODE.reset


class Notes:
    """What users hung on a node or a leaf: hooks of the tensor, before and after the node, after storing."""

    __slots__ = ("__weakref__", "after", "before", "end", "metadata", "retained", "stored", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, Any] = {}
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}
        self.stored: dict[int, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.retained: Any = None
        self.end: Any = None


next_number = itertools.count(1).__next__


class Node:
    """One recorded run of an op.

    edges: for each input the node or leaf that its gradient goes to, or None. saved: for each input what the gradient
    rule reads: the array, or an Abstract where it reads no values, or (shape, dtype) where it reads nothing; out: the
    same for the output. guards: (version cell, version, array) of everything that must not be changed before backward.
    seq: creation number; inputs are older. notes: what users hung on it.

    >>> y = engine.tensor(2.0, requires_grad=True) * 3
    >>> y.grad_fn.name(), y.grad_fn.next_functions[0][0].name()
    ('MulBackward0', 'torch::autograd::AccumulateGrad')
    """

    __slots__ = ("__weakref__", "attrs", "edges", "guards", "notes", "op", "out", "saved", "seq")

    def __init__(
        self, op: Any, attrs: dict[str, Any], edges: list[Any], saved: Any, guards: list[Any], out: Any
    ) -> None:
        self.op, self.attrs, self.edges, self.saved, self.guards, self.out = op, attrs, edges, saved, guards, out
        self.notes: Notes | None = None
        self.seq = next_number()

    def free(self) -> None:
        """Let go of what the gradient rule reads; a node that kept values can not be walked again."""
        if self.guards:
            self.saved = self.out = None
            self.guards = []
        elif self.op.__class__ is not type:
            self.op.release()

    def name(self) -> str:
        """The op's name in PyTorch's manner, e.g. MulBackward0."""
        return getattr(self.op, "node_name", None) or f"{_camel(self.op.name)}Backward0"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """(node, which of its outputs) for each input; the end of a graph is a leaf's AccumulateGrad."""
        inner = getattr(self.op, "inner", None)
        node = self if inner is None else inner
        kept = node.saved or node.edges
        pairs = [(e, a) for e, a in zip(node.edges, kept, strict=True) if e is not None or a is not None]
        return tuple((None if edge is None else node_of(edge), 0) for edge, _ in pairs)

    def noted(self) -> Notes:
        """Its notes, to write into."""
        self.notes = self.notes or Notes()
        return self.notes

    @property
    def metadata(self) -> dict[str, Any]:
        """A place for whatever a user wants to remember of it."""
        return self.noted().metadata

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the gradient rule; what it returns takes their place."""
        return RemovableHandle(self.noted().before, hook)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after the gradient rule; what it returns replaces the first."""
        return RemovableHandle(self.noted().after, hook)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class ShownNode(Node):
    """A node that a user looks at: what it saved has names too. Only then, because `__getattr__` slows every reading.

    >>> engine.tensor([2.0], requires_grad=True).exp().grad_fn._saved_result
    tensor([7.3891])
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """`_saved_self`, `_saved_other`, `_saved_result` and `_saved_<attribute>`: what the gradient rule reads."""
        if not name.startswith("_saved_"):
            given = getattr(self.op, "context", None)
            if given is None or name.startswith("__"):
                raise AttributeError(f"{self.name()} has no attribute {name!r}")
            return getattr(given, name)
        if self.saved is None:
            raise freed()
        wanted = name.removeprefix("_saved_")
        places = {"self": 0, "other": 1}
        if wanted in places and places[wanted] < len(self.saved):
            return shown(self.saved[places[wanted]], name)
        if wanted == "result":
            return shown(self.out, name)
        if wanted in self.attrs:
            return self.attrs[wanted]
        raise AttributeError(f"{self.name()} has no attribute {name!r}")


def show_node(node: Node) -> Node:
    """The node itself, from now on with the names of what it saved."""
    if node.__class__ is Node:
        node.__class__ = ShownNode
    return node


SHOW: list[Any] = []
"""How an array is shown as a tensor; Tensor fills it in."""


def shown(kept: Any, name: str) -> Any:
    """A saved value as a user wants to see it."""
    if kept.__class__ is tuple:
        raise AttributeError(f"{name}: the gradient rule does not read it, so it was not kept")
    return SHOW[0](kept)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def freed() -> GraphError:
    """What is said when a graph is walked that was walked before."""
    return GraphError(
        "Trying to backward through the graph a second time"
        " (or directly access saved tensors after they have already been freed)",
        hint="The values it needs were freed: say retain_graph=True the first time.",
    )


class AccumulateGrad:
    """The end of a graph: where the gradient of a leaf arrives and is added to its `.grad`."""

    __slots__ = ("__weakref__", "variable")
    next_functions = ()

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    def name(self) -> str:
        """PyTorch's name."""
        return "torch::autograd::AccumulateGrad"

    @property
    def metadata(self) -> dict[str, Any]:
        """A place for whatever a user wants to remember of it."""
        return noted(self.variable).metadata

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Call `hook((gradient,))` before it is added; what it returns takes its place."""
        return RemovableHandle(noted(self.variable).before, hook)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook((), (gradient,))` after it was added."""
        return RemovableHandle(noted(self.variable).after, hook)


def noted(leaf: Tensor) -> Notes:
    """A leaf's notes, to write into."""
    leaf._hooks = leaf._hooks or Notes()
    return leaf._hooks


def node_of(edge: Any) -> Any:
    """A node, or for a leaf its AccumulateGrad: the same object as long as somebody holds it."""
    if isinstance(edge, Node):
        return show_node(edge)
    notes = noted(edge)
    end = None if notes.end is None else notes.end()
    if end is None:
        end = AccumulateGrad(edge)
        notes.end = weakref.ref(end)
    return end


NAMES: weakref.WeakValueDictionary[int, Tensor] = weakref.WeakValueDictionary()
"""The tensors that look at the memory of a leaf (by `.data` and `.detach()`): who moves it asks who they are."""


def named(leaf: Tensor, name: Tensor) -> Tensor:
    """Another name of a tensor's memory."""
    if leaf._node is None:
        NAMES[id(name)] = name
    return name


class View:
    """How a tensor looks into the memory of another: the base, and the ops from there to here."""

    __slots__ = ("base", "path", "seen")

    def __init__(self, base: Tensor, path: tuple[Any, ...], seen: int) -> None:
        self.base, self.path, self.seen = base, path, seen


class Size(tuple[int, ...]):
    """A shape: a tuple that prints as PyTorch's and counts its elements.

    >>> engine.zeros(2, 3).shape, engine.Size([2, 3]).numel(), engine.zeros(2, 3).shape[1:]
    (engine.Size([2, 3]), 6, engine.Size([3]))
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __repr__(self) -> str:
        return f"engine.Size({list(self)})"


SIZES: dict[tuple[int, ...], Size] = {}
"""Every shape that was asked for, as a Size; emptied when there are too many."""


def new_size(shape: tuple[int, ...]) -> Size:
    """Enter a shape into `SIZES`."""
    if len(SIZES) > 10_000:
        SIZES.clear()
    return SIZES.setdefault(shape, Size(shape))


CHANGES = [0]
"""How often there was another hook, or a module was given an attribute or a part: who remembers what they are like
looks again when it has grown."""


class RemovableHandle:
    """Takes a hook away again: `handle.remove()`, or at the end of a `with` block."""

    _ids = itertools.count()

    def __init__(self, hooks: Any, hook: Any, prepend: bool = False) -> None:
        CHANGES[0] += 1
        self.id = next(RemovableHandle._ids)
        self._hooks = hooks
        hooks[self.id] = hook
        if prepend:
            hooks.move_to_end(self.id, last=False)

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        CHANGES[0] += 1
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
