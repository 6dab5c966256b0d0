"""Sample inputs for every case of every op, the same in all tests."""

from typing import Any

import numpy as np
import pytest

from engine.ops import OPS, Case, Op
from engine.tensor import Tensor, apply, wrap

CASES = [
    pytest.param(op, case, id=f"{name}-{i}") for name, op in sorted(OPS.items()) for i, case in enumerate(op.cases)
]
SMOOTH = [p for p in CASES if p.values[0].vjp is not None]


def arrays(case: Case, dtype: str = "float64", seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [array(rng, case, shape, dtype) for shape in case.shapes]


def array(rng: np.random.Generator, case: Case, shape: tuple[Any, ...], dtype: str) -> np.ndarray:
    if shape and shape[0] == "int":
        return rng.integers(0, shape[2], shape[1])
    if shape and shape[0] == "bool":
        return rng.random(shape[1]) > 0.5
    return np.asarray(rng.uniform(case.low, case.high, shape), dtype)


def tensors(case: Case, dtype: str = "float64", seed: int = 0, grad: bool = True) -> list[Tensor]:
    made = [wrap(a) for a in arrays(case, dtype, seed)]
    for t in made:
        t.requires_grad = grad and t.array.dtype.kind == "f"
    return made


def run(op: type[Op], case: Case, inputs: list[Any]) -> Tensor:
    return apply(op, tuple(inputs), case.attrs)


def floats(inputs: list[Tensor]) -> list[Tensor]:
    return [t for t in inputs if t.array.dtype.kind == "f"]
