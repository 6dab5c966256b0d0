"""What is wrong with a drawing or a run is said in words, on its node and field, before anything is allocated."""

import json
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.nn.module import LAYERS
from engine.spec import GraphSpec, Limits, RunSpec, build, chain, check, perceptron, pointer_of, presets
from engine.spec.catalogue import catalog


def circle(**changes: object) -> RunSpec:
    return RunSpec.model_validate(changes)


def graph(*nodes: tuple, shape: list[int] | None = None) -> GraphSpec:
    return chain([(name, kind, params) for name, kind, params in nodes], shape or [2])


@pytest.mark.parametrize("preset", presets, ids=lambda p: p.id)
def test_a_preset_has_no_problem(preset) -> None:
    report = check(preset.spec)
    assert report.problems == []
    assert report.parameter_count == sum(p.array.size for p in build(preset.spec.graph).parameters())


@pytest.mark.parametrize("preset", presets, ids=lambda p: p.id)
def test_the_shapes_of_a_report_are_those_of_the_network(preset) -> None:
    import numpy as np

    from engine.tensor import Tensor

    report, network = check(preset.spec), build(preset.spec.graph)
    x = Tensor(np.zeros((2, *preset.spec.graph.inputs[0].shape), np.float32))
    for name, value in network.outputs_of(x).items():
        assert [list(value.shape[1:])] == report.shapes[name]


def test_parameters_are_called_node_dot_parameter() -> None:
    names = [name for name, _ in build(perceptron()).named_parameters()]
    report = check(perceptron())
    assert names == [f"{node}.{p.name}" for node, named in report.parameters.items() for p in named]
    assert names[:2] == ["hidden1.weight", "hidden1.bias"]


def wire(document: dict, *path: object, value: object) -> dict:
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return document


def changed(*path: object, value: object) -> RunSpec:
    return RunSpec.model_validate(wire(RunSpec().model_dump(), *path, value=value))


CASES = [
    (("graph", "nodes", 0, "kind"), "Linaer", "unknown_kind", "hidden1", "kind"),
    (("graph", "nodes", 0, "params"), {"out_features": 0}, "bad_setting", "hidden1", "params.out_features"),
    (("graph", "nodes", 0, "params"), {"out_features": "4"}, "bad_setting", "hidden1", "params.out_features"),
    (("graph", "nodes", 0, "params"), {"out_feature": 4}, "unknown_field", "hidden1", "params.out_feature"),
    (("graph", "nodes", 0, "params"), {}, "missing", "hidden1", "params.out_features"),
    (("graph", "nodes", 0, "params"), {"out_features": 10**9}, "too_large", "hidden1", "params"),
    (("graph", "nodes", 0, "params"), {"out_features": 2**62}, "bad_setting", "hidden1", "params.out_features"),
    (("graph", "nodes", 0, "params"), {"out_features": 10**400}, "not_finite", "hidden1", "params.out_features"),
    (("graph", "nodes", 0, "inputs"), [], "missing_input", "hidden1", "inputs"),
    (("graph", "nodes", 0, "inputs"), ["y"], "unknown_node", "hidden1", "inputs.0"),
    (("graph", "nodes", 0, "inputs"), ["x.3"], "unknown_port", "hidden1", "inputs.0"),
    (("graph", "nodes", 0, "inputs"), ["x", "x"], "too_many_inputs", "hidden1", "inputs"),
    (("graph", "nodes", 0, "inputs"), ["out"], "cycle", None, "inputs"),
    (("graph", "nodes", 1, "id"), "hidden1", "duplicate_id", "hidden1", "id"),
    (("graph", "nodes", 1, "id"), "training", "reserved_id", "training", "id"),
    (("graph", "outputs"), ["act2"], "dangling", "out", None),
    (("graph", "outputs"), [], "no_output", None, "graph.outputs"),
    (("graph", "outputs"), ["owt"], "unknown_node", None, "graph.outputs.0"),
    (("graph", "inputs", 0, "shape"), [3], "shape_misfit", "x", "shape"),
    (("data", "kind"), "cirkel", "unknown_kind", None, "data.kind"),
    (("data", "params"), {"features": ["x", "z"]}, "bad_setting", None, "data.params.features"),
    (("data", "params"), {"samples": 2**62}, "bad_setting", None, "data.params.samples"),
    (("optimizer", "params"), {"lr": -1}, "bad_setting", None, "optimizer.params.lr"),
    (("optimizer", "kind"), "sgd", "unknown_kind", None, "optimizer.kind"),
    (("schedule",), {"kind": "StepLR", "params": {}}, "missing", None, "schedule.params.step_size"),
    (("loss", "kind"), "CrossEntropyLoss", "shape_misfit", "out", "params"),
    (("loss", "kind"), "Loss", "unknown_kind", None, "loss.kind"),
    (("loss", "params"), {"reduction": "sum"}, "misfit", None, "loss.params.reduction"),
    (("batches",), {"size": 251, "last": "drop"}, "misfit", None, "batches.size"),
    (("device",), "cuda:99", "unknown_device", None, "device"),
    (("device",), "tpu", "unknown_device", None, "device"),
    (("until",), {"metric": {"name": "test_loss"}}, "misfit", None, "until.metric"),
    (("watch",), ["map?node=x&size=9999"], "bad_topic", None, "watch.0"),
    (("initial",), {"kind": "arrays", "arrays": {"hidden.weight": {"shape": [1], "data": ""}}}, "misfit", None, None),
]


