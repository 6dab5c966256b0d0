"""How a tensor prints: to the letter as PyTorch's, with the name `engine` in the place of `torch`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract
from engine.tensor import FORMAT, Tensor


@dataclass(frozen=True)
class Options:
    """What `set_printoptions` chooses."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=math.inf)}
_options = [Options()]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors print; profile: "default", "short" or "full".

    >>> engine.set_printoptions(precision=2); engine.tensor([1.234])
    tensor([1.23])
    >>> engine.set_printoptions(profile="default")
    """
    chosen = _options[0] if profile is None else PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    given = {name: value for name, value in given.items() if value is not None}
    _options[0] = replace(chosen, sci_mode=sci_mode, **given)  # type: ignore[arg-type]


def get_printoptions() -> dict[str, Any]:
    """What `set_printoptions` chose.

    >>> engine.get_printoptions()["edgeitems"]
    3
    """
    return dict(vars(_options[0]))


@contextmanager
def printoptions(**chosen: Any) -> Iterator[None]:
    """Other options within a block.

    >>> with engine.printoptions(precision=1): print(engine.tensor([1.25]))
    tensor([1.2])
    """
    before = _options[0]
    try:
        set_printoptions(**chosen)
        yield
    finally:
        _options[0] = before


class Style:
    """How every number of a tensor is written: as whole numbers, with digits after the point, or with an exponent."""

    def __init__(self, values: Any, options: Options) -> None:
        self.digits, self.exponents, self.whole, self.width = options.precision, False, True, 1
        self.floating = values.dtype.kind == "f"
        if not self.floating:
            self.width = max((len(str(v)) for v in values.tolist()), default=1)
            return
        shown = values[np.isfinite(values) & (values != 0)].astype(np.float64)
        if shown.size:
            self._choose(shown)
            self.exponents = self.exponents if options.sci_mode is None else options.sci_mode
            self.width = max(len(self._bare(v)) for v in shown.tolist())

    def _choose(self, shown: Any) -> None:
        low, high = float(np.abs(shown).min()), float(np.abs(shown).max())
        self.whole = bool((shown == np.ceil(shown)).all())
        self.exponents = high / low > 1000 or high > 1e8 or (not self.whole and low < 1e-4)

    def _bare(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.exponents:
            return f"{value:.{self.digits}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{self.digits}f}"

    def of(self, value: Any) -> str:
        """One number, in the width of all."""
        return self._bare(value).rjust(self.width)


def text_of(t: Tensor) -> str:
    """`tensor([1., 2.], requires_grad=True)`."""
    if isinstance(t.array, Abstract):
        return f"tensor(..., {', '.join([f'size={tuple(t.array.shape)}', *_notes(t)])})"
    if not t.array.size:
        return _with_notes("tensor([]", _notes(t))
    return _with_notes("tensor(" + body_of(arrays_.to_host(t.array), len("tensor(")), _notes(t))


def body_of(a: Any, indent: int) -> str:
    """The numbers in brackets; of a large array, the edges."""
    options = _options[0]
    large = a.size > options.threshold
    style = Style((_edges(a, options.edgeitems) if large else a).ravel(), options)
    return _bracketed(a, indent, style, large, options)


def _edges(a: Any, few: int) -> Any:
    for axis in range(a.ndim):
        if a.shape[axis] > 2 * few:
            n = a.shape[axis]
            a = a.take([*range(few), *range(n - few, n)], axis)
    return a


def _bracketed(a: Any, indent: int, style: Style, large: bool, options: Options) -> str:
    if not a.ndim:
        return style.of(a.item())
    few = options.edgeitems
    cut = large and a.shape[0] > 2 * few
    if a.ndim == 1:
        parts = [style.of(v) for v in (a[:few] if cut else a).tolist()]
        parts += [" ...", *(style.of(v) for v in a[-few:].tolist())] if cut else []
        count = max(1, (options.linewidth - indent) // (style.width + 2))
        lines = [", ".join(parts[i : i + count]) for i in range(0, len(parts), count)] or [""]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    inner = "," + "\n" * (int(a.ndim) - 1) + " " * (indent + 1)
    rows = [_bracketed(row, indent + 1, style, large, options) for row in (a[:few] if cut else a)]
    rows += ["...", *(_bracketed(row, indent + 1, style, large, options) for row in a[-few:])] if cut else []
    return "[" + inner.join(rows) + "]"


def _notes(t: Tensor) -> list[str]:
    """What stands behind the numbers: device, size, dtype, history."""
    notes = [] if t.device.type == "cpu" else [f"device='{t.device}'"]
    kind, usual = t.array.dtype, arrays_.default_dtype()
    if not t.array.size and t.array.shape != (0,) and not isinstance(t.array, Abstract):
        notes.append(f"size={tuple(t.array.shape)}")
    if kind != usual and (not t.array.size or kind not in (arrays_.INT, arrays_.BOOL)):
        notes.append(f"dtype={t.dtype}")
    if t.grad_fn is not None:
        return [*notes, f"grad_fn={t.grad_fn!r}"]
    return [*notes, "requires_grad=True"] if t.requires_grad else notes


def _with_notes(text: str, notes: list[str]) -> str:
    """The notes behind the text, each on a new line where the line would become too long."""
    used = len(text) - text.rfind("\n") + 1
    for note in notes:
        if used + len(note) + 2 > _options[0].linewidth:
            text += ",\n" + " " * len("tensor(") + note
            used = len("tensor(") + len(note)
        else:
            text += ", " + note
            used += len(note) + 2
    return text + ")"


FORMAT[0] = text_of
