"""One input for every layer, and the same layer in PyTorch."""

from typing import Any

from engine.nn.module import LAYERS, Module, defaults

IMAGE = (4, 6, 6)
SHAPES: dict[str, tuple[int, ...]] = {
    "Conv2d": IMAGE,
    "MaxPool2d": IMAGE,
    "AvgPool2d": IMAGE,
    "AdaptiveAvgPool2d": IMAGE,
    "BatchNorm2d": IMAGE,
    "GroupNorm": IMAGE,
    "Dropout2d": IMAGE,
    "Flatten": IMAGE,
}
REQUIRED: dict[str, dict[str, Any]] = {"Unflatten": {"unflattened_size": [2, 4]}}
BATCH = 5


def incoming(name: str) -> list[tuple[int, ...]]:
    """The shapes, without the batch axis, that a layer is tried on."""
    shape = SHAPES.get(name, (8,))
    return [shape, shape] if LAYERS[name].arity == "many" else [shape]


def built(name: str, **params: Any) -> Module:
    """A layer from its form's first values, as a drawing builds it."""
    cls = LAYERS[name]
    return cls(**{**cls.infer(*incoming(name)), **defaults(cls), **REQUIRED.get(name, {}), **params})
