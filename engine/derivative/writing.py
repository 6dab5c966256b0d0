"""Expressions as text, as LaTeX and as Python: written out whole, or with what occurs twice given a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.derivative.expression import Expression
from engine.errors import ArgumentError
from engine.tensor import Tensor, apply, wrap

INFIX = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2), "matmul": ("@", 2), "pow": ("**", 4)}
INFIX |= {name: (sign, 0) for name, sign in (("gt", ">"), ("lt", "<"), ("ge", ">="), ("le", "<="), ("eq", "=="))}
ATOM, LIMIT, DEEP = 9, 20_000, 40
Said = tuple[str, int]
"""Words, and how firmly they hold together."""


def text(wanted: list[Expression], sharing: bool = False) -> str:
    """Readable formulas, one a line; with sharing, what occurs more than once has a name and a line of its own.

    >>> engine.derivative.text([engine.derivative.formula(lambda x: x / (x + 1), 1.0).value])
    'x / (x + 1)'
    """
    lines, last = _lines(wanted, _as_text, sharing, "t{}")
    return "\n".join([*(f"{name} = {words}" for name, words in lines), *last])


def latex(wanted: list[Expression], sharing: bool = False) -> str:
    """LaTeX, from each op's own.

    >>> print(engine.derivative.latex([engine.derivative.formula(lambda x: x / (x + 1), 1.0).value]))
    \\frac{x}{x + 1}
    """
    lines, last = _lines(wanted, _as_latex, sharing, "t_{{{}}}")
    return r" \\ ".join([*(f"{name} = {words}" for name, words in lines), *last])


def python(
    wanted: list[Expression], name: str = "f", sharing: bool = True, symbols: list[Expression] | None = None
) -> str:
    """The source of a Python function of the symbols (left out: of those that occur).

    >>> print(engine.derivative.python([engine.derivative.formula(lambda x: x.sin() + 1, 1.0).value]))
    def f(x):
        return sin(x) + 1
    """
    lines, last = _lines(wanted, _as_python, sharing, "t{}")
    names = [e.name for e in (_together(wanted) if symbols is None else symbols) if e.name]
    body = [f"    {left} = {right}" for left, right in lines] + [f"    return {', '.join(last)}"]
    return "\n".join([f"def {name}({', '.join(names)}):", *body]) + "\n"


def function(
    wanted: list[Expression], name: str = "f", sharing: bool = True, symbols: list[Expression] | None = None
) -> Callable[..., Any]:
    """That function: it takes numbers or tensors, and gives tensors. Its `source` is what was compiled.

    >>> engine.derivative.function([engine.derivative.formula(lambda x: x * x, 1.0).value])(3.0)
    tensor(9., dtype=engine.float64)
    """
    source, space = python(wanted, name, sharing, symbols), _space(wanted)
    exec(compile(source, f"<{name}>", "exec"), space)  # noqa: S102  (our own source)
    made = space[name]

    def called(*xs: Any) -> Any:
        return made(*(x if isinstance(x, Tensor) else wrap(np.asarray(x, np.float64)) for x in xs))

    called.source = source  # type: ignore[attr-defined]
    return called


def _space(wanted: list[Expression]) -> dict[str, Any]:
    """What the source of a function speaks of."""

    def caller(op: Any) -> Callable[..., Tensor]:
        return lambda *inputs, **attrs: apply(op, inputs, attrs)

    space: dict[str, Any] = {e.op.name: caller(e.op) for e in _together(wanted) if e.op is not None}
    space |= {_array_name(e): wrap(np.array(e.value)) for e in _together(wanted) if e.value is not None and e.shape}
    return space | {f"{n}_": v for e in _together(wanted) for n, v in _odd(e).items()}


def _odd(e: Expression) -> dict[str, Any]:
    """Attributes that have no literal."""
    return {f"{k}{e.serial}": v for k, v in e.attrs.items() if not isinstance(v, int | float | str | tuple | None)}


def _together(wanted: list[Expression]) -> list[Expression]:
    known = {e.serial: e for whole in wanted for e in whole.graph()}
    return [known[serial] for serial in sorted(known)]


def _lines(
    wanted: list[Expression], say: Callable[[Expression, list[Said]], Said], sharing: bool, pattern: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """(lines of named parts, the formulas): every part is said once, and a whole quotes its parts."""
    if not sharing and sum(e.tree_size for e in wanted) > LIMIT:
        sizes = sum(e.tree_size for e in wanted)
        raise ArgumentError("expression", f"at most {LIMIT} symbols to write out", sizes, "Say sharing=True.")
    order, uses = _together(wanted), dict[int, int]()
    for e in order:
        for part in e.parts:
            uses[id(part)] = uses.get(id(part), 0) + 1
    said: dict[int, Said] = {}
    deep: dict[int, int] = {}
    lines: list[tuple[str, str]] = []
    for e in order:
        words = say(e, [said[id(p)] for p in e.parts])
        deep[id(e)] = 1 + max((deep[id(p)] for p in e.parts), default=0)
        if sharing and e.op is not None and (uses.get(id(e), 0) > 1 or deep[id(e)] > DEEP) and e not in wanted:
            name = pattern.format(len(lines) + 1)
            lines.append((name, words[0]))
            words, deep[id(e)] = (name, ATOM), 0
        said[id(e)] = words
    return lines, [said[id(e)][0] for e in wanted]


def _number(value: Any) -> Said:
    """A number as short as it can be said; an array by its first one, if all are equal."""
    first = value.reshape(-1)[0] if value.size else 0.0
    if value.dtype.kind == "b":
        return str(bool(first)), ATOM
    words = str(int(first)) if float(first).is_integer() and abs(first) < 1e15 else repr(float(first))
    return words, 3 if words.startswith("-") else ATOM


def _uniform(value: Any) -> bool:
    return bool(value.size) and bool(np.all(value == value.reshape(-1)[0]))


def _array_name(e: Expression) -> str:
    return f"c{e.serial}"


def _bound(said: Said, least: int) -> str:
    return said[0] if said[1] >= least else f"({said[0]})"


def _as_text(e: Expression, parts: list[Said]) -> Said:
    return _plainly(e, parts, e.value is not None and _uniform(e.value))


def _as_python(e: Expression, parts: list[Said]) -> Said:
    return _plainly(e, parts, not e.shape)


def _plainly(e: Expression, parts: list[Said], as_number: bool) -> Said:
    if e.op is None:
        return (e.name, ATOM) if e.value is None else _number(e.value) if as_number else (_array_name(e), ATOM)
    name = e.op.name
    if name == "neg":
        return f"-{_bound(parts[0], 2)}", 2
    if name in INFIX and len(parts) == 2:
        sign, level = INFIX[name]
        left, right = level + (name == "pow"), level + (name in ("sub", "div", "matmul") or level == 0)
        return f"{_bound(parts[0], left)} {sign} {_bound(parts[1], right)}", level
    odd = {k.removesuffix(str(e.serial)): k + "_" for k in _odd(e)}
    given = [words for words, _ in parts] + [f"{k}={odd.get(k, repr(v))}" for k, v in e.attrs.items()]
    return f"{name}({', '.join(given)})", ATOM


def _as_latex(e: Expression, parts: list[Said]) -> Said:
    if e.op is None:
        if e.value is None:
            letters = e.name.rstrip("0123456789")
            return (f"{letters}_{{{e.name[len(letters) :]}}}" if letters != e.name else e.name), ATOM
        return _number(e.value) if _uniform(e.value) else (f"C_{{{e.serial}}}", ATOM)
    name, words = e.op.name, [said[0] for said in parts]
    if name == "neg":
        return f"-{_bound(parts[0], 2)}", 2
    if name in ("add", "sub", "mul", "matmul", "pow"):
        level = INFIX[name][1]
        words[0] = _bound(parts[0], level + (name == "pow"))
        words[1] = words[1] if name == "pow" else _bound(parts[1], level + (name in ("sub", "matmul")))
        return e.op.latex.format(*words), level
    if not e.op.latex:
        return rf"\operatorname{{{name}}}({', '.join(words)})", ATOM
    level = ATOM if e.op.latex.rstrip().endswith((")", "}", "|")) else 1
    return e.op.latex.format(*words, **e.attrs), level
