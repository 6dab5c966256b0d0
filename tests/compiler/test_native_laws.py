"""The law of every tier, for the compiled one: native code computes what an operation's array code computes, on every
sample of every operation, as PyTorch-like types go in and come out."""

from typing import Any

import numpy as np
import pytest
from test_lower import CASES, lowered, sample

from engine.compiler.passes.simplify import simplify
from engine.compiler.plan.planner import plan
from engine.compiler.run.table import Table
from engine.ops import Case
from engine.ops.op import Op

pytest.importorskip("llvmlite")
EXACT = 3e-6
"""float32 rounding, some operations deep."""


def natively(graph: Any, arrays: list[Any]) -> Any:
    """What the first output is after one native step."""
    table = Table(plan(graph))
    table.wait()
    table.run(1, np.array([[a.ctypes.data for a in arrays]], np.int64))
    place, dtype = table.plan.outputs[0]
    return None if place.buffer.slot >= 0 else place.view().astype(dtype)


@pytest.mark.parametrize(("op", "case"), CASES)
def test_native_code_computes_what_the_array_code_computes(op: type[Op], case: Case) -> None:
    inputs = sample(case)
    arrays = [np.ascontiguousarray(x) for x in inputs if isinstance(x, np.ndarray)]
    graph = lowered(op, inputs, case.attrs)
    simplify(graph)
    found = natively(graph, arrays)
    with np.errstate(all="ignore"):
        wanted = np.asarray(op.forward(np, *inputs, **case.attrs))
    if found is None:  # a view of an input: nothing is computed
        return
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, EXACT, EXACT * max(1.0, np.abs(wanted).max(initial=0)))
