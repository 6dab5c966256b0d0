"""What an optimiser is: groups of parameters with their settings, a state for each parameter, `step`.

Steps work on the arrays of the parameters in place, with scratch memory that is kept, and tell each parameter that it
was changed, so that a gradient that needs the old values is refused. An optimiser here is one rule, `follow`; one of a
Python program may override `step` instead, as PyTorch's do.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Annotated, Any, TypeVar
from weakref import ref

import numpy as np

from engine.array import Device, device_of, module_of, to_device, to_host
from engine.autodiff import enable_grad
from engine.errors import ArgumentError, Unsupported
from engine.graph import RemovableHandle, tell
from engine.nn.parameter import forget_gradient
from engine.nn.settings import Between, check_value, checked, settings
from engine.tensor import NUMBERS, Tensor, wrap

LearningRate = Annotated[float, Between(0, 1e6, common=(1e-5, 10))]
Decay = Annotated[float, Between(0, 1e6, common=(0, 0.1))]
Share = Annotated[float, Between(0, 1, common=(0.5, 0.999), open_end=True)]
Small = Annotated[float, Between(0, 1, common=(1e-10, 1e-3))]
Flag = Any  # PyTorch's foreach, fused and capturable say how to compute; here they change nothing and no form asks
Parameters = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]

Group = dict[str, Any]
State = dict[str, Any]
OPTIMIZERS: dict[str, type[Optimizer]] = {}
_LIVING: dict[int, ref[Optimizer]] = {}
O = TypeVar("O", bound="Optimizer")  # noqa: E741
HOOKS = ("step_pre", "step_post", "state_pre", "state_post", "load_pre", "load_post")


def optimizer(cls: type[O]) -> type[O]:
    """Class decorator: enter an optimiser into `OPTIMIZERS` under its class name and check its settings."""
    OPTIMIZERS[cls.__name__] = checked(cls)
    return cls


def living() -> list[Optimizer]:
    """All optimisers that there are: whoever moves memory asks whose it is."""
    found = (each() for each in list(_LIVING.values()))
    return [optimizer for optimizer in found if optimizer is not None]


def given(names: dict[str, Any]) -> Group:
    """The settings among a constructor's `locals()`."""
    return {name: value for name, value in names.items() if name not in ("self", "params", "__class__")}


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """A `step` with the hooks around it; it also says that a step was taken, which schedules ask for."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if tell("stepping", self, args, kwargs):
            return None
        args = (self, *args)
        for hook in list(self._hooks["step_pre"].values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in list(self._hooks["step_post"].values()):
            hook(self, args, kwargs)
        tell("stepped", self)
        return result

    return hooked


class Optimizer:
    """Base of the optimisers. `param_groups` may be edited between steps, as learning-rate schedules do.

    >>> weight = nn.Parameter(engine.tensor([1.0]))
    >>> optim.SGD([{"params": [weight], "lr": 0.5}]).param_groups[0]["lr"]
    0.5
    """

    _opt_called = False
    _hooks: dict[str, dict[int, Any]]
    _scratch: dict[Any, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            setattr(cls, "step", _with_hooks(vars(cls)["step"]))  # noqa: B010

    def __init__(self, params: Parameters, defaults: Group) -> None:
        if isinstance(params, Tensor | str):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        if defaults.get("differentiable"):
            raise Unsupported(
                f"{type(self).__name__}(differentiable=True)",
                "False",
                "True",
                "To differentiate through a step, write it with tensors: w = w - lr * g.",
            )
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.__setstate__({})
        groups: list[Any] = list(params)
        if not groups:
            raise ArgumentError(
                type(self).__name__, "parameters to learn", "none", "The model has no parameters.", field="params"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("_hooks", {kind: {} for kind in HOOKS})
        self.__dict__.setdefault("_scratch", {})
        key = id(self)
        _LIVING[key] = ref(self, lambda _: _LIVING.pop(key, None))

    # --------------------------------------------------------------------------------------------- parameters
    def add_param_group(self, param_group: Group) -> None:
        """Learn more parameters, with settings of their own. Raises: ArgumentError.

        >>> adam = optim.Adam([nn.Parameter(engine.zeros(2))])
        >>> adam.add_param_group({"params": nn.Parameter(engine.zeros(3)), "lr": 0.1})
        """
        where = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        tensors, names = _tensors_and_names(where, param_group["params"])
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for tensor in tensors:
            _check_parameter(where, tensor, known)
        if len({id(t) for t in tensors}) < len(tensors):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", UserWarning, stacklevel=3)
        if self.param_groups and bool(names) != ("param_names" in self.param_groups[0]):
            raise ArgumentError(where, "names for the parameters of all groups or of none", "some", field="params")
        group = {**self.defaults, **param_group, "params": tensors} | ({"param_names": names} if names else {})
        self._check_group(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or fill them with 0."""
        for group in self.param_groups:
            if set_to_none:
                tell("clearing", group["params"])
            for parameter in group["params"]:
                forget_gradient(parameter, set_to_none)

    # --------------------------------------------------------------------------------------------------- steps
    @_with_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient. `closure` may compute the loss anew; its value is handed back."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self.update(with_numbers(group))
        return loss

    def update(self, group: Group) -> None:
        """Change the parameters of one group, in place: `follow` for each that has a gradient."""
        decay = group.get("weight_decay", 0.0)
        for parameter in group["params"]:
            if parameter.grad is not None:
                self.follow(parameter, self.slope(parameter, group, decay), group)
                parameter.changed()

    def follow(self, parameter: Tensor, slope: Any, group: Group) -> None:
        """The rule: change one parameter along its slope (the gradient with weight decay, an array), in place."""
        raise NotImplementedError(f"{type(self).__name__} has neither step() nor follow()")

    # -------------------------------------------------------------------------------------------------- states
    def state_dict(self) -> dict[str, Any]:
        """State by the number of each parameter, and the groups with numbers in place of parameters.

        >>> optim.SGD([nn.Parameter(engine.zeros(2))], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        for hook in list(self._hooks["state_pre"].values()):
            hook(self)
        numbers: dict[int, int] = {}
        for parameter in (p for group in self.param_groups for p in group["params"]):
            numbers.setdefault(id(parameter), len(numbers))
        groups = [{**g, "params": [numbers[id(p)] for p in g["params"]]} for g in self.param_groups]
        saved = {"state": {numbers.get(id(p), p): s for p, s in self.state.items()}, "param_groups": groups}
        for hook in list(self._hooks["state_post"].values()):
            saved = hook(self, saved) or saved
        return saved

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the state and settings of `state_dict`. Raises: ArgumentError when the groups do not match."""
        state_dict = dict(state_dict)
        for hook in list(self._hooks["load_pre"].values()):
            state_dict = hook(self, state_dict) or state_dict
        groups = deepcopy(state_dict["param_groups"])
        sizes, own = [len(g["params"]) for g in groups], [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            where = f"{type(self).__name__}.load_state_dict"
            raise ArgumentError(where, f"groups of {own} parameters", sizes, "It is another model's state.")
        parameters: dict[Any, Tensor] = {}
        for group, saved in zip(self.param_groups, groups, strict=True):
            parameters |= dict(zip(saved["params"], group["params"], strict=True))
            names = {"param_names": group["param_names"]} if "param_names" in group else {}
            saved |= {**self.defaults, **names, **saved, "params": group["params"]}
        state: defaultdict[Any, State] = defaultdict(dict)
        for number, memory in state_dict["state"].items():
            parameter = parameters.get(number)
            state[number if parameter is None else parameter] = _like(parameter, "", memory)
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in list(self._hooks["load_post"].values()):
            hook(self)

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for number, group in enumerate(self.param_groups):
            text += f"\nParameter Group {number}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"

    # --------------------------------------------------------------------------------------------------- hooks
    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before every step; it may hand back new arguments."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict`."""
        return self._register("state_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` is about to hand back; it may replace it."""
        return self._register("state_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before a state is loaded; it may replace it."""
        return self._register("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after a state was loaded."""
        return self._register("load_post", hook, prepend)

    def _register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        hooks = self._hooks[kind]
        handle = RemovableHandle(hooks, hook)
        if prepend:
            entries = list(hooks.items())
            hooks.clear()
            hooks.update(entries[-1:] + entries[:-1])
        return handle

    # ------------------------------------------------------------------------------------ for the subclasses
    def scratch(self, array: Any, which: int = 0) -> Any:
        """Memory of the shape and type of `array`, kept from step to step; `which` tells several apart."""
        key = (array.shape, array.dtype, which, module_of(array))
        found = self._scratch.get(key)
        if found is None:
            found = self._scratch[key] = module_of(array).empty_like(array)
        return found

    def memory(self, parameter: Tensor, names: Iterable[str], value: float = 0.0) -> State:
        """The state of a parameter, its steps counted; a name that is new gets a tensor of `value`."""
        state = self.state[parameter]
        if "step" not in state:
            state["step"] = wrap(np.zeros((), np.float32))
        state["step"].array += 1
        for name in names:
            if name not in state:
                state[name] = wrap(module_of(parameter.array).full_like(parameter.array, value))
        return state

    def slope(self, parameter: Tensor, group: Group, decay: float) -> Any:
        """The gradient as an array, turned round to maximise, plus `decay` times the parameter."""
        slope = parameter.grad.array  # type: ignore[union-attr]
        xp = module_of(slope)
        if group.get("maximize"):
            slope = xp.negative(slope, out=self.scratch(slope, 1))
        if decay:
            part = xp.multiply(parameter.array, decay, out=self.scratch(slope, 2))
            slope = xp.add(slope, part, out=part)
        return slope

    def _check_group(self, group: Group) -> None:
        known = settings(type(self))
        for name, value in group.items():
            if value is inspect.Parameter.empty:
                raise ArgumentError(type(self).__name__, f"a value of {name} in every group", "none", field=name)
            if name != "params" and name in known:
                check_value(known[name].hint, value, type(self).__name__, name)


required = inspect.Parameter.empty


def count(state: State) -> float:
    """How many steps a state has seen."""
    return float(state["step"].array)


def with_numbers(group: Group) -> Group:
    """A group whose rate and other settings are plain numbers, where some are tensors."""
    number = {name: _number(v) for name, v in group.items() if v.__class__ not in NUMBERS and v is not group["params"]}
    return {**group, **number} if number else group


def _number(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.item()
    return tuple(_number(v) for v in value) if isinstance(value, tuple | list) else value


def _tensors_and_names(where: str, held: Any) -> tuple[list[Any], list[str]]:
    if isinstance(held, set):
        raise TypeError(f"{where}: optimizer parameters need to be organized in ordered collections, not in a set")
    entries = [held] if isinstance(held, Tensor) else list(held)
    names = [entry[0] for entry in entries if isinstance(entry, tuple)]
    if names and len(names) < len(entries):
        raise ArgumentError(where, "names for all parameters or for none", f"{len(names)} names", field="params")
    return [entry[1] for entry in entries] if names else entries, names


def _check_parameter(where: str, tensor: Any, known: set[int]) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{where}: expected tensors to learn, got {type(tensor).__name__}")
    if not tensor.is_leaf:
        raise ArgumentError(
            where, "leaf tensors", "one that was computed", "Learn what it was computed from.", field="params"
        )
    if id(tensor) in known:
        raise ArgumentError(
            where, "each parameter in one group", "one of them in two", "Remove it from one group.", field="params"
        )


def _like(parameter: Tensor | None, name: Any, value: Any) -> Any:
    """A saved value as this parameter needs it: a copy on its device, in its element type; steps stay float32."""
    if isinstance(value, dict):
        return {key: _like(parameter, key, entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_like(parameter, "", entry) for entry in value)
    if name == "step":
        return wrap(np.array(to_host(value.array) if isinstance(value, Tensor) else value, np.float32))
    if parameter is None or not hasattr(value, "shape"):
        return value
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    moved: Any = to_device(array, Device(device_of(parameter.array)))
    return wrap(moved.astype(parameter.array.dtype, copy=True))
