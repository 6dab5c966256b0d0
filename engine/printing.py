"""How a tensor prints: as PyTorch's, with four digits after the point."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract
from engine.tensor import FORMAT, Tensor

LINE = 80


def text_of(t: Tensor) -> str:
    """`tensor([1., 2.], requires_grad=True)`."""
    notes = _notes(t)
    if isinstance(t.array, Abstract):
        return f"tensor(..., {', '.join([f'size={tuple(t.array.shape)}', *notes])})"
    body = _numbers(arrays_.to_host(t.array))
    if not t.array.size:
        notes.insert(0, f"size={tuple(t.array.shape)}")
    return f"tensor({', '.join([body, *notes])})"


def _notes(t: Tensor) -> list[str]:
    notes = [] if t.device.type == "cpu" else [f"device='{t.device}'"]
    if t.array.dtype not in (arrays_.default_dtype(), arrays_.INT, arrays_.BOOL) or not t.array.size:
        notes.append(f"dtype={t.dtype}")
    if t.grad_fn is not None:
        return [*notes, f"grad_fn={t.grad_fn!r}"]
    return [*notes, "requires_grad=True"] if t.requires_grad else notes


def _numbers(a: Any) -> str:
    if a.dtype.kind != "f":
        return np.array2string(a, separator=", ", max_line_width=LINE, prefix="tensor(", threshold=1000)
    finite = a[np.isfinite(a)]
    whole = bool((finite == np.trunc(finite)).all()) and (not finite.size or np.abs(finite).max() < 1e8)
    large = finite.size and (
        np.abs(finite).max() >= 1e8 or (np.abs(finite[finite != 0]).min(initial=1.0) < 1e-4 and not whole)
    )
    style = "{:.4e}" if large else "{:.0f}." if whole else "{:.4f}"
    width = max((len(_number(x, style)) for x in _shown(finite[finite != 0] if a.size <= 1000 else a)), default=0)
    formatter: Any = {"float_kind": lambda x: _number(x, style).rjust(width)}
    return np.array2string(
        a, separator=", ", max_line_width=LINE, prefix="tensor(", formatter=formatter, threshold=1000
    )


def _number(x: Any, style: str) -> str:
    return style.format(x) if np.isfinite(x) else str(float(x))


def _shown(a: Any) -> Any:
    return a.ravel() if a.size <= 1000 else a[tuple(slice(0, 6) for _ in a.shape)].ravel()


FORMAT[0] = text_of
