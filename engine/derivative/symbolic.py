"""Symbolic differentiation: a formula in, a formula out, by the same rules as everywhere.

The function runs once on symbols (tensors of which only shape and dtype are known) while a recorder writes down every
op; then the gradient rules run on symbols, and are written down too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from engine.array import Abstract
from engine.autodiff import enable_grad, grad
from engine.derivative import writing
from engine.derivative.cost import Cost, Derivative, as_inputs, as_output
from engine.derivative.expression import Book, Expression, evaluate, operations
from engine.errors import GraphError
from engine.graph import Mode, Node, Recorder, current_mode, reset_mode, set_mode
from engine.ops.op import OPS, Op
from engine.tensor import Tensor, abstract, wrap

Function = Callable[..., Any]


class SymbolError(GraphError):
    """A function that has no formula: its run depends on the value of a symbol."""

    code = "symbol"


class Writer(Recorder):
    """Writes down what every tensor is, as an expression."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._known: dict[int, tuple[Tensor, Expression]] = {}
        self._nodes: WeakKeyDictionary[Node, list[Expression]] = WeakKeyDictionary()

    def name(self, t: Tensor, e: Expression) -> None:
        """Say what a tensor is."""
        self._known[id(t)] = (t, e)

    def of(self, t: Any) -> Expression:
        """The expression of a tensor or number; a tensor with values is a constant."""
        if not isinstance(t, Tensor):
            return self._book.number(t)
        known = self._known.get(id(t))
        if known is not None:
            return known[1]
        if isinstance(t.array, Abstract):
            raise SymbolError("symbolic differentiation", "values made by operations", "one that no operation made")
        return self._book.number(t.array)

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        shape = output.array.shape
        if op.name == "filled":
            self.name(output, self._book.number(float(attrs["value"]), shape))
            return
        parts = [self.of(t) for t in inputs]
        e = self._book.call(op, tuple(parts), attrs, shape, output.array.dtype)
        self.name(output, e)
        if output._node is not None:
            self._nodes[output._node] = [*parts, e]

    def copied(self, old: Tensor, new: Tensor) -> None:
        self.name(new, self.of(old))

    def written(self, target: Tensor, value: Tensor) -> None:
        if target._view is not None:
            raise SymbolError(
                "symbolic differentiation", "values", "a write through a view", "Make a new tensor instead."
            )
        e = self.of(value)
        shape = target.array.shape
        same = e.shape == shape
        self.name(target, e if same else self._book.call(OPS["expand"], (e,), {"shape": shape}, shape, e.dtype))

    def enter(self, node: Node, inputs: list[Any], output: Any) -> None:
        for t, e in zip((*inputs, output), self._nodes.get(node, ()), strict=False):
            if isinstance(t, Tensor):
                self.name(t, e)


class Formula:
    """A function as an expression, and its derivatives: slopes[i][j] is d output i / d input j.

    >>> engine.derivative.formula(lambda x: x.exp() * 2, 1.0)
    2 * exp(x)
    """

    def __init__(self, symbols: list[Expression], value: Expression, slopes: list[list[Expression]]) -> None:
        self.symbols, self.value, self.slopes = symbols, value, slopes

    @property
    def derivatives(self) -> list[Expression]:
        """All derivatives in a row."""
        return [e for row in self.slopes for e in row]

    def text(self, sharing: bool = False) -> str:
        """The derivatives, readable.

        >>> engine.derivative.formula(lambda x: x * x.sin(), 1.0).text()
        'x * cos(x) + sin(x)'
        """
        return writing.text(self.derivatives, sharing)

    def latex(self, sharing: bool = False) -> str:
        """The derivatives in LaTeX."""
        return writing.latex(self.derivatives, sharing)

    def python(self, sharing: bool = True) -> str:
        """The source of a Python function that gives the derivatives."""
        return writing.python(self.derivatives, "derivative", sharing, self.symbols)

    def function(self, sharing: bool = True) -> Callable[..., Any]:
        """That function."""
        return writing.function(self.derivatives, "derivative", sharing, self.symbols)

    def size(self, sharing: bool = False) -> int:
        """How many symbols, numbers and operations the derivatives take: written out, or with sharing."""
        if sharing:
            return len({e.serial for whole in self.derivatives for e in whole.graph()})
        return sum(e.tree_size for e in self.derivatives)

    def __repr__(self) -> str:
        return self.text(self.size() > 200)


