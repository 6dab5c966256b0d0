"""Every op, on every sample of it: what it lowers to means what its own array code computes."""

import itertools
from typing import Any

import numpy as np
import pytest

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Origin
from engine.compiler.lowering import lower as lowering
from engine.compiler.lowering import told
from engine.compiler.lowering.lower import attempt, lower
from engine.compiler.lowering.symbolic import along
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


@pytest.mark.parametrize(("op", "case"), CASES)
def test_an_op_is_told_of_other_sizes_as_if_it_were_new(op: type[Op], case: Case, monkeypatch: Any) -> None:
    monkeypatch.setattr(lowering, "_TOLD", {})
    monkeypatch.setattr(lowering, "_OPEN", {})
    arrays = sample(case)
    for more in (0, 1, 2, 5, 40, 300):
        new = ir.Graph(), ir.Graph()
        shapes = [tuple(n + more * (n > 1) for n in a.shape) if isinstance(a, np.ndarray) else a for a in arrays]
        inputs = [ir.Value(s, a.dtype) if isinstance(a, np.ndarray) else a for s, a in zip(shapes, arrays, strict=True)]
        try:
            wanted = lowering._noted(new[0], op, inputs, case.attrs)
        except Exception:  # sizes that the op does not take
            break
        found = attempt(new[1], op, inputs, case.attrs)
        assert (found is None) == (wanted is None)
        if wanted is not None and not new[0].sources:
            assert told.Told.of(new[0].nodes, inputs, wanted) == told.Told.of(new[1].nodes, inputs, found)


def test_most_ops_are_told_of_other_sizes_without_their_rule(monkeypatch: Any) -> None:
    monkeypatch.setattr(lowering, "_TOLD", {})
    monkeypatch.setattr(lowering, "_OPEN", {})
    for n in (5, 6, 7):
        if n == 7:
            monkeypatch.setattr(lowering, "_tried", None)
        graph = ir.Graph()
        x, w, y = (graph.source("input", s, np.float32) for s in ((n, 4), (8, 4), (n, 8)))
        attempt(graph, OPS["linear"], [x, w], {})
        attempt(graph, OPS["log_softmax"], [y], {"dim": 1})
        attempt(graph, OPS["linear_weight"], [y, x], {})
        graph.check()