@pytest.mark.parametrize(("path", "value", "code", "node", "field"), CASES)
def test_a_mistake_is_named_where_it_is(path, value, code, node, field) -> None:
    spec = changed(*path, value=value)
    problems = [p for p in check(spec).problems if p.code == code]
    assert problems, [p.model_dump() for p in check(spec).problems]
    problem = problems[0]
    assert node is None or problem.node == node
    assert field is None or problem.field == field
    assert problem.message[0].isupper() or problem.message[0] == '"' or problem.message[0].isalpha()
    assert problem.message.endswith(".")
    assert problem.expected or problem.hint
    assert pointer_of(spec, problem).startswith("/")
    json.dumps(problem.model_dump(), allow_nan=False)


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    (problem,) = check(graph(("h", "linear", {"out_features": 2}))).problems
    assert problem.hint == 'Did you mean "Linear"?'


def test_images_into_a_linear_layer_are_told_to_flatten() -> None:
    spec = next(p for p in presets if p.id == "mnist-mlp").spec.model_copy(deep=True)
    del spec.graph.nodes[0]
    spec.graph.nodes[0].inputs = ["x"]
    problems = check(spec).problems
    assert any("Flatten" in (p.hint or "") for p in problems), problems


def test_a_branch_that_does_not_fit_does_not_hide_another() -> None:
    spec = GraphSpec.model_validate(
        {
            "nodes": [
                {"id": "a", "kind": "Conv2d", "params": {"out_channels": 2, "kernel_size": 3}, "inputs": ["x"]},
                {"id": "b", "kind": "Linear", "params": {"out_features": 3}, "inputs": ["x"]},
                {"id": "c", "kind": "Linear", "params": {"out_features": -3}, "inputs": ["b"]},
                {"id": "sum", "kind": "Add", "inputs": ["a", "c"]},
            ],
            "outputs": ["sum"],
        }
    )
    assert [p.node for p in check(spec).problems] == ["a", "c"]
    assert check(spec).shapes["b"] == [[3]]


def test_branches_join_and_weights_are_shared() -> None:
    spec = GraphSpec.model_validate(
        {
            "nodes": [
                {"id": "left", "kind": "Linear", "params": {"out_features": 3}, "inputs": ["x"]},
                {"id": "right", "kind": "Linear", "params": {"out_features": 3}, "inputs": ["x"], "shares": "left"},
                {"id": "both", "kind": "Concatenate", "inputs": ["left", "right"]},
                {"id": "out", "kind": "Linear", "params": {"out_features": 1}, "inputs": ["both"]},
            ],
            "outputs": ["out"],
        }
    )
    report = check(spec)
    assert report.problems == []
    assert report.shapes["both"] == [[6]]
    assert report.parameter_count == 9 + 7
    assert [n for n, _ in build(spec).named_parameters()] == ["left.weight", "left.bias", "out.weight", "out.bias"]


def test_a_circle_of_wires_is_spelled_out() -> None:
    spec = perceptron()
    spec.nodes[0].inputs = ["act2"]
    (problem,) = [p for p in check(spec).problems if p.code == "cycle"]
    for name in ("hidden1", "act1", "hidden2", "act2"):
        assert name in problem.message


def test_limits_are_what_the_server_says() -> None:
    assert check(perceptron(), Limits(nodes=5)).problems[0].code == "too_large"
    assert check(perceptron(), Limits(parameters=24)).problems[0].code == "too_large"
    assert check(perceptron(), Limits(parameters=25)).problems == []
    assert check(RunSpec(), Limits(memory_bytes=1000)).problems[0].code == "too_large"
    assert check(RunSpec(device="cuda:0"), devices=["cpu", "cuda:0"]).problems == []


def test_a_thousand_layers_are_checked_without_recursion() -> None:
    nodes = [(f"n{i}", "Tanh", {}) for i in range(1000)]
    assert check(graph(*nodes)).problems == []


KINDS = [*LAYERS, "Nonsense"]
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**62, "x", [1, 2], [3], 10**400])
)


@st.composite
def drawings(draw: st.DrawFn) -> dict:
    """Any drawing at all: kinds, settings and wires at random, most of it wrong."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6))
    nodes = []
    for name in names:
        kind = draw(st.sampled_from(KINDS))
        known = sorted(_settings(kind)) or ["p"]
        params = draw(st.dictionaries(st.sampled_from(known), PLAIN, max_size=3))
        inputs = draw(st.lists(st.sampled_from([*"abcdefgh", "x", "x.0", "a.1"]), max_size=3))
        nodes.append({"id": name, "kind": kind, "params": params, "inputs": inputs})
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 8, 28, 2**31, 2**52]), min_size=0, max_size=4))
    return {
        "inputs": [{"id": "x", "shape": shape}],
        "nodes": nodes,
        "outputs": draw(st.lists(st.sampled_from("abcdefgh"), max_size=2)),
    }


def _settings(kind: str) -> dict:
    found = next((x for x in catalog()["layers"] if x["kind"] == kind), None) if kind in LAYERS else None
    return found["schema"]["properties"] if found else {}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawings())
def test_no_drawing_breaks_the_check_and_none_is_allocated(document: dict) -> None:
    spec = RunSpec.model_validate({"graph": document})
    tracemalloc.start()
    report = check(spec)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50 * 2**20
    json.dumps(report.model_dump(), allow_nan=False)
    assert report.problems or set(report.shapes) >= {node["id"] for node in document["nodes"]}
    for problem in report.problems:
        pointer_of(spec, problem)


@pytest.mark.bench
def test_a_check_is_quick() -> None:
    spec = next(p for p in presets if p.id == "mnist-cnn").spec
    check(spec)
    spent = min(_seconds(spec) for _ in range(5))
    print(f"check of mnist-cnn: {spent * 1e3:.1f} ms")


def _seconds(spec: RunSpec) -> float:
    start = time.perf_counter()
    check(spec)
    return time.perf_counter() - start
