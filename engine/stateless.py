"""Modules as functions of their parameters, and several modules as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.autodiff import stacked
from engine.errors import ArgumentError, GraphError


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers, by name, in the place of its own.

    >>> layer = nn.Linear(1, 1)
    >>> zeros = {name: engine.zeros_like(p) for name, p in layer.named_parameters()}
    >>> engine.func.functional_call(layer, zeros, engine.ones(1)).tolist()
    [0.0]
    """
    given: dict[str, Any] = {}
    dicts = parameter_and_buffer_dicts
    for part in [dicts] if isinstance(dicts, dict) else dicts:
        if given.keys() & part.keys():
            raise ArgumentError("functional_call", "each name once", sorted(given.keys() & part.keys()))
        given |= part
    slots = {name: (box, key) for name, box, key in _slots(module)}
    unknown, missing = sorted(given.keys() - slots.keys()), sorted(slots.keys() - given.keys())
    if unknown or (strict and missing):
        raise GraphError(
            "functional_call", f"names of {type(module).__name__}", f"{unknown} too many, {missing} missing"
        )
    if tie_weights:
        same = {id(slots[name][0][slots[name][1]]): value for name, value in given.items()}
        given = {n: given.get(n, same.get(id(box[key]))) for n, (box, key) in slots.items()}
        given = {n: value for n, value in given.items() if value is not None}
    own = [(slots[name], slots[name][0][slots[name][1]]) for name in given]
    try:
        for name, value in given.items():
            box, key = slots[name]
            box[key] = value
        args = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*args, **(kwargs or {}))
    finally:
        for (box, key), value in own:
            box[key] = value


def _slots(module: Any) -> list[tuple[str, dict[str, Any], str]]:
    """(name, the dict that holds it, its key there) for every parameter and buffer."""
    return [
        (f"{prefix}.{key}" if prefix else key, box, key)
        for prefix, part in module.named_modules(remove_duplicate=False)
        for box in (part._parameters, part._buffers)
        for key, value in box.items()
        if value is not None
    ]


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters, buffers) of several modules of one kind, stacked by name: an ensemble for vmap.

    >>> parameters, _ = engine.func.stack_module_state([nn.Linear(3, 2), nn.Linear(3, 2)])
    >>> parameters["weight"].shape
    engine.Size([2, 2, 3])
    """
    if not models:
        raise GraphError("stack_module_state", "at least one model", "none")
    if len({type(m) for m in models}) > 1:
        raise GraphError("stack_module_state", "models of one class", [type(m).__name__ for m in models])

    def joined(kind: str) -> dict[str, Any]:
        states = [dict(getattr(m, kind)()) for m in models]
        return {name: stacked([s[name].detach() for s in states]) for name in states[0]}

    parameters = joined("named_parameters")
    for name, value in parameters.items():
        value.requires_grad_(dict(models[0].named_parameters())[name].requires_grad)
    return parameters, joined("named_buffers")
