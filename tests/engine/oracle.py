"""PyTorch's own databases of sample inputs, translated for the engine.

The torch wheel carries for every operation what PyTorch's developers test it with. Here a sample becomes the same call
on the engine's tensors: dtypes, devices, functions and nested arguments are translated, values shared.
"""

import functools
import math
import random
import re
import types
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.tensor import Tensor

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
pytest.importorskip("expecttest", reason="PyTorch's databases need it: pip install '.[oracle]'")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db as op_db

DIFFERENCES = Path(__file__).parents[2] / "docs/manual/differences.md"


class Untranslatable(Exception):
    """A sample holds something that the engine does not have on purpose: complex numbers, sparse tensors ..."""


# ------------------------------------------------------------------------------------ the manual's table, read
def table(heading: str) -> dict[str, str]:
    """Names in backticks in the first column of the table under a heading, each with the text of the last column."""
    section = re.split(r"^## ", DIFFERENCES.read_text(), flags=re.M)
    lines = next((part for part in section if part.startswith(heading)), "").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return {name: row[-1].strip() for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


ABSENT = table("Operations that are absent")
DIFFERENT = table("Operations that differ")


def absent(name: str) -> str | None:
    """Why the engine has no operation of that name; None when it should have it. A pattern may end with a star."""
    for known, reason in ABSENT.items():
        if name == known or (known.endswith("*") and name.startswith(known[:-1])):
            return reason
    return None


def differs(name: str, aspect: str) -> str | None:
    """Why the engine's operation is not compared in that aspect (`name: aspect` in the manual's table)."""
    return DIFFERENT.get(f"{name}: {aspect}")


# --------------------------------------------------------------------------------------------------- translating
def seeded(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What PyTorch's samples call `wrapper_set_seed`."""
    engine.manual_seed(42)
    return op(*args, **kwargs)


NAMES = {"torch": engine, "F": engine.nn.functional, "wrapper_set_seed": seeded}


def translated(f: Any) -> Any:
    """A Python function that computes with PyTorch, computing with the engine instead."""
    if isinstance(f, torch.nn.Module):
        return getattr(engine.nn, type(f).__name__)()
    if isinstance(f, functools.partial):
        return functools.partial(translated(f.func), **f.keywords)
    if not isinstance(f, types.FunctionType):
        return of_path(torch, f)
    if f.__module__.startswith("torch.nn.functional"):
        return getattr(engine.nn.functional, f.__name__)
    known = f.__globals__ | {k: v for k, v in NAMES.items() if k in f.__globals__}
    cells = tuple(types.CellType(translate(c.cell_contents)) for c in f.__closure__ or ())
    return types.FunctionType(f.__code__, known, f.__name__, f.__defaults__, cells)


def of_path(library: Any, f: Any) -> Any:
    for path in ("", "nn.functional", "linalg", "special"):
        room = getattr_path(library, path)
        if getattr(room, getattr(f, "__name__", ""), None) is f:
            return getattr_path(engine, f"{path}.{f.__name__}".strip("."))
    raise Untranslatable(f)


def getattr_path(room: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        room = getattr(room, part)
    return room


def translate(value: Any, grad: bool = False) -> Any:
    """A value of PyTorch's world as one of the engine's; tensors share memory with the original."""
    if isinstance(value, torch.Tensor):
        return tensor_of(value, grad)
    if isinstance(value, torch.dtype):
        name = str(value).removeprefix("torch.")
        if not hasattr(engine, name) or value.is_complex:
            raise Untranslatable(name)
        return getattr(engine, name)
    if isinstance(value, torch.device):
        return engine.device(str(value))
    if isinstance(value, torch.memory_format | torch.layout):
        return getattr(engine, str(value).removeprefix("torch."))
    if isinstance(value, dict):
        return {k: translate(v, grad) for k, v in value.items()}
    if isinstance(value, list | tuple) and type(value) in (list, tuple, torch.Size):
        return (list if isinstance(value, list) else tuple)(translate(v, grad) for v in value)
    if isinstance(value, slice):
        return slice(*(translate(v) for v in (value.start, value.stop, value.step)))
    if isinstance(value, complex) or type(value).__name__ in ("Generator", "SymInt"):
        raise Untranslatable(value)
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | torch.nn.Module):
        return translated(value)
    return value


def tensor_of(t: Any, grad: bool = False) -> Tensor:
    if t.layout is not torch.strided or t.is_complex() or t.dtype in (torch.bfloat16, torch.complex32) or t.is_meta:
        raise Untranslatable(f"a tensor of {t.dtype}, {t.layout}, {t.device}")
    if t.ndim > 64:
        raise Untranslatable("more axes than NumPy has")
    ours = engine.from_numpy(t.detach().numpy())
    return ours.requires_grad_() if grad and t.requires_grad else ours


def function_of(op: Any) -> Callable[..., Any]:
    """The engine's function for an entry of the database; AttributeError where there is none."""
    f = op.op
    if isinstance(f, types.FunctionType) and f.__module__.startswith("torch.testing"):
        return translated(f)  # type: ignore[no-any-return]
    for room, ours in ((torch, engine), (torch.Tensor, Tensor)):
        try:
            found = getattr_path(room, op.name)
        except AttributeError:
            continue
        if found is f or op.name == getattr(f, "__name__", None):
            return getattr_path(ours, op.name)  # type: ignore[no-any-return]
    return getattr_path(engine, op.name)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------- looking at results
def tensors_in(value: Any, kind: type = Tensor) -> list[Any]:
    """Every tensor in a nest of tuples, lists and dicts, in order."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in tensors_in(v, kind)] if isinstance(value, list | tuple) else []


TOLERANCES = {"float16": (2e-2, 2e-3), "float32": (3e-4, 3e-5), "float64": (1e-6, 1e-8)}


def compare(ours: Any, theirs: Any, what: str, values: bool = True) -> None:
    """Same structure, shapes, dtypes, requires_grad and numbers."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, Tensor), f"{what}: expected a tensor, got {type(ours).__name__}"
        assert tuple(ours.shape) == tuple(theirs.shape), f"{what}: shape"
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch."), f"{what}: dtype"
        if values:
            close(ours, theirs, what)
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs), f"{what}: number of results"
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            compare(a, b, f"{what}, result {i}", values)
    elif isinstance(theirs, float):
        assert isinstance(ours, float), what
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, err_msg=what)
    elif theirs is None or isinstance(theirs, bool | int):
        assert ours == theirs, what


def close(ours: Tensor, theirs: Any, what: str) -> None:
    a, b = ours.detach().numpy(), theirs.detach().resolve_neg().numpy(force=True)
    rtol, atol = TOLERANCES.get(ours.dtype.name, (0, 0))
    scale = float(np.abs(b[np.isfinite(b)]).max(initial=0)) if b.dtype.kind == "f" else 0
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol * max(1.0, scale), equal_nan=True, err_msg=what)


def chosen(samples: Iterator[Any], name: str, count: int | None) -> list[Any]:
    """All samples, or a choice that is the same in every run; the first one is always among them."""
    found = list(samples)
    if count is None or len(found) <= count:
        return found
    rng = random.Random(zlib.crc32(name.encode()))
    return [found[0], *rng.sample(found[1:], count - 1)]


def sample_inputs(op: Any, dtype: Any, grad: bool, count: int | None) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return chosen(op.sample_inputs("cpu", dtype, requires_grad=grad), f"{op.full_name}{dtype}{grad}", count)


def weights(outputs: list[Any], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=tuple(y.shape)) / math.sqrt(max(1, y.numel()))) for y in outputs]
