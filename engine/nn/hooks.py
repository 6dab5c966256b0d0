"""Functions that are called around what a module does: before and after forward, and when gradients pass."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from engine import functions
from engine.graph import RemovableHandle
from engine.tensor import Tensor

if TYPE_CHECKING:
    from engine.nn.module import Module

FORWARD = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
WATCHER = "watcher"
STATE = ("_state_dict_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks")


class Hook(NamedTuple):
    """A function and how it is called."""

    call: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False


EVERYWHERE: OrderedDict[int, tuple[str, Any]] = OrderedDict()
"""Hooks of all modules, and who watches them."""


def register_module_watcher(watcher: Any) -> RemovableHandle:
    """Call `watcher.called(module)` and `watcher.returned(module)` around every module there is and its hooks."""
    return RemovableHandle(EVERYWHERE, (WATCHER, watcher))


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module there is."""
    return RemovableHandle(EVERYWHERE, (FORWARD[0], Hook(hook)))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module there is."""
    return RemovableHandle(EVERYWHERE, (FORWARD[1], Hook(hook, with_kwargs, always_call)))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` when the gradient of any module's output is known."""
    return RemovableHandle(EVERYWHERE, (FORWARD[2], Hook(hook)))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` when the gradient of any module's input is known."""
    return RemovableHandle(EVERYWHERE, (FORWARD[3], Hook(hook)))


def hooks_of(module: Module, kind: str) -> list[Hook]:
    """Those of all modules, then its own."""
    return [hook for known, hook in EVERYWHERE.values() if known == kind] + list(module.__dict__[kind].values())


def call_hooked(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`forward` with every hook around it, and whoever watches."""
    watchers = [watcher for kind, watcher in EVERYWHERE.values() if kind is WATCHER]
    for watcher in watchers:
        watcher.called(module)
    hooked = len(watchers) < len(EVERYWHERE) or any([module.__dict__[kind] for kind in FORWARD])  # noqa: C419
    result = _with_hooks(module, args, kwargs) if hooked else module.forward(*args, **kwargs)
    for watcher in watchers:
        watcher.returned(module)
    return result


def _with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`forward` with every hook around it; hooks that are always called see an error's `None` too."""
    result, waiting = None, hooks_of(module, "_forward_hooks")
    try:
        args, kwargs = _before(module, args, kwargs)
        gate = Gate.of(module)
        result = module.forward(*(args if gate is None else gate.enter(args)), **kwargs)
        while waiting:
            changed = _after(module, waiting.pop(0), args, kwargs, result)
            result = result if changed is None else changed
        return result if gate is None else gate.leave(result)
    except Exception:
        for hook in waiting:
            if hook.always:
                _after_failure(module, hook, args, kwargs, result)
        raise


def _before(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for hook in hooks_of(module, "_forward_pre_hooks"):
        if hook.with_kwargs:
            changed = hook.call(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        else:
            changed = hook.call(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _after(module: Module, hook: Hook, args: Any, kwargs: Any, result: Any) -> Any:
    return hook.call(module, args, kwargs, result) if hook.with_kwargs else hook.call(module, args, result)


def _after_failure(module: Module, hook: Hook, args: Any, kwargs: Any, result: Any) -> None:
    try:
        _after(module, hook, args, kwargs, result)
    except Exception as second:
        warnings.warn(f"module forward hook with always_call=True raised a second error: {second}", stacklevel=2)


class Gate:
    """Stands before and behind one call of a module and sees the gradients that pass."""

    def __init__(self, module: Module, outgoing: list[Hook], incoming: list[Hook]) -> None:
        self._module, self._outgoing, self._incoming = module, outgoing, incoming
        self._places: list[int] = []
        self._count = 0
        self._slopes: tuple[Any, ...] = ()

    @classmethod
    def of(cls, module: Module) -> Gate | None:
        """A gate, where somebody wants to know."""
        hooks = hooks_of(module, "_backward_pre_hooks"), hooks_of(module, "_backward_hooks")
        return cls(module, *hooks) if any(hooks) else None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, on a way on which their gradients are seen."""
        self._count, found = len(args), list(args)
        self._places = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
        if self._incoming and self._places:
            for i, seen in zip(self._places, _watched([args[i] for i in self._places], self._arrive), strict=True):
                found[i] = seen
        return tuple(found)

    def leave(self, result: Any) -> Any:
        """The results, on a way on which their gradients are seen."""
        several = isinstance(result, tuple | list)
        results = list(result) if several else [result]
        places = [i for i, r in enumerate(results) if isinstance(r, Tensor) and r.requires_grad]
        if places:
            for i, seen in zip(places, _watched([results[i] for i in places], self._set_out), strict=True):
                results[i] = seen
        elif not all(isinstance(r, Tensor) for r in results):
            warnings.warn("backward hooks need a module whose output is a tensor or a tuple of tensors", stacklevel=4)
        return type(result)(results) if several and type(result) in (tuple, list) else result if several else results[0]

    def _set_out(self, slopes: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self._outgoing:
            slopes = _changed(slopes, hook.call(self._module, slopes))
        self._slopes = slopes
        if not self._places:
            for hook in self._incoming:
                hook.call(self._module, (None,) * self._count, slopes)
        return slopes

    def _arrive(self, slopes: tuple[Any, ...]) -> tuple[Any, ...]:
        known = dict(zip(self._places, slopes, strict=True))
        for hook in self._incoming:
            given = tuple(known.get(i) for i in range(self._count))
            answer = _changed(given, hook.call(self._module, given, self._slopes))
            known = {i: answer[i] for i in known}
        return tuple(known.values())


def _changed(slopes: tuple[Any, ...], answer: Any) -> tuple[Any, ...]:
    if answer is None:
        return slopes
    given: tuple[Any, ...] = answer if isinstance(answer, tuple) else (answer,)
    if len(given) != len(slopes):
        raise RuntimeError(
            f"Backward hook returned an invalid number of grad_input, got {len(given)}, but expected {len(slopes)}"
        )
    return given


def _watched(tensors: list[Any], notice: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> list[Any]:
    """The same numbers; `notice` sees, and may change, all their gradients at once."""
    if len(tensors) == 1:
        seen = tensors[0][...]
        seen.register_hook(lambda g: notice((g,))[0])
        return [seen]
    shapes, sizes = [t.shape for t in tensors], [t.numel() for t in tensors]
    ends = list(itertools.accumulate(sizes))
    joint: Any = functions.cat([t.reshape((-1,)) for t in tensors], 0)

    def split(flat: Any) -> tuple[Any, ...]:
        return tuple(flat[e - n : e].reshape(s) for e, n, s in zip(ends, sizes, shapes, strict=True))

    joint.register_hook(lambda g: functions.cat([p.reshape((-1,)) for p in notice(split(g))], 0))
    return list(split(joint))


class HookedModule:
    """The part of a module that takes hooks."""

    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_hooks: OrderedDict[int, Hook]
    _backward_pre_hooks: OrderedDict[int, Hook]
    _backward_hooks: OrderedDict[int, Hook]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; what it returns replaces the arguments."""
        return RemovableHandle(self._forward_pre_hooks, Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after every forward; what it returns replaces the output."""
        return RemovableHandle(self._forward_hooks, Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are known."""
        return RemovableHandle(self._backward_pre_hooks, Hook(hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are known."""
        return RemovableHandle(self._backward_hooks, Hook(hook), prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before state_dict() reads this module."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after state_dict() read this module."""
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, ...)` before this module loads; it may rename entries."""
        return RemovableHandle(self._load_state_dict_pre_hooks, partial(hook, self))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after this module has loaded."""
        return RemovableHandle(self._load_state_dict_post_hooks, hook)
