"""state_dict: the values of a module by name, and putting them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.errors import EngineError
from engine.nn.parameter import overwrite, placed
from engine.tensor import Tensor

if TYPE_CHECKING:
    from engine.nn.module import Module


class StateError(EngineError, RuntimeError):
    """Saved values do not belong to this module."""

    code = "state"


class IncompatibleKeys(NamedTuple):
    """Names that the module has and the saved values have not, and the other way round."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def collect_state(module: Module, into: dict[str, Any], prefix: str, keep_vars: bool) -> dict[str, Any]:
    """Fill `into` with everything that is saved."""
    for name, tensor in saved_tensors(module, prefix):
        into[name] = tensor if keep_vars else tensor.detach()
    return into


def saved_tensors(module: Module, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Parameters, then persistent buffers, module by module; a shared tensor under each of its names."""
    held = [*module._parameters.items(), *((n, b) for n, b in module._buffers.items() if n not in module._forgotten)]
    yield from ((prefix + name, tensor) for name, tensor in held if tensor is not None)
    for name, child in module._modules.items():
        if child is not None:
            yield from saved_tensors(child, f"{prefix}{name}.")


def load_state(module: Module, state: dict[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Check everything first, so that a misfit changes nothing; then copy."""
    own = dict(saved_tensors(module))
    keys = IncompatibleKeys([n for n in own if n not in state], [n for n in state if n not in own])
    problems = _key_problems(keys) if strict else []
    problems += [_size_problem(n, own[n], state[n]) for n in own if n in state and own[n].shape != _shape(state[n])]
    if problems:
        raise StateError(
            where=f"Error(s) in loading state_dict for {type(module).__name__}",
            expected="the names and shapes of this module",
            got="; ".join(problems),
            hint="The values come from another architecture.",
        )
    for name, tensor in own.items():
        if name in state:
            _put(tensor, state[name], assign)
    return keys


def _put(tensor: Tensor, value: Any, assign: bool) -> None:
    if assign and isinstance(value, Tensor):
        placed(tensor, lambda _: value.detach())
    else:
        overwrite(tensor, value)


def _key_problems(keys: IncompatibleKeys) -> list[str]:
    named = (("missing key(s): ", keys.missing_keys), ("unexpected key(s): ", keys.unexpected_keys))
    return [text + ", ".join(names) for text, names in named if names]


def _size_problem(name: str, own: Tensor, value: Any) -> str:
    return f"size mismatch for {name}: {list(_shape(value))} instead of {list(own.shape)}"


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)
