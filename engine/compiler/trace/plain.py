"""Steps of which one look is enough: straight code that asks nothing but the engine, on tensors that somebody keeps.

Two traces of a step are compared to see what changes from call to call. Where a step's own code has no branch, no loop,
no assignment to anything but its local variables, and calls the engine alone, there is nothing that could change
unseen: numbers in it are written there, or are variables that are looked at before each call.
"""

from __future__ import annotations

import dis
import sys
from functools import lru_cache
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from engine.compiler.trace.events import Trace
from engine.graph import current_mode
from engine.nn.hooks import EVERYWHERE
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.optim.schedule import LRScheduler
from engine.tensor import Tensor

STRAIGHT = frozenset(
    ["CACHE", "RESUME", "NOP", "COPY_FREE_VARS", "PUSH_NULL", "PRECALL", "CALL", "KW_NAMES", "CALL_KW", "POP_TOP",
     "RETURN_VALUE", "RETURN_CONST", "LOAD_CONST", "LOAD_SMALL_INT", "STORE_FAST", "STORE_FAST_STORE_FAST",
     "BINARY_OP", "BINARY_SUBSCR", "BINARY_SLICE", "COMPARE_OP", "UNARY_NEGATIVE", "UNARY_INVERT", "BUILD_SLICE",
     "BUILD_TUPLE", "BUILD_LIST", "BUILD_MAP", "BUILD_CONST_KEY_MAP", "UNPACK_SEQUENCE", "SWAP", "COPY"]
)  # fmt: skip
"""Instructions that do the same at each call; what they leave is known only to be the engine's."""
FLAGGED = sys.version_info >= (3, 12)
"""Whether a method to be called is loaded like any attribute, with a flag."""
ASKS = frozenset(["LOAD_ATTR", "LOAD_METHOD"])
LOCAL = object()
"""In the place of an object: an argument of the step, or what the engine made of it."""
ASKED = frozenset(["shape", "ndim", "T", "mT"])
"""What may be asked of these, methods aside."""
CALLED = frozenset(["zero_grad", "step"])
"""The methods of optimisers and schedules that give no number that changes."""


def lasting(step: Any, trace: Trace, named: list[Any] | None = None) -> set[int] | None:
    """The ids of the tensors (and of their arrays) that live from step to step, where one trace tells what every step
    does; else None. named: what `foreseen` says of it.

    Whatever else it reads, and no op has made, the engine has made of what is written in the step: constants.
    """
    modules = list(trace.modules.values())
    if named is None:
        named, theirs = [], [m.forward for m in modules if not is_ours(type(m))]
        if not all([_is_plain(f, named, theirs) for f in (step, *theirs)]):  # noqa: C419  (all of them name things)
            return None
    if trace.unclear:
        return None
    kept = list(named)
    kept += [t for m in modules for held in (m._parameters, m._buffers) for t in held.values()]
    stepped = [e.facts[0].optimizer for e in trace.events if e.what == "stepped"]
    kept += [p for o in stepped for group in o.param_groups for p in group["params"]]
    kept = [t for t in kept if isinstance(t, Tensor)]
    return {id(t) for t in kept} | {id(t.array) for t in kept}


def foreseen(step: Any) -> list[Any] | None:
    """What a step names, where it is straight code, as all that its modules may run, and nobody has hooks; else None.
    It is asked before the step runs."""
    named: list[Any] = []
    if EVERYWHERE or current_mode().recorders or not _is_plain(step, named, None):
        return None
    modules = [m for held in dict.fromkeys(named) if isinstance(held, Module) for m in held.modules()]
    leaves = [t for m in modules for t in m._parameters.values() if t is not None]
    if any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks or m._backward_pre_hooks for m in modules):
        return None
    if any(t._hooks for t in leaves):
        return None
    theirs = [m.forward for m in modules if not is_ours(type(m))]
    if theirs and not all(_is_plain(f, named, theirs) for f in (step, *theirs)):  # else all is the engine's
        return None
    return named


def _is_plain(step: Any, kept: list[Any], known: list[Any] | None) -> bool:
    """Whether code is straight, and asks nothing but the engine and what is known to be plain (None: any module); kept:
    what it names."""
    owner = step.__self__ if isinstance(step, MethodType) else LOCAL
    function = step.__func__ if isinstance(step, MethodType) else step
    if not isinstance(function, FunctionType):
        return False
    code = function.__code__
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    held: Any = LOCAL
    for name, what, is_method in _instructions(code):
        if held is owner is not LOCAL and name not in ASKS:
            return False  # it is handed on to somebody else
        if name in STRAIGHT:
            held = LOCAL
            continue
        if name.startswith("LOAD_FAST"):
            last = what[-1] if isinstance(what, tuple) else what
            held = owner if last == code.co_varnames[0] and code.co_argcount else LOCAL
            continue
        if name == "LOAD_GLOBAL":
            held = function.__globals__.get(what)
        elif name == "LOAD_DEREF" and what in cells:
            held = cells[what].cell_contents
        elif name in ASKS:
            held = _asked(held, what, is_method)
        else:
            return False
        if held is not LOCAL:
            number = isinstance(held, (bool, int, float, str)) and name not in ASKS
            theirs = isinstance(held, Module) and (known is None or any(held is f.__self__ for f in known))
            if not number and not theirs and not _is_tame(held):
                return False
            kept.append(held)
    return True


@lru_cache(256)
def _instructions(code: CodeType) -> tuple[tuple[str, Any, bool], ...]:
    """(name, argument, whether a method is loaded to be called) of all instructions; of straight ones in a row, the
    first."""
    lines = list(dis.get_instructions(code))
    some = [x for a, x in zip([None, *lines], lines, strict=False) if not (a and {a.opname, x.opname} <= STRAIGHT)]
    return tuple((x.opname, x.argval, x.opname == "LOAD_METHOD" or (FLAGGED and bool((x.arg or 0) & 1))) for x in some)


def _asked(held: Any, name: str, is_method: bool) -> Any:
    """What an object's attribute is known to be; None for what may change."""
    if isinstance(held, ModuleType):
        return getattr(held, name, None)
    if isinstance(held, (Optimizer, LRScheduler)):
        return LOCAL if is_method and name in CALLED else None
    if isinstance(held, Module):
        parts = (held._modules, held._parameters, held._buffers)
        part = next((p[name] for p in parts if p.get(name) is not None), None)
        number = isinstance(vars(held).get(name), (bool, int, float, str))  # a setting, looked at before each call
        return part if part is not None else LOCAL if number or (is_method and is_ours(type(held))) else None
    if held is LOCAL or is_ours(type(held)):
        return LOCAL if is_method or name in ASKED else None
    return getattr(held, "__dict__", {}).get(name)


def is_ours(kind: Any) -> bool:
    """Whether a class or a function is the engine's own."""
    module = getattr(kind, "__module__", None)
    return module.__class__ is str and (module == "engine" or module.startswith("engine."))


def _is_tame(held: Any) -> bool:
    """Whether it is the engine's: its modules, functions and classes, its tensors and optimisers."""
    if isinstance(held, ModuleType):
        return held.__name__.split(".")[0] == "engine"
    return is_ours(held if isinstance(held, (FunctionType, type)) else type(held))
