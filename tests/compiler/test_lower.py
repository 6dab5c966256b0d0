"""Every op, on every sample of it: what it lowers to means what its own array code computes."""

from typing import Any

import numpy as np
import pytest

from engine.compiler import ir
from engine.compiler.lower import lower
from engine.ops import OPS, Case
from engine.ops.op import Op

CASES = [
    pytest.param(op, case, id=f"{name}-{i}") for name, op in sorted(OPS.items()) for i, case in enumerate(op.cases)
]


def sample(case: Case, seed: int = 0) -> list[Any]:
    """Inputs of a case, float32."""
    rng = np.random.default_rng(seed)
    return [_array(rng, case, shape) for shape in case.shapes]


def _array(rng: Any, case: Case, shape: Any) -> Any:
    if shape and shape[0] == "int":
        return rng.integers(0, shape[2], shape[1])
    if shape and shape[0] == "bool":
        return rng.random(shape[1]) > 0.5
    return np.asarray(rng.uniform(case.low, case.high, shape), np.float32)


def lowered(op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> ir.Graph:
    """A graph of one op, checked; arrays are its inputs, numbers stay."""
    graph = ir.Graph()
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    sources = iter([graph.source("input", a.shape, a.dtype, slot=i) for i, a in enumerate(arrays)])
    given = [next(sources) if isinstance(x, np.ndarray) else x for x in inputs]
    graph.outputs.append(lower(graph, op, given, attrs))
    graph.check()
    return graph


def agree(got: Any, wanted: Any, tolerance: float = 2e-6) -> None:
    """The same numbers to float32 rounding, the same shape and element type."""
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, tolerance, tolerance * max(1.0, np.abs(wanted).max(initial=0)))


def means_the_same(op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> ir.Graph:
    graph = lowered(op, inputs, attrs)
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    with np.errstate(all="ignore"):
        agree(ir.interpret(graph, arrays)[0], np.asarray(op.forward(np, *inputs, **attrs)))
    return graph


@pytest.mark.parametrize(("op", "case"), CASES)
def test_lowered_op_means_its_array_code(op: type[Op], case: Case) -> None:
    means_the_same(op, sample(case), case.attrs)
