"""The catalogue: everything that can be chosen, with schemas that agree with the constructors."""

import json

import pytest

from engine.data import DATASETS
from engine.nn.loss import LOSSES
from engine.nn.module import LAYERS
from engine.optim import OPTIMIZERS, SCHEDULES
from engine.probes import PROBES
from engine.spec import RunSpec, catalog, check, presets
from engine.spec.schema import schema_of

ROOMS = {"layers": LAYERS, "losses": LOSSES, "optimizers": OPTIMIZERS, "schedules": SCHEDULES, "datasets": DATASETS}
ENTRIES = [(room, kind) for room, registry in ROOMS.items() for kind in registry]


def test_everything_that_is_registered_is_listed_and_fit_for_json() -> None:
    found = json.loads(json.dumps(catalog(), allow_nan=False))
    for room, registry in ROOMS.items():
        assert sorted(entry["kind"] for entry in found[room]) == sorted(registry)
    assert [p["name"] for p in found["probes"]] == list(PROBES)
    assert found["presets"][0]["id"] == "circle"
    assert RunSpec.model_validate(found["defaults"]) == RunSpec()


@pytest.mark.parametrize(("room", "kind"), ENTRIES)
def test_a_schema_says_type_bounds_and_default_of_every_setting(room: str, kind: str) -> None:
    schema = schema_of(ROOMS[room][kind])
    assert schema["additionalProperties"] is False
    for name, setting in schema["properties"].items():
        assert setting["title"]
        assert {"type", "enum", "anyOf"} & set(setting), f"{kind}.{name} has no type: {setting}"
        assert ("default" in setting) != (name in schema["required"])


def test_bounds_and_choices_come_from_the_constructor() -> None:
    linear = schema_of(LAYERS["Linear"])["properties"]
    assert linear["out_features"]["type"] == "integer"
    assert linear["out_features"]["minimum"] == 1
    assert "in_features" not in linear
    sgd = schema_of(OPTIMIZERS["SGD"])["properties"]
    assert sgd["lr"]["minimum"] == 0
    assert "params" not in sgd


def test_the_presets_use_the_full_files_where_they_are(real_data) -> None:
    full = next(p for p in catalog(real_data)["presets"] if p["id"] == "mnist-cnn")
    assert full["spec"]["data"]["params"]["source"] == "full"
    assert next(p for p in presets if p.id == "mnist-cnn").spec.data.params["source"] == "subset"
    assert check(RunSpec.model_validate(full["spec"]), data_dir=real_data).problems == []


def test_the_layers_of_the_presets_stand_first_in_every_menu() -> None:
    kinds = [layer["kind"] for layer in catalog()["layers"]]
    activations = [layer["kind"] for layer in catalog()["layers"] if layer["family"] == "activation"]
    assert sorted(kinds) == sorted(LAYERS)
    assert set(activations[:3]) == {"Tanh", "Sigmoid", "ReLU"}