def formula(f: Function, *xs: Any, simplify: bool = True) -> Formula:
    """The formula of f and its derivatives; the inputs give only shapes. Loops and recursion over numbers unroll.

    Raises SymbolError where a branch or loop asks for the value of a symbol.

    >>> engine.derivative.formula(lambda x, y: x ** 2 * y, 1.0, 1.0).text().splitlines()
    ['2 * y * x', 'x ** 2']
    """
    book = Book(simplify)
    writer = Writer(book)
    inputs = [abstract(t.array.shape, t.dtype) for t in as_inputs(xs)]
    symbols = [book.symbol(name, t.array.shape, t.array.dtype) for name, t in zip(_names(f, xs), inputs, strict=True)]
    for t, e in zip(inputs, symbols, strict=True):
        t.requires_grad_()
        writer.name(t, e)
    token = set_mode(Mode(current_mode().grad, (writer,)))
    try:
        with enable_grad():
            y = as_output(f(*inputs))
        slopes = [[writer.of(g) for g in row] for row in _rows(y, inputs)]
        return Formula(symbols, writer.of(y), slopes)
    except GraphError as refusal:
        if "only shape and dtype are known" not in refusal.got:
            raise
        raise SymbolError(
            f"symbolic differentiation of {getattr(f, '__name__', 'f')}",
            "a function whose run does not depend on the values of its symbols",
            f"one that asks for a value: {refusal.where}",
            "A formula has no branch. Forward and reverse mode differentiate the run itself: use them.",
        ) from None
    finally:
        reset_mode(token)


def _rows(y: Tensor, inputs: list[Tensor]) -> list[tuple[Tensor, ...]]:
    """The gradients of every output."""
    rows = []
    for place in np.ndindex(y.array.shape):
        unit = np.zeros(y.array.shape, y.array.dtype)
        unit[place] = 1
        if y.requires_grad:
            rows.append(grad(y, inputs, wrap(unit), True, materialize_grads=True))
        else:
            rows.append(tuple(wrap(np.zeros(x.array.shape)) for x in inputs))
    return rows


def _names(f: Function, xs: tuple[Any, ...]) -> list[str]:
    """The names of the parameters of f, or x1, x2, ..."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names[: len(xs)] if len(names) >= len(xs) else [f"x{i}" for i in range(1, len(xs) + 1)]


def symbolic(f: Function, *xs: Any, sharing: bool = True, simplify: bool = True) -> Derivative:
    """The Jacobian by a formula: derived once, then computed; without sharing, every part is computed where it stands.

    Source: Baydin, Pearlmutter, Radul and Siskind, Automatic Differentiation in Machine Learning: a Survey, 2018,
    Table 1: without sharing the formula swells.

    >>> engine.derivative.symbolic(lambda x: x ** 3, 2.0).number
    12.0
    """
    found = formula(f, *xs, simplify=simplify)
    values = {e.name: t.array for e, t in zip(found.symbols, as_inputs(xs), strict=True)}
    value, *flat = evaluate([found.value, *found.derivatives], values)
    count = len(found.symbols)
    tables = []
    for j, e in enumerate(found.symbols):
        column = [np.broadcast_to(g, e.shape) for g in flat[j::count]]
        tables.append(np.stack(column).reshape((*found.value.shape, *e.shape)))
    cost = Cost(1, 1, operations([found.value, *found.derivatives], sharing), found.size(sharing))
    return Derivative("symbolic", value, tuple(tables), cost)
