"""Module: the base of everything that holds parameters, and the registry of layers.

A layer is one class: a docstring, a constructor with PyTorch's signature whose hints carry bounds, `infer` for what is
read off the incoming shape, and `forward`. `@layer(family)` enters it into `LAYERS`.
"""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, TypeVar

from engine.graph import CHANGES, tell
from engine.nn.hooks import (
    EVERYWHERE,
    FORWARD,
    STATE,
    HookedModule,
    call_hooked,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from engine.nn.moving import MovedModule
from engine.nn.parameter import Buffer, Parameter, abstract_parameters, forget_gradient
from engine.nn.settings import Between, Inferred, Setting, checked, defaults, form_settings, settings
from engine.nn.state import SavedModule
from engine.tensor import Tensor

__all__ = [
    "LAYERS",
    "Between",
    "Inferred",
    "Module",
    "Parameter",
    "Setting",
    "abstract_parameters",
    "defaults",
    "form_settings",
    "layer",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "settings",
]

Family = Literal[
    "linear", "convolution", "pooling", "normalisation", "activation", "dropout", "shape", "merge", "padding"
]
Shape = tuple[int, ...]
M = TypeVar("M", bound="Module")

LAYERS: dict[str, type[Module]] = {}


class Module(HookedModule, SavedModule, MovedModule):
    """Holds parameters, buffers and further modules under their attribute names; `forward` says what it computes.

    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(engine.tensor(2.0))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> list(Scale().state_dict())
    ['factor']
    """

    family: ClassVar[Family]
    arity: ClassVar[Literal["one", "many"]] = "one"
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        held = self.__dict__
        held["training"] = True
        held["_parameters"], held["_buffers"], held["_modules"] = {}, {}, {}
        held["_non_persistent_buffers_set"] = set()
        for kind in (*FORWARD, *STATE):
            held[kind] = OrderedDict()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({kind: OrderedDict() for kind in (*FORWARD, *STATE)} | state)

    @classmethod
    def infer(cls, *shapes: Shape) -> dict[str, Any]:
        """Values of the inferred settings from the incoming shapes, without the batch axis. Raises: ShapeError."""
        return {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call `forward`, with the hooks around it."""
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or EVERYWHERE
        ):
            return call_hooked(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # ------------------------------------------------------------------------------------------- attributes
    def __getattr__(self, name: str) -> Any:
        held = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind in held and name in held[kind]:
                return held[kind][name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        CHANGES[0] += 1
        if isinstance(value, Parameter):
            self._need_init()
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._need_init()
            self._forget(name, "_modules")
            self._modules[name] = value
        elif isinstance(value, Buffer):
            self._need_init()
            self._forget(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        elif not self._replaced(name, value):
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        CHANGES[0] += 1
        for kind in (self._parameters, self._buffers, self._modules):
            if name in kind:
                del kind[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    def _need_init(self) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameters or modules before Module.__init__() call")

    def _forget(self, name: str, but: str) -> None:
        """Make room for a value of another kind under the name."""
        self.__dict__.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != but:
                self.__dict__[kind].pop(name, None)

    def _replaced(self, name: str, value: Any) -> bool:
        """Put None in the place of a parameter or module, None or a tensor in that of a buffer."""
        held = self.__dict__
        for kind, wanted in (("_parameters", "Parameter"), ("_modules", "Module"), ("_buffers", "Tensor")):
            if name in held.get(kind, ()):
                if value is not None and not (kind == "_buffers" and isinstance(value, Tensor)):
                    got = type(value).__name__
                    raise TypeError(
                        f"cannot assign '{got}' as {kind[1:-1]} '{name}' of {type(self).__name__} "
                        f"({wanted} or None expected)"
                    )
                held[kind][name] = value
                return True
        return False

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Hold a parameter under a name; None says that there could be one."""
        self._need_init()
        self._check_name(name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' as parameter '{name}' (Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(f"parameter '{name}' must be a leaf: compute in forward() what is computed of others")
        self._parameters[name] = param
        CHANGES[0] += 1

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Hold a tensor that is no parameter, such as a running mean."""
        self._need_init()
        self._check_name(name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' as buffer '{name}' (Tensor or None required)")
        self._buffers[name] = tensor
        CHANGES[0] += 1
        kept = self._non_persistent_buffers_set
        (kept.discard if persistent else kept.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Hold a module under a name."""
        self._need_init()
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, self._modules)
        self._modules[name] = module
        CHANGES[0] += 1

    add_module = register_module

    def _check_name(self, name: str, room: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name should be a string, got {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{type(self).__name__}: {name!r} cannot be a name; it is empty or has a dot")
        if name not in room and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # ------------------------------------------------------------------------------------------------ walks
    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with dotted names; a shared one once."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _joined(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below, without names."""
        return (module for _, module in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names; one that is shared comes once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters; one that is shared comes once."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with dotted names."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def _named(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        walk = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else iter([(prefix, self)])
        for place, module in walk:
            for name, held in module.__dict__[kind].items():
                if held is not None and not (once and id(held) in seen):
                    seen.add(id(held))
                    yield _joined(place, name), held

    def get_submodule(self, target: str) -> Module:
        """The module with a dotted name. Raises: AttributeError."""
        module: Any = self
        for name in target.split(".") if target else []:
            module = getattr(module, name)
        if not isinstance(module, Module):
            raise AttributeError(f"{target!r} is no module of {type(self).__name__}")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with a dotted name. Raises: AttributeError."""
        place, _, name = target.rpartition(".")
        found = getattr(self.get_submodule(place), name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"{target!r} is no parameter of {type(self).__name__}")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with a dotted name. Raises: AttributeError."""
        place, _, name = target.rpartition(".")
        module = self.get_submodule(place)
        found = module._buffers.get(name)
        if found is None:
            raise AttributeError(f"{target!r} is no buffer of {type(self).__name__}")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted name; strict: only where there is one already. Raises: AttributeError."""
        place, _, name = target.rpartition(".")
        if not name:
            raise ValueError("Cannot set the submodule without a target name!")
        parent = self.get_submodule(place)
        if strict and name not in parent._modules:
            raise AttributeError(f"{target!r} is no module of {type(self).__name__}")
        setattr(parent, name, module)

    def apply(self: M, fn: Callable[[Module], object]) -> M:
        """Call `fn` on every module, those below first."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ------------------------------------------------------------------------------------------------- modes
    def train(self: M, mode: bool = True) -> M:
        """Switch to training (dropout on, batch statistics), here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Switch to evaluation."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Ask for gradients of all parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or fill them with 0."""
        parameters = list(self.parameters())
        if set_to_none:
            tell("clearing", parameters)
        for parameter in parameters:
            forget_gradient(parameter, set_to_none)

    # --------------------------------------------------------------------------------------------------- text
    def extra_repr(self) -> str:
        """The settings, as `repr` shows them between the brackets."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        extra = self.extra_repr()
        lines = [*(extra.split("\n") if extra else []), *children]
        if not children and len(lines) < 2:
            return f"{self._get_name()}({extra})"
        inside = "\n  ".join(lines)
        return f"{self._get_name()}(\n  {inside}\n)"


def layer(family: Family) -> Callable[[type[M]], type[M]]:
    """Class decorator: enter a layer into `LAYERS` under its class name and check its settings."""

    def enter(cls: type[M]) -> type[M]:
        cls.family = family
        LAYERS[cls.__name__] = checked(cls)
        return cls

    return enter


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
