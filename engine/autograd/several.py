"""One or several tensors in, one or several out: how functions that are differentiated are called and answered."""

from __future__ import annotations

from typing import Any

from engine.errors import GraphError
from engine.forward import cut, input_of
from engine.tensor import Tensor


def opened(inputs: Any, create_graph: bool) -> tuple[list[Tensor], bool]:
    """(Tensors to call the function with, whether several were given); joined to older history with create_graph."""
    several = isinstance(inputs, tuple | list)
    given = tuple(inputs) if several else (inputs,)
    for i, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(f"The inputs given must be Tensors, but input {i} is of type {type(x).__name__}")
    return [input_of(x) if create_graph else cut(x).requires_grad_() for x in given], several


def unpacked(result: Any, name: str, strict: bool) -> tuple[Tensor, ...]:
    """The outputs as a tuple of tensors."""
    outputs = tuple(result) if isinstance(result, tuple | list) else (result,)
    for i, y in enumerate(outputs):
        if not isinstance(y, Tensor):
            kind = type(y).__name__
            raise TypeError(f"The outputs of the function given to {name} must be Tensors; output {i} is a {kind}")
        if strict and not y.requires_grad:
            raise GraphError(
                f"Output {i} of the user-provided function does not require gradients",
                hint="In strict mode the outputs must be computed in a differentiable manner from the inputs.",
            )
    return outputs


def single(found: tuple[Any, ...], several: bool, create_graph: bool) -> Any:
    """The answer as the question was put: a tuple, or the one tensor."""
    kept = found if create_graph else tuple(cut(t) for t in found)
    return kept if several else kept[0]


def stacked_to(rows: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    """Rows (each in the shape of x, one for each element of y) as one tensor of shape (*y, *x)."""
    flat = [r.reshape((1, -1)) for r in rows]
    whole = flat[0].cat_with(*flat[1:], dim=0) if flat else y.new_zeros((0, x.numel()))
    return whole.reshape((*y.shape, *x.shape))
