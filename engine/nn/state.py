"""state_dict: the values of a module by name, and putting them back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.errors import EngineError
from engine.nn.parameter import Parameter, is_lazy, overwrite
from engine.tensor import Tensor

EXTRA = "_extra_state"


class StateError(EngineError, RuntimeError):
    """Saved values do not belong to this module; every misfit is listed."""

    code = "state"

    def __init__(self, kind: str, problems: list[str]) -> None:
        where = f"Error(s) in loading state_dict for {kind}"
        super().__init__(where, "the names and shapes of this module", "; ".join(problems))
        self.problems = problems

    def __str__(self) -> str:
        """One line for each misfit."""
        return "\n\t".join([f"{self.where}:", *self.problems])


class IncompatibleKeys(NamedTuple):
    """Names that the module has and the saved values have not, and the other way round."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    def __str__(self) -> str:
        return repr(self)


def own_tensors(module: Any) -> Iterator[tuple[str, Tensor]]:
    """Parameters, then persistent buffers, of this module alone."""
    buffers = (item for item in module._buffers.items() if item[0] not in module._non_persistent_buffers_set)
    yield from ((name, t) for name, t in (*module._parameters.items(), *buffers) if t is not None)


def own_problems(
    module: Any, state: dict[str, Any], prefix: str, notes: dict[str, Any], missing: list[str], errors: list[str]
) -> None:
    """Note what does not fit this module alone, and write what does (later, if `notes` has a list for it)."""
    for name, own in own_tensors(module):
        key = prefix + name
        if key not in state:
            missing.append(key)
            continue
        shape = np.shape(state[key]) if not hasattr(state[key], "shape") else tuple(state[key].shape)
        if not is_lazy(own) and shape != tuple(own.shape):
            errors.append(
                f"size mismatch for {key}: copying a param with shape {list(shape)} from checkpoint, "
                f"the shape in current model is {list(own.shape)}."
            )
        elif "writes" in notes:
            notes["writes"].append((module, name, own, state[key], notes.get("assign", False)))
        else:
            write(module, name, own, state[key], notes.get("assign", False))


def unexpected_keys(module: Any, state: dict[str, Any], prefix: str) -> Iterator[str]:
    """Names under the prefix that nothing in the module bears."""
    known = {name for name, _ in own_tensors(module)}
    for key in state:
        if key.startswith(prefix) and key != prefix + EXTRA:
            first, *rest = key[len(prefix) :].split(".", 1)
            if first not in (module._modules if rest else known):
                yield key


def write(module: Any, name: str, own: Tensor, value: Any, assign: bool) -> None:
    """Put a value into the module: into the memory of `own`, or in its place."""
    if not (assign and isinstance(value, Tensor)):
        overwrite(own, value)
    elif isinstance(own, Parameter):
        given = value if isinstance(value, Parameter) else Parameter(value, own.requires_grad)
        setattr(module, name, given.requires_grad_(own.requires_grad))
    else:
        setattr(module, name, value)


def load_state(module: Any, state: dict[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Check everything first, so that a misfit changes nothing; then write."""
    keys, errors = IncompatibleKeys([], []), list[str]()
    # A hook that runs after loading wants to see what was loaded: then nothing waits.
    at_once = any(part._load_state_dict_post_hooks for part in module.modules())
    notes: dict[str, Any] = {"assign": assign, **({} if at_once else {"writes": []})}
    _load_into(module, dict(state), "", notes, keys, errors)
    if strict:
        words = {"Unexpected": keys.unexpected_keys, "Missing": keys.missing_keys}
        for word, names in words.items():
            if names:
                errors.insert(0, f"{word} key(s) in state_dict: " + ", ".join(f'"{n}"' for n in names) + ". ")
    if errors:
        raise StateError(type(module).__name__, errors)
    for line in notes.get("writes", ()):
        write(*line)
    return keys


def _load_into(
    module: Any, state: dict[str, Any], prefix: str, notes: Any, keys: IncompatibleKeys, errors: list[str]
) -> None:
    module._load_from_state_dict(state, prefix, notes, True, keys.missing_keys, keys.unexpected_keys, errors)
    for name, child in module._modules.items():
        if child is not None:
            inner = f"{prefix}{name}."
            part = {key: value for key, value in state.items() if key.startswith(inner)}
            _load_into(child, part, inner, notes, keys, errors)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise TypeError("hooks after load_state_dict change the keys in place and return nothing")


class SavedModule:
    """The part of a module that gives its values by name, and takes them back."""

    _modules: dict[str, Any]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    def state_dict(
        self, *args: Any, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by dotted name, sharing memory with the module."""
        if args:
            named = {"destination": destination, "prefix": prefix, "keep_vars": keep_vars}
            return self.state_dict(**named | dict(zip(named, args, strict=False)))
        destination = OrderedDict() if destination is None else destination
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, {})
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """What this module alone saves; overridden where that is something else."""
        for name, tensor in own_tensors(self):
            destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
        if type(self).get_extra_state is not SavedModule.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """Further values that state_dict saves; for subclasses."""
        raise RuntimeError(f"{type(self).__name__}: write get_extra_state() and set_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave; for subclasses."""
        raise RuntimeError(f"{type(self).__name__}: write get_extra_state() and set_extra_state()")

    def load_state_dict(
        self, state_dict: dict[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values in by name. Raises: StateError (a RuntimeError) for misfits, unless `strict` is off for names."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict).__name__}.")
        return load_state(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected: list[str],
        error_msgs: list[str],
    ) -> None:
        """What this module alone loads; overridden where names have changed."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected, error_msgs)
        own_problems(self, state_dict, prefix, local_metadata, missing_keys if strict else [], error_msgs)
        unexpected.extend(unexpected_keys(self, state_dict, prefix) if strict else ())
        if type(self).set_extra_state is not SavedModule.set_extra_state:
            if prefix + EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + EXTRA])
            elif strict:
                missing_keys.append(prefix + EXTRA)
        elif strict and prefix + EXTRA in state_dict:
            unexpected.append(prefix + EXTRA)
