"""PyTorch's `torch.testing`: comparing results, with its tolerances and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.tensor import Tensor

TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


class _Options:
    def __init__(self, rtol: Any, atol: Any, equal_nan: bool, checked: dict[str, bool]) -> None:
        self.rtol, self.atol, self.equal_nan, self.checked = rtol, atol, equal_nan, checked

    def tolerance(self, *dtypes: str) -> tuple[float, float]:
        """(rtol, atol): the given ones, else the widest of the types."""
        if self.rtol is not None:
            return self.rtol, self.atol
        pairs = [TOLERANCES.get(name, (0.0, 0.0)) for name in dtypes]
        return max(r for r, _ in pairs), max(a for _, a in pairs)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere; also for nested data.

    >>> engine.testing.assert_close(engine.tensor([1.0]), engine.tensor([1.0000001]))
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
    checked = {"device": check_device, "dtype": check_dtype, "stride": check_stride}
    complaint = _compared(actual, expected, _Options(rtol, atol, equal_nan, checked))
    if complaint:
        raise AssertionError(complaint if msg is None else msg(complaint) if callable(msg) else msg)


def _compared(actual: Any, expected: Any, options: _Options, place: str = "") -> str:
    """What is wrong, in words; empty where nothing is."""
    words = _difference(actual, expected, options, place)
    at = f"\n\nThe failure occurred for item {place}"
    return words + at if words and place and "occurred for" not in words else words


def _difference(actual: Any, expected: Any, options: _Options, place: str) -> str:
    if actual is None or expected is None:
        return "" if actual is expected else f"None mismatch: {actual} is not {expected}"
    kinds = (Tensor, np.ndarray)
    if isinstance(actual, kinds) and isinstance(expected, kinds):
        return _tensors(actual, expected, options)
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return _mappings(actual, expected, options, place)
    if _is_list(actual) and _is_list(expected):
        return _sequences(actual, expected, options, place)
    if isinstance(actual, bool | int | float) and isinstance(expected, bool | int | float):
        return _numbers(actual, expected, options)
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _mappings(actual: Any, expected: Any, options: _Options, place: str) -> str:
    missing, additional = expected.keys() - actual.keys(), actual.keys() - expected.keys()
    if missing or additional:
        found = f"Missing keys in the actual mapping: {sorted(missing)}\n" if missing else ""
        found += f"Additional keys in the actual mapping: {sorted(additional)}" if additional else ""
        return "The keys of the mappings do not match:\n" + found.rstrip("\n")
    return _first(_compared(actual[k], expected[k], options, f"{place}[{k!r}]") for k in expected)


def _sequences(actual: Any, expected: Any, options: _Options, place: str) -> str:
    if len(actual) != len(expected):
        return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}"
    pairs = enumerate(zip(actual, expected, strict=True))
    return _first(_compared(a, b, options, f"{place}[{i}]") for i, (a, b) in pairs)


def _first(complaints: Any) -> str:
    return next((c for c in complaints if c), "")


def _numbers(actual: Any, expected: Any, options: _Options) -> str:
    kinds = ["float64" if isinstance(x, float) else "int64" for x in (actual, expected)]
    rtol, atol = options.tolerance(*kinds)
    if np.isclose(float(actual), float(expected), rtol, atol, options.equal_nan):
        return ""
    return _scalars(actual, expected, rtol, atol)


def _scalars(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    off = abs(actual - expected)
    relative = off / abs(expected) if expected else float("inf")
    kind, most, few = (
        ("close", f" (up to {atol} allowed)", f" (up to {rtol} allowed)") if rtol or atol else ("equal", "", "")
    )
    head = f"Scalars are not {kind}!\n\nExpected {expected} but got {actual}.\n"
    return f"{head}Absolute difference: {off}{most}\nRelative difference: {relative}{few}"


def _tensors(actual: Any, expected: Any, options: _Options) -> str:
    for name in ("shape", *(n for n, on in options.checked.items() if on)):
        ours, theirs = (_fact(x, name) for x in (actual, expected))
        if ours != theirs:
            return f"The values for attribute '{name}' do not match: {ours} != {theirs}."
    a, b = (_values(x) for x in (actual, expected))
    rtol, atol = options.tolerance(a.dtype.name, b.dtype.name)
    wide = np.float64 if "f" in (a.dtype.kind, b.dtype.kind) else np.int64
    near = np.isclose(a.astype(wide), b.astype(wide), rtol, atol, options.equal_nan)
    if near.all():
        return ""
    if not a.ndim:
        return _scalars(a.item(), b.item(), rtol, atol)
    return _listed(a, b, near, rtol, atol)


def _fact(x: Any, name: str) -> Any:
    return x.stride() if name == "stride" and isinstance(x, Tensor) else getattr(x, name, None)


def _values(x: Any) -> Any:
    return arrays_.to_host(x.detach().array) if isinstance(x, Tensor) else x


def _listed(a: Any, b: Any, near: Any, rtol: float, atol: float) -> str:
    count, exact = int((~near).sum()), not (rtol or atol)
    kind = np.result_type(a, b) if "f" in (a.dtype.kind, b.dtype.kind) else np.dtype(np.int64)
    off = np.abs(a.astype(kind) - b.astype(kind))
    with np.errstate(all="ignore"):
        relative = off.astype(kind if kind.kind == "f" else np.float32) / np.abs(b.astype(kind)).astype(off.dtype)
        relative = relative if kind.kind == "f" else relative.astype(np.float32)
    off, relative = (np.where(near & (a == b), 0, x) for x in (off, relative))
    rows = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
        f"Mismatched elements: {count} / {a.size} ({count / a.size:.1%})",
        _greatest("absolute", off, "" if exact else f" (up to {atol} allowed)"),
        _greatest("relative", relative, "" if exact else f" (up to {rtol} allowed)"),
    ]
    return "\n".join(rows)


def _greatest(name: str, differences: Any, allowed: str) -> str:
    place = np.unravel_index(int(differences.argmax()), differences.shape)
    return f"Greatest {name} difference: {differences[place].item()} at index {tuple(map(int, place))}{allowed}"
