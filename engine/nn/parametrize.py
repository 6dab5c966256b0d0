"""Parameters as functions of other parameters: `register_parametrization(layer, "weight", Symmetric())`."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from engine.autodiff import no_grad
from engine.errors import ArgumentError
from engine.nn.container import ModuleDict, ModuleList
from engine.nn.module import Module
from engine.nn.parameter import Parameter
from engine.tensor import Tensor

_kept: ContextVar[dict[tuple[int, str], Any] | None] = ContextVar("values computed once", default=None)


class BadParametrization(ArgumentError, RuntimeError):
    """A parametrization that changes what it must not change."""


@contextmanager
def cached() -> Iterator[None]:
    """Within this context every parametrized value is computed once.

    >>> with nn.utils.parametrize.cached():
    ...     pass
    """
    token = _kept.set({} if _kept.get() is None else _kept.get())
    try:
        yield
    finally:
        _kept.reset(token)


class ParametrizationList(ModuleList):
    """The steps from what is stored (`original`, or `original0`, `original1`, ...) to what is used.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> [name for name, _ in layer.parametrizations.weight.named_parameters()]
    ['original0', 'original1']
    """

    def __init__(self, modules: list[Module], original: Any, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            stored = self._inverted(original.detach() if isinstance(original, Tensor) else original)
        self.is_tensor = isinstance(stored, Tensor)
        self.ntensors = 1 if self.is_tensor else len(stored)
        if self.is_tensor:
            original.data = stored.data
            self._store("original", original, isinstance(original, Parameter))
        else:
            for number, part in enumerate(stored):
                value = Parameter(part, original.requires_grad) if isinstance(original, Parameter) else part
                self._store(f"original{number}", value, isinstance(original, Parameter))

    def _store(self, name: str, value: Any, learned: bool) -> None:
        (self.register_parameter if learned else self.register_buffer)(name, value)

    def _inverted(self, value: Any) -> Any:
        for step in reversed(list(self)):
            if hasattr(step, "right_inverse"):
                with suppress(NotImplementedError):
                    value = step.right_inverse(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Store what leads to `value`."""
        with no_grad():
            stored = self._inverted(value)
            for name, part in zip(self._names(), [stored] if self.is_tensor else stored, strict=True):
                getattr(self, name).data = part.data

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def forward(self) -> Any:
        """The value that is used."""
        first, *rest = list(self)
        value = first(*[getattr(self, name) for name in self._names()])
        for step in rest:
            value = step(value)
        return value


def register_parametrization(module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Any:
    """Let a parameter or buffer be computed by `parametrization` whenever it is read.

    >>> class Positive(nn.Module):
    ...     def forward(self, x):
    ...         return x.exp()
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(2, 1), "weight", Positive())
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _check(module, tensor_name, parametrization(getattr(module, tensor_name)), unsafe)
        module.parametrizations[tensor_name].append(parametrization)
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        original = getattr(module, tensor_name)
        steps = ParametrizationList([parametrization], original, unsafe)
        shape, dtype = original.shape, original.dtype
        value = steps()
        if not unsafe and (value.dtype != dtype or (steps.is_tensor and value.shape != shape)):
            raise BadParametrization(type(parametrization).__name__, f"{list(shape)} {dtype}", f"{list(value.shape)}")
        delattr(module, tensor_name)
        _become_parametrized(module)
        setattr(type(module), tensor_name, _property(tensor_name))
        module.parametrizations[tensor_name] = steps
    else:
        raise BadName(type(module).__name__, "the name of a parameter or buffer", tensor_name)
    return module


class BadName(ArgumentError):
    """A name that nothing bears."""


def _check(module: Module, name: str, value: Any, unsafe: bool) -> None:
    now = getattr(module, name)
    if not unsafe and (value.shape != now.shape or value.dtype != now.dtype):
        expected = f"a parametrization that keeps {list(now.shape)} {now.dtype}"
        raise BadParametrization(f"register_parametrization({name})", expected, f"{list(value.shape)} {value.dtype}")


def _become_parametrized(module: Any) -> None:
    """A class of the module's own, which can have properties."""
    if not is_parametrized(module):
        kind = type(module)
        module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), {"__reduce_ex__": _refuse_pickle})
        module.__class__.__deepcopy__ = _copied
        module.parametrizations = ModuleDict()


def _refuse_pickle(module: Any, protocol: int) -> Any:
    raise BadParametrization(
        "pickle", "a module without parametrizations", type(module).__name__, "Save module.state_dict() instead."
    )


def _copied(module: Any, memo: dict[int, Any]) -> Any:
    """A copy with a class of its own, so that removing a parametrization here leaves the other as it is."""
    kind = type(module)
    twin = object.__new__(kind)
    memo[id(module)] = twin
    twin.__dict__.update(copy.deepcopy(module.__dict__, memo))
    twin.__class__ = type(kind.__name__, kind.__bases__, dict(vars(kind)))
    return twin


def _property(name: str) -> property:
    def read(module: Any) -> Any:
        kept = _kept.get()
        if kept is None:
            return module.parametrizations[name]()
        key = (id(module), name)
        if key not in kept:
            kept[key] = module.parametrizations[name]()
        return kept[key]

    return property(read, lambda module, value: module.parametrizations[name].right_inverse(value))


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether something, or one tensor, is computed by parametrizations.

    >>> nn.utils.parametrize.is_parametrized(nn.Linear(1, 1))
    False
    """
    known = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(known, ModuleDict):
        return False
    return len(known) > 0 if tensor_name is None else tensor_name in known


def remove_parametrizations(module: Any, tensor_name: str, leave_parametrized: bool = True) -> Any:
    """Make a tensor an ordinary one again, with its computed value, or with what is stored.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
    >>> list(nn.utils.parametrize.remove_parametrizations(layer, "weight").state_dict())
    ['bias', 'weight']
    """
    if not is_parametrized(module, tensor_name):
        raise BadName(type(module).__name__, "the name of a parametrized tensor", tensor_name)
    steps = module.parametrizations[tensor_name]
    if not leave_parametrized and not steps.is_tensor:
        raise BadName(tensor_name, "leave_parametrized=True where several tensors are stored", leave_parametrized)
    original = steps.original if steps.is_tensor else steps.original0
    value = (steps() if leave_parametrized else original).detach()
    if steps.is_tensor:
        original.data = value.data
    learned = isinstance(original, Parameter)
    kept = original if steps.is_tensor else Parameter(value, original.requires_grad) if learned else value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not len(module.parametrizations):
        del module._modules["parametrizations"]
        module.__class__ = type(module).__bases__[0]
    (module.register_parameter if learned else module.register_buffer)(tensor_name, kept)
    return module


def type_before_parametrizations(module: Any) -> type:
    """The class of a module as it was before anything was parametrized.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
    >>> nn.utils.parametrize.type_before_parametrizations(layer).__name__
    'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)
