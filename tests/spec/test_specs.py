"""Runs and graphs as data: what is filled in, what is refused, and in which words."""

import json
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.spec import GraphSpec, RunSpec, perceptron, pointer_of, presets, problems_of
from engine.spec.problem import Problem


def refusals(document: object) -> list:
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(document)
    return problems_of(caught.value, document)


def test_nothing_at_all_is_the_first_view() -> None:
    spec = RunSpec()
    assert spec == RunSpec.model_validate({})
    assert [node.kind for node in spec.graph.nodes] == ["Linear", "Tanh", "Linear", "Tanh", "Linear", "Tanh"]
    assert (spec.data.kind, spec.loss.kind, spec.optimizer.params, spec.batches.size) == (
        "circle",
        "HalfMSELoss",
        {"lr": 0.03},
        10,
    )


def test_the_default_network_has_an_input_for_each_feature() -> None:
    spec = RunSpec.model_validate({"data": {"kind": "spiral", "params": {"features": ["x", "y", "sin_x"]}}})
    assert spec.graph.inputs[0].shape == [3]


@pytest.mark.parametrize("preset", presets, ids=lambda p: p.id)
def test_a_preset_survives_a_trip_through_json(preset) -> None:
    assert RunSpec.model_validate_json(preset.spec.model_dump_json()) == preset.spec


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ({"version": 7}, "/version", "unknown_version"),
        ({"graph": {"version": 2}}, "/graph/version", "unknown_version"),
        ({"grph": {}}, "/grph", "unknown_field"),
        ({"batches": {"size": 0}}, "/batches/size", "out_of_bounds"),
        ({"batches": {"size": 2.5}}, "/batches/size", "wrong_type"),
        ({"penalty": {"kind": "L1"}}, "/penalty/kind", "wrong_choice"),
        ({"penalty": {"rate": float("nan")}}, "/penalty/rate", "not_finite"),
        ({"optimizer": {"params": {"lr": float("nan")}}}, "/optimizer/params/lr", "not_finite"),
        ({"data": {"params": {"features": ["x", float("inf")]}}}, "/data/params/features/1", "not_finite"),
        ({"graph": {"layout": {"a": [float("nan")]}}}, "/graph/layout/a/0", "not_finite"),
        ({"initial": {"kind": "zero"}}, "/initial", "wrong_choice"),
        ({"initial": {"kind": "tf", "sed": "1"}}, "/initial/sed", "unknown_field"),
        ({"graph": {"nodes": [{"id": "a b", "kind": "Linear"}]}}, "/graph/nodes/0/id", "wrong_name"),
        ({"graph": {"nodes": [{"id": "a"}]}}, "/graph/nodes/0/kind", "missing"),
        ({"graph": {"inputs": [{"shape": [0]}]}}, "/graph/inputs/0/shape/0", "out_of_bounds"),
        ({"seeds": {"data": -1}}, "/seeds/data", "out_of_bounds"),
    ],
)
def test_a_refusal_says_where_and_why(document: object, pointer: str, code: str) -> None:
    problem = refusals(document)[0]
    assert (problem.pointer, problem.code) == (pointer, code)
    assert problem.message.endswith(".")
    assert problem.expected


def test_a_misspelt_field_is_answered_with_the_nearest_one() -> None:
    assert refusals({"optimiser": {}})[0].hint == 'Did you mean "optimizer"?'
    assert refusals({"penalty": {"kind": "L2"}})[0].hint == 'Did you mean "l2"?'


def test_a_refusal_inside_a_node_names_the_node() -> None:
    problem = refusals({"graph": {"nodes": [{"id": "hidden1", "kind": "Linear", "parms": {}}]}})[0]
    assert (problem.node, problem.field, problem.hint) == ("hidden1", "parms", 'Did you mean "params"?')


def test_the_pointer_of_a_problem_leads_to_the_value() -> None:
    spec = RunSpec()
    problem = Problem(code="x", message="x", node="act1", field="params.slope")
    assert pointer_of(spec, problem) == "/graph/nodes/1/params/slope"
    assert pointer_of(spec.graph, problem) == "/nodes/1/params/slope"
    assert pointer_of(spec, Problem(code="x", message="x", field="optimizer.params.lr")) == "/optimizer/params/lr"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(ascii_letters, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(ascii_letters, max_size=12), inner, max_size=4),
    max_leaves=20,
)
FIELDS = sorted(RunSpec.model_fields)


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4))
def test_any_document_is_taken_or_refused_in_words(document: dict) -> None:
    try:
        RunSpec.model_validate(document)
    except ValidationError as error:
        for problem in problems_of(error, document):
            assert problem.message.isprintable()
            json.dumps(problem.model_dump())


def test_a_graph_without_hidden_layers_is_one_neuron() -> None:
    assert [node.id for node in perceptron(2, []).nodes] == ["output", "out"]
    assert GraphSpec().nodes == []


def test_the_first_preset_is_the_first_view() -> None:
    assert presets[0].spec == RunSpec()
