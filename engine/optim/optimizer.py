"""What an optimiser is: groups of parameters with their settings, a state for each parameter, `step`.

Steps work on the arrays of the parameters in place, with scratch memory that is kept, and tell each parameter that it
was changed, so that a gradient that needs the old values is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import numpy as np

from engine.array import Device, device_of, module_of, to_device
from engine.autodiff import enable_grad
from engine.errors import ArgumentError
from engine.nn.parameter import forget_gradient
from engine.nn.settings import Between, check_value, checked, settings
from engine.tensor import Tensor, wrap

LearningRate = Annotated[float, Between(0, 1e6, common=(1e-5, 10))]
Decay = Annotated[float, Between(0, 1e6, common=(0, 0.1))]
Share = Annotated[float, Between(0, 1, common=(0.5, 0.999), open_end=True)]
Small = Annotated[float, Between(0, 1, common=(1e-10, 1e-3))]
Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]

Group = dict[str, Any]
OPTIMIZERS: dict[str, type[Optimizer]] = {}
O = TypeVar("O", bound="Optimizer")  # noqa: E741


def optimizer(cls: type[O]) -> type[O]:
    """Class decorator: enter an optimiser into `OPTIMIZERS` under its class name and check its settings."""
    OPTIMIZERS[cls.__name__] = checked(cls)
    return cls


class Optimizer(ABC):
    """Base of the optimisers. `param_groups` may be edited between steps, as learning-rate schedules do."""

    def __init__(self, params: Parameters, defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        self._scratch: dict[Any, Any] = {}
        given: list[Any] = [params] if isinstance(params, Tensor) else list(params)
        if not given:
            raise ArgumentError(
                type(self).__name__, "parameters to learn", "none", "The model has no parameters.", field="params"
            )
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Learn more parameters, with settings of their own. Raises: ArgumentError."""
        held = param_group["params"]
        tensors = [held] if isinstance(held, Tensor) else list(held)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for tensor in tensors:
            _check_parameter(type(self).__name__, tensor, known)
            known.add(id(tensor))
        group = {**self.defaults, **param_group, "params": tensors}
        self._check_group(group)
        self.param_groups.append(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient. `closure` may compute the loss anew; its value is handed back."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.update(group)
        return loss

    @abstractmethod
    def update(self, group: Group) -> None:
        """Change the parameters of one group, in place."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or fill them with 0."""
        for group in self.param_groups:
            for parameter in group["params"]:
                forget_gradient(parameter, set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """State by the number of each parameter, and the groups with numbers in place of parameters."""
        numbers = self._numbers()
        groups = [{**g, "params": [numbers[id(p)] for p in g["params"]]} for g in self.param_groups]
        return {"state": {numbers[id(p)]: dict(s) for p, s in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the state and settings of `state_dict`. Raises: ArgumentError when the groups do not match."""
        groups = state_dict["param_groups"]
        sizes, own = [len(g["params"]) for g in groups], [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise ArgumentError(
                f"{type(self).__name__}.load_state_dict",
                f"groups of {own} parameters",
                sizes,
                "It is another model's state.",
            )
        parameters = {
            n: p
            for g, s in zip(self.param_groups, groups, strict=True)
            for n, p in zip(s["params"], g["params"], strict=True)
        }
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update({name: value for name, value in saved.items() if name != "params"})
        self.state = {
            parameters[int(n)]: {name: _like(parameters[int(n)], name, value) for name, value in state.items()}
            for n, state in state_dict["state"].items()
        }

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])

    # ------------------------------------------------------------------------------------ for the subclasses
    def scratch(self, array: Any, which: int = 0) -> Any:
        """Memory of the shape and type of `array`, kept from step to step; `which` tells several apart."""
        key = (array.shape, array.dtype, which, module_of(array))
        found = self._scratch.get(key)
        if found is None:
            found = self._scratch[key] = module_of(array).empty_like(array)
        return found

    def memory(self, parameter: Tensor, names: Iterable[str], value: float = 0.0) -> dict[str, Any]:
        """The state of a parameter, its steps counted; a name that is new gets a tensor of `value`."""
        state = self.state.setdefault(parameter, {"step": 0})
        state["step"] += 1
        for name in names:
            if name not in state:
                state[name] = wrap(module_of(parameter.array).full_like(parameter.array, value))
        return state

    def slope(self, parameter: Tensor, group: Group, decay: float) -> Any:
        """The gradient as an array, turned round to maximise, plus `decay` times the parameter."""
        slope = parameter.grad.array  # type: ignore[union-attr]
        xp = module_of(slope)
        if group["maximize"]:
            slope = xp.negative(slope, out=self.scratch(slope, 1))
        if decay:
            part = xp.multiply(parameter.array, decay, out=self.scratch(slope, 2))
            slope = xp.add(slope, part, out=part)
        return slope

    def _numbers(self) -> dict[int, int]:
        return {id(p): i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}

    def _check_group(self, group: Group) -> None:
        known = settings(type(self))
        for name, value in group.items():
            if name != "params" and name in known:
                check_value(known[name].hint, value, type(self).__name__, name)


def _check_parameter(where: str, tensor: Any, known: set[int]) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{where}: expected tensors to learn, got {type(tensor).__name__}")
    if not tensor.is_leaf:
        raise ArgumentError(
            where, "leaf tensors", "one that was computed", "Learn what it was computed from.", field="params"
        )
    if id(tensor) in known:
        raise ArgumentError(
            where, "each parameter once", "one of them twice", "Remove it from one group.", field="params"
        )


def _like(parameter: Tensor, name: str, value: Any) -> Any:
    """A saved value as this parameter needs it: a copy on its device, in its element type."""
    if name == "step":
        return int(value.item()) if hasattr(value, "item") else int(value)
    if not hasattr(value, "shape"):
        return value
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    moved: Any = to_device(array, Device(device_of(parameter.array)))
    return wrap(moved.astype(parameter.array.dtype, copy=True))