# --------------------------------------------------------- ops that the samples do not reach, as networks call them
def floats(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def whole(limit: int, *shape: int) -> Any:
    return np.random.default_rng(1).integers(0, limit, shape)


def moments(x: Any, dims: tuple[int, ...]) -> Any:
    return OPS["moments"].forward(np, x, dims=dims)


IMAGES, ROWS = floats(4, 3, 5, 6), floats(2, 5, 8)
WINDOW = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil": False}
NARROW = {**WINDOW, "kernel": (3, 2), "stride": (2, 1), "padding": (1, 1)}
WIDE = {**WINDOW, "kernel": (3, 3), "dilation": (2, 1), "ceil": True}
BATCH = {"dims": (0, 2, 3), "eps": 1e-5, "centred": True}
LAYER = {"dims": (2,), "eps": 1e-5, "centred": True}
EVERY_OTHER = {"stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
DEPTHWISE = {**EVERY_OTHER, "size": (7, 8), "padding": (1, 1), "groups": 6}
CHANNEL = floats(1, 3, 1, 1, seed=3)


def pooled(window: dict[str, Any], *more: Any) -> list[Any]:
    y = OPS["max_pool"].forward(np, IMAGES, **window)
    return [*more[:1], IMAGES, y] if more else [floats(*y.shape, seed=5), IMAGES, y]


def strided(size: Any, stride: Any, padding: Any) -> dict[str, Any]:
    return {"size": size, "stride": stride, "padding": padding, "dilation": (1, 1), "groups": 1}


STRIDES = (
    ((4, 4), (3, 3), (8, 8), (2, 2), (1, 1)), ((4, 5), (3, 4), (9, 10), (2, 2), (1, 1)),
    ((3, 3), (2, 2), (9, 9), (3, 3), (0, 0)), ((3, 6), (5, 3), (9, 6), (3, 1), (1, 1)),
    ((3, 2), (7, 4), (16, 9), (4, 2), (0, 2)), ((4, 4), (4, 4), (8, 8), (2, 2), (1, 1)),
)  # fmt: skip
"""(positions, taps, size, stride, padding) of transposed convolutions."""
TIED = np.round(IMAGES)
MORE: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("cast", [floats(3, 4)], {"dtype": np.dtype("i8")}),
    ("cast", [floats(3, 4) > 0], {"dtype": np.dtype("f4")}),
    ("cast", [floats(3, 4)], {"dtype": np.dtype("?")}),
    ("moments", [IMAGES], {"dims": (0, 2, 3)}),
    ("moments", [ROWS], {"dims": (2,), "centred": False}),
    ("standardize", [IMAGES, moments(IMAGES, (0, 2, 3)), CHANNEL, CHANNEL], BATCH),
    ("standardize", [ROWS, moments(ROWS, (2,)), floats(8), floats(8)], LAYER),
    ("standardize", [ROWS, moments(ROWS, (2,))], LAYER),
    ("standardize_backward", [floats(4, 3, 5, 6, seed=2), IMAGES, moments(IMAGES, (0, 2, 3)), CHANNEL], BATCH),
    ("standardize_backward", [floats(2, 5, 8, seed=2), ROWS, moments(ROWS, (2,)), floats(8)], LAYER),
    ("standardize_backward", [floats(2, 5, 8, seed=2), ROWS, moments(ROWS, (2,))], {**LAYER, "centred": False}),
    *(("max_pool_backward", pooled(w), w) for w in (WINDOW, NARROW, WIDE)),
    ("max_pool_backward", [floats(4, 3, 2, 3), TIED, OPS["max_pool"].forward(np, TIED, **WINDOW)], WINDOW),
    *(("max_pool_gather", pooled(w, floats(4, 3, 5, 6, seed=7)), w) for w in (WINDOW, NARROW)),
    ("avg_pool_backward", [floats(4, 3, 3, 6)], {**NARROW, "pad": False, "size": (5, 5)}),
    ("convolution", [IMAGES, floats(4, 3, 1, 1), None], EVERY_OTHER),
    ("convolution_input", [floats(4, 4, 3, 3), floats(4, 3, 1, 1)], {**EVERY_OTHER, "size": (5, 6)}),
    ("convolution_input", [floats(4, 4, 3, 3), floats(4, 3, 1, 1)], {**EVERY_OTHER, "size": (3, 4), "padding": (1, 1)}),
    ("convolution_weight", [floats(4, 4, 3, 3), IMAGES], {**EVERY_OTHER, "size": (1, 1)}),
    ("convolution_input", [floats(2, 6, 4, 4), floats(6, 1, 3, 3)], DEPTHWISE),
    *(("convolution_input", [floats(2, 4, *m), floats(4, 3, *k)], strided(n, s, p)) for m, k, n, s, p in STRIDES),
    ("cross_entropy_op", [floats(4, 3), np.array([0, -100, 2, 1])], {"reduction": "mean", "ignore_index": -100}),
    ("cross_entropy_slope", [floats(4, 3), np.array([0, -100, 2, 1])], {"ignore_index": -100}),
    ("rows", [floats(5, 3), whole(5, 2, 4)], {"skip": 0, "by_count": False}),
    ("rows_backward", [floats(2, 4, 3), whole(5, 2, 4)], {"count": 5, "skip": 2, "by_count": False}),
    ("rows_backward", [floats(2, 4, 3), whole(5, 2, 4)], {"count": 5, "skip": None, "by_count": False}),
    ("argmax", [floats(3, 4)], {"dim": 1}),
    ("argmin", [floats(3, 4)], {"dim": None, "keepdim": True}),
    ("any", [floats(3, 4) > 1], {"dim": (1,)}),
    ("all", [floats(3, 4)], {"dim": None}),
    ("sum", [floats(3, 4) > 0], {"dim": None}),
    ("isfinite", [np.array([1, np.inf, np.nan], np.float32)], {}),
    ("logical_and", [floats(3) > 0, floats(3, seed=1) > 0], {}),
    ("logical_or", [floats(3), floats(3, seed=1) > 0], {}),
    ("logical_xor", [floats(3), floats(3, seed=1) > 0], {}),
    ("logical_not", [floats(3)], {}),
    ("bitwise_and", [floats(3) > 0, floats(3, seed=1) > 0], {}),
    ("bitwise_or", [floats(3) > 0, floats(3, seed=1) > 0], {}),
    ("bitwise_xor", [floats(3) > 0, floats(3, seed=1) > 0], {}),
    ("bitwise_not", [floats(3) > 0], {}),
    ("heaviside", [floats(3), floats(3)], {}),
    ("where", [floats(3, 3) > 0, floats(3, 3), -np.inf], {}),
    ("where", [floats(3, 1) > 0, 0.0, floats(3, 3)], {}),
    ("pow", [floats(3, 3), 2], {}),
    ("pow", [np.abs(floats(3, 3)), 0.5], {}),
    ("pow", [2.0, floats(3, 3)], {}),
    ("mul", [floats(3, 3), 0.1], {}),
    ("add", [whole(5, 3), 1], {}),
    ("ne", [whole(5, 3), -100], {}),
    ("clamp_between", [whole(5, 3), ], {"min": 1, "max": None}),
    ("div", [whole(5, 3).astype(np.float32), 4], {}),
    ("copy_from", [floats(3, 4), whole(9, 4)], {}),
    ("linear", [floats(0, 4), floats(2, 4), floats(2)], {}),
    ("linear", [floats(3, 2, 4), floats(2, 4), None], {}),
    ("index", [floats(3, 4)], {"key": (slice(2, 0), None)}),
    ("index_backward", [floats(4)], {"key": (1,), "shape": (3, 4)}),
    ("index_backward", [floats(2, 1, 2)], {"key": (slice(0, 3, 2), None, slice(1, 4, 2)), "shape": (3, 4)}),
    ("random_slopes", [floats(3, 4)], {"lower": 0.1, "upper": 0.3, "seed": 1, "draw": 2}),
    ("put_view", [floats(3, 4), floats(4)], {"path": ((OPS["index"], {"key": (1,)}),)}),
]  # fmt: skip


@pytest.mark.parametrize(("positions", "taps", "size", "stride", "padding"), STRIDES)
def test_strided_gradient_without_zeros(positions: Any, taps: Any, size: Any, stride: Any, padding: Any) -> None:
    inputs = [floats(2, 64, *positions), floats(64, 3, *taps)]
    graph = means_the_same(OPS["convolution_input"], inputs, strided(size, stride, padding))
    assert not any(any(node.attrs["inner"]) for node in graph.nodes if node.kind is ir.Pad)


@pytest.mark.parametrize(("name", "inputs", "attrs"), [pytest.param(*m, id=f"{m[0]}-{i}") for i, m in enumerate(MORE)])
def test_what_networks_call_means_its_array_code(name: str, inputs: list[Any], attrs: dict[str, Any]) -> None:
    graph = means_the_same(OPS[name], inputs, attrs)
    assert not any(node.kind is ir.Python for node in graph.nodes)


# ------------------------------------------------------------------------------------------ what stays Python, and why
EXACT = "whole numbers and remainders, which floats do not give exactly"
RARE = "a special function, or one that networks are not trained with"
ALGEBRA = "a decomposition or a solution of equations"
ORDER = "an order or a running value: each number depends on the ones before it"
CHOICE = "places that are known only when it runs"
LAYOUT = "memory by strides of one's own, or of no axis"

PYTHON = {
    EXACT: "remainder fmod floor_divide gcd lcm frexp_mantissa frexp_exponent bitwise_left_shift bitwise_right_shift "
    "nextafter signbit copysign nan_to_num",
    RARE: "acos acosh asin atan atan2 hypot sinc logaddexp2 digamma erfc erfinv lgamma polygamma igamma igammac i0 "
    "airy_slope " + " ".join(name for name in OPS if name.startswith("special_")),
    ALGEBRA: "cofactors determinant inverse_of log_abs_det sign_det lu_parts matrix_exp pseudo_inverse qr_parts solved "
    "svd_parts triangular cholesky_lower eigh_parts orthogonal_rest geqrf_parts pivot_order rank_of",
    ORDER: "cumprod cumsum logcumsumexp cummax_indices cummin_indices scan median_of_all nanmedian_of_all argsort "
    "searchsorted bucketize row_order bin_edges bin_counts bincount",
    CHOICE: "scatter_extreme scatter_into window_argmax max_pool_indices isin repeated_places bag_argmax write_at "
    "rows_backward rows_shared transfer",
    LAYOUT: "as_strided restride unfold",
}
"""Ops that are array code in the compiled tier too, at least for some calls; whatever people train with is not here."""


def test_only_these_ops_stay_python() -> None:
    reached = {p.values[0] for p in CASES}
    left = {op.name for op, case in (p.values for p in CASES) if _is_python(op, sample(case), case.attrs)}
    explained = {name for names in PYTHON.values() for name in names.split()}
    assert left <= explained, left - explained
    unseen = {name for name, op in OPS.items() if op not in reached} - {name for name, *_ in MORE}
    assert unseen <= explained, unseen - explained


def _is_python(op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> bool:
    return any(node.kind is ir.Python for node in lowered(op, inputs, attrs).nodes)


def test_computed_places_of_a_vector() -> None:
    graph, places = ir.Graph(), np.array([2, 0, -1, 2])
    x, g, at = (graph.source("input", a.shape, a.dtype, slot=i) for i, a in enumerate((floats(5), floats(4), places)))
    graph.outputs.append(lower(graph, OPS["read_at"], [x], {"key": (at,)}))
    graph.outputs.append(lower(graph, OPS["read_at_backward"], [g], {"key": (at,), "shape": (5,)}))
    graph.check()
    chosen, back = ir.interpret(graph, [floats(5), floats(4), places])
    agree(chosen, floats(5)[places])
    wanted = np.zeros(5, np.float32)
    np.add.at(wanted, places, floats(4))
    agree(back, wanted)


def test_an_op_that_was_seen_is_told_again_with_other_values_and_where_it_stands_now() -> None:
    told = []
    for line in ("first.py:1", "second.py:2"):
        graph = Graph()
        x, y = (graph.source("input", (3, 4), "f4", slot=i) for i in (0, 1))
        graph.origin = Origin(7, "where", line)
        found = attempt(graph, OPS["maximum"], [x, y], {})
        twice = attempt(graph, OPS["maximum"], [x, x], {})
        graph.check()
        assert found is not None
        assert twice is not None
        assert {n.origin.line for n in graph.nodes} == {line}
        told.append([(n.kind, n.attrs, n.output.shape, [v in (x, y) for v in n.values]) for n in graph.nodes])
    assert told[0] == told[1]


def test_a_slice_takes_what_python_says() -> None:
    bounds = [None, *range(-7, 8)]
    for n, start, stop, step in itertools.product(range(6), bounds, bounds, (None, 1, 2, 3, -1, -2)):
        k = slice(start, stop, step)
        first, end, by = k.indices(n)
        taken = along(k, n)
        assert taken[1:] == (len(range(first, end, by)), by)
        assert taken[0] == first or not taken[1]
