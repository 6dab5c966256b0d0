"""PyTorch's `torch.autograd.functional`: Jacobians, Hessians and their products with vectors, of plain functions.

A function takes one or several tensors and gives one or several; results nest as (output, input), and a tuple is left
out where there was none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.autodiff import enable_grad, grad, zeros_like
from engine.autograd.several import opened, single, stacked_to, unpacked
from engine.errors import ArgumentError, GraphError, ShapeError
from engine.forward import cut, pushed
from engine.ops.op import words
from engine.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
Function = Callable[..., Any]


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(inputs), v times its Jacobian): the gradients of the inputs for the gradient v of the output.

    >>> engine.autograd.functional.vjp(lambda x: x ** 2, engine.tensor([1.0, 2.0]), engine.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    leaves, several = opened(inputs, create_graph)
    with enable_grad():
        result = func(*leaves)
    outputs = unpacked(result, "vjp", strict)
    weights = _weights(v, outputs, "user-provided function returns a single Tensor with a single element")
    found = _slopes(outputs, leaves, weights, create_graph, strict, "vjp")
    return _closed(result, create_graph), single(found, several, create_graph)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(inputs), its Jacobian times v): how the output moves when the inputs move along v. One forward pass.

    >>> engine.autograd.functional.jvp(lambda x: x ** 2, engine.tensor([1.0, 2.0]), engine.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    several = isinstance(inputs, tuple | list)
    given = tuple(inputs) if several else (inputs,)
    moves = _weights(v, given, "input to the user-provided function is a single Tensor with a single element")
    with enable_grad():
        result, move = pushed(func, tuple(t if create_graph else t.detach() for t in given), moves)
    outputs = unpacked(result, "jvp", False)
    if strict:
        slopes = [grad(y.sum(), opened_, allow_unused=True) for y, opened_ in _dependence(func, given)]
        if any(g is None for row in slopes for g in row):
            raise GraphError("Output 0 of the user-provided function is independent of an input", "strict mode")
    tangents = tuple(move(y) for y in outputs)
    return _closed(result, create_graph), single(tangents, isinstance(result, tuple | list), create_graph)


def _dependence(func: Function, inputs: tuple[Tensor, ...]) -> list[tuple[Tensor, list[Tensor]]]:
    leaves, _ = opened(inputs, False)
    with enable_grad():
        return [(y, leaves) for y in unpacked(func(*leaves), "jvp", True)]


def _weights(v: Any, like: Any, only: str) -> tuple[Any, ...]:
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise GraphError(f"The vector v can only be None if the {only}")
        return (zeros_like(like[0]) + 1,)
    given = tuple(v) if isinstance(v, tuple | list) else (v,)
    if len(given) != len(like):
        raise GraphError("v", f"{len(like)} tensors", len(given))
    for t, y in zip(given, like, strict=True):
        if t.array.shape != y.array.shape:
            raise ShapeError("v has invalid size", words(y.array.shape), words(t.array.shape))
    return given


def _slopes(
    outputs: tuple[Any, ...],
    leaves: list[Tensor],
    weights: tuple[Any, ...],
    create_graph: bool,
    strict: bool,
    name: str,
    retain: bool = False,
) -> tuple[Any, ...]:
    """Gradients of the outputs that depend on something; zeros, or in strict mode a refusal, where nothing does."""
    live = [(y, w) for y, w in zip(outputs, weights, strict=True) if y.requires_grad]
    if not live:
        return tuple(zeros_like(x) for x in leaves)
    ys, ws = zip(*live, strict=True)
    found = grad(ys, leaves, ws, retain or create_graph, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        place = next(i for i, g in enumerate(found) if g is None)
        raise GraphError(f"Output 0 of the user-provided function is independent of input {place}", "strict mode")
    return tuple(zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True))


def _closed(result: Any, create_graph: bool) -> Any:
    if create_graph:
        return result
    return tuple(cut(y) for y in result) if isinstance(result, tuple | list) else cut(result)


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All partial derivatives: for each output and input a tensor of shape (*output, *input).

    One backward pass for each element of the output, or ("forward-mode") one forward pass for each of the input.

    >>> engine.autograd.functional.jacobian(lambda x: x ** 2, engine.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ArgumentError("jacobian: strategy", '"reverse-mode" or "forward-mode"', strategy)
    if strategy == "forward-mode":
        return _by_columns(func, inputs, create_graph)
    leaves, several = opened(inputs, create_graph)
    with enable_grad():
        result = func(*leaves)
        rows = [
            [
                _slopes((part,), leaves, (zeros_like(part) + 1,), create_graph, strict, "jacobian", True)
                for part in (y.reshape((-1,))[i] for i in range(y.numel()))
            ]
            for y in unpacked(result, "jacobian", strict)
        ]
    blocks = tuple(
        single(tuple(stacked_to([r[k] for r in row], y, x) for k, x in enumerate(leaves)), several, create_graph)
        for row, y in zip(rows, unpacked(result, "jacobian", strict), strict=True)
    )
    return blocks if isinstance(result, tuple | list) else blocks[0]


def _by_columns(func: Function, inputs: Any, create_graph: bool) -> Any:
    several = isinstance(inputs, tuple | list)
    given = tuple(inputs) if several else (inputs,)
    columns: list[list[Any]] = []
    for k, x in enumerate(given):
        moved = []
        for i in range(x.numel()):
            unit = zeros_like(x)
            unit.array.reshape(-1)[i] = 1
            result, move = pushed(func, given, tuple(unit if j == k else None for j in range(len(given))))
            moved.append([move(y) for y in unpacked(result, "jacobian", False)])
        columns.append(moved)
    outputs = unpacked(result, "jacobian", False)
    blocks = tuple(
        single(
            tuple(_turned([c[j] for c in columns[k]], y, x) for k, x in enumerate(given)),
            several,
            create_graph,
        )
        for j, y in enumerate(outputs)
    )
    return blocks if isinstance(result, tuple | list) else blocks[0]


def _turned(columns: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    whole = stacked_to(columns, x, y).reshape((max(x.numel(), 0), y.numel()))
    return whole.transpose(0, 1).reshape((*y.shape, *x.shape))


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a function with one number as its value: (*input, *input), nested for several.

    >>> engine.autograd.functional.hessian(lambda x: (x ** 3).sum(), engine.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several = isinstance(inputs, tuple | list)

    def slope(*given: Tensor) -> Any:
        leaves = [x if x.requires_grad else cut(x).requires_grad_() for x in given]
        with enable_grad():
            found = _slopes((_number(func(*leaves), "hessian"),), leaves, (None,), True, strict, "hessian")
        return found if several else found[0]

    return jacobian(slope, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def _number(y: Any, name: str) -> Tensor:
    if not isinstance(y, Tensor):
        raise GraphError(f"The function given to {name} should return a single Tensor", "a tensor", type(y).__name__)
    if y.array.size != 1:
        raise GraphError(
            f"The Tensor returned by the function given to {name} should contain a single element",
            "one number",
            f"shape {words(y.array.shape)}",
        )
    return y


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(inputs), Hessian times v): the gradient of the gradient's product with v.

    >>> engine.autograd.functional.hvp(lambda x: (x ** 3).sum(), engine.tensor([1.0, 2.0]), engine.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    leaves, several = opened(inputs, create_graph)
    weights = _weights(v, leaves, "input to the user-provided function is a single Tensor with a single element")
    with enable_grad():
        y = _number(func(*leaves), "hvp")
        slopes = _slopes((y,), leaves, (None,), True, strict, "hvp")
        found = _slopes(slopes, leaves, weights, create_graph, strict, "hvp")
    return _closed(y, create_graph), single(found, several, create_graph)


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(inputs), v times Hessian); the Hessian is symmetric, so this is `hvp`.

    >>> engine.autograd.functional.vhp(lambda x: (x ** 3).sum(), engine.tensor([1.0, 2.0]), engine.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return hvp(func, inputs, v, create_graph, strict)
