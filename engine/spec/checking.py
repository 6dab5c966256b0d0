"""`check`: is a graph or a run in order, what are its shapes, what will it cost. Nothing is allocated."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from engine.array import Device, cuda_count
from engine.data import DATASETS
from engine.data.plane import Plane
from engine.data.source import DataShape
from engine.errors import ArgumentError, EngineError
from engine.nn.loss import LOSSES
from engine.optim import OPTIMIZERS, SCHEDULES
from engine.probes.probe import parse_topic
from engine.spec.graph import GraphSpec, Params
from engine.spec.graph_check import Walk, source_of, walk
from engine.spec.initial import to_array
from engine.spec.problem import Problem, excerpt, problem_from
from engine.spec.refusal import did_you_mean
from engine.spec.run import ArraySpec, InitialArrays, InitialTf, RunSpec
from engine.spec.settings_check import kind_problem, settings_problems

# Arrays of the parameters' size that an optimiser keeps; one that is not named keeps two.
STATE = {"SGD": 1, "Adam": 2, "AdamW": 2, "RMSprop": 2, "Adagrad": 1}


@dataclass(frozen=True)
class Limits:
    """What is refused before anything is allocated."""

    nodes: int = 1000
    parameters: int = 50_000_000
    memory_bytes: int = 4 * 2**30


class Named(BaseModel):
    """A parameter of a node."""

    name: str
    shape: list[int]


class Report(BaseModel):
    """What the engine thinks of a drawing or a run."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    shapes: dict[str, list[list[int]]] = {}
    """For each input and node the shape of every port, batch axis left out."""
    parameters: dict[str, list[Named]] = {}
    parameter_count: int = 0
    memory_bytes: int = 0
    """Estimate: weights, gradients, the optimiser's memory, and the activations of a batch."""
    classes: list[str] = []
    """Of a run: the names of its data's classes, in the order of labels and outputs; empty for regression."""
    features: list[str] = []
    """Of a run: the names of an example's numbers, where they have names (the columns of a table)."""
    problems: list[Problem] = []


def check(
    spec: RunSpec | GraphSpec,
    limits: Limits | None = None,
    data_dir: Path | None = None,
    devices: Collection[str] | None = None,
) -> Report:
    """Shapes, parameters, memory and problems of a run or a graph.

    `devices` are the names that a run may ask for; without them the machine is asked.
    """
    bounds = limits or Limits()
    graph = spec if isinstance(spec, GraphSpec) else spec.graph
    if len(graph.nodes) > bounds.nodes:
        return Report(problems=[_too_many_nodes(len(graph.nodes), bounds.nodes)])
    found = walk(graph)
    problems = list(found.problems)
    batch = 32 if isinstance(spec, GraphSpec) else min(spec.batches.size, 100_000)
    arrays = 2 + (1 if isinstance(spec, GraphSpec) else STATE.get(spec.optimizer.kind, 2))
    memory = 4 * (arrays * found.parameter_count + 2 * batch * found.example_numbers)
    problems += _size_problems(found, memory, bounds)
    names: dict[str, list[str]] = {}
    if isinstance(spec, RunSpec):
        problems += _run_problems(spec, found, data_dir, devices)
        names = {} if any((p.field or "").startswith("data") for p in problems) else _names(spec, data_dir)
    return _report(found, memory, problems, names)


def _names(spec: RunSpec, data_dir: Path | None) -> dict[str, list[str]]:
    source = DATASETS[spec.data.kind](**spec.data.params)
    return {"classes": source.classes(data_dir), "features": source.feature_names(data_dir)}


def _report(found: Walk, memory: int, problems: list[Problem], names: dict[str, list[str]]) -> Report:
    return Report(
        **names,
        shapes={name: [list(shape)] for name, shape in found.shapes.items()},
        parameters={
            node: [Named(name=name, shape=list(shape)) for name, shape in named.items()]
            for node, named in found.parameters.items()
        },
        parameter_count=found.parameter_count,
        memory_bytes=memory,
        problems=problems,
    )


def _too_many_nodes(count: int, limit: int) -> Problem:
    message = f"The graph has {count} nodes; at most {limit} are allowed."
    return Problem(code="too_large", message=message, field="graph.nodes", expected=f"at most {limit}", got=str(count))


def _size_problems(found: Walk, memory: int, limits: Limits) -> list[Problem]:
    count = found.parameter_count
    if count > limits.parameters:
        node = max(found.parameters, key=lambda n: sum(map(math.prod, found.parameters[n].values())))
        most = f"{limits.parameters:,}"
        message = f'The network would have {count:,} weights, most of them in "{node}"; at most {most} are allowed.'
        hint = "Make this layer, or the one before it, smaller."
        return [_large(message, node, f"at most {most} weights", f"{count:,}", hint)]
    if memory > limits.memory_bytes:
        node = max(found.shapes, key=lambda n: math.prod(found.shapes[n]))
        need, most = f"{memory / 2**30:.1f} GiB", f"{limits.memory_bytes / 2**30:.1f} GiB"
        message = f'A batch would need {need} of memory, most of it at "{node}"; the limit is {most}.'
        return [_large(message, node, f"at most {most}", need, "Make the batch or the layers smaller.")]
    return []


def _large(message: str, node: str, expected: str, got: str, hint: str) -> Problem:
    return Problem(code="too_large", message=message, node=node, field="params", expected=expected, got=got, hint=hint)


def _run_problems(spec: RunSpec, found: Walk, data_dir: Path | None, devices: Collection[str] | None) -> list[Problem]:
    shape, problems = _data(spec, data_dir)
    problems += _input_problems(spec, found, shape)
    problems += _loss_problems(spec, found, shape)
    problems += _kind_and_settings("optimizer", spec.optimizer.kind, OPTIMIZERS, "optimiser", spec.optimizer.params)
    if spec.schedule is not None:
        problems += _kind_and_settings("schedule", spec.schedule.kind, SCHEDULES, "schedule", spec.schedule.params)
    if found.shapes and not found.problems and not found.parameter_count:
        problems.append(_plain("graph.nodes", "The network has nothing to learn.", "a layer with weights", "none"))
    problems += [*_batch_problems(spec), *_initial_problems(spec, found), *_goal_problems(spec)]
    return [*problems, *_device_problems(spec.device, devices), *_watch_problems(spec)]


def _kind_and_settings(field: str, kind: str, known: dict[str, type], what: str, params: Params) -> list[Problem]:
    problem = kind_problem(kind, known, what, f"{field}.kind")
    return [problem] if problem else list(settings_problems(known[kind], params, f"{field}.params"))


def _data(spec: RunSpec, data_dir: Path | None) -> tuple[DataShape | None, list[Problem]]:
    problems = _kind_and_settings("data", spec.data.kind, DATASETS, "data set", spec.data.params)
    if problems:
        return None, problems
    try:
        return DATASETS[spec.data.kind].check_shape(spec.data.params, data_dir), []
    except EngineError as error:
        field = f"data.params.{error.field}" if error.field else "data"
        return None, [problem_from(error).model_copy(update={"field": field})]


def _input_problems(spec: RunSpec, found: Walk, shape: DataShape | None) -> list[Problem]:
    if len(spec.graph.inputs) != 1:
        return [_plain("graph.inputs", "A run feeds one input.", "one input", str(len(spec.graph.inputs)))]
    given = spec.graph.inputs[0]
    if shape is None or tuple(given.shape) == tuple(shape.input):
        return []
    want, got = list(shape.input), given.shape
    message = f'The data "{spec.data.kind}" gives examples of shape {want}, but the input "{given.id}" takes {got}.'
    hint = f"Set the shape of the input to {want}."
    return [
        Problem(
            code="shape_misfit",
            message=message,
            node=given.id,
            field="shape",
            expected=str(want),
            got=str(got),
            hint=hint,
        )
    ]


def _loss_problems(spec: RunSpec, found: Walk, shape: DataShape | None) -> list[Problem]:
    problems = _kind_and_settings("loss", spec.loss.kind, LOSSES, "loss", spec.loss.params)
    if problems or shape is None:
        return problems
    if spec.loss.params.get("reduction", "mean") != "mean":
        hint = "Leave the reduction out."
        problems.append(_plain("loss.params.reduction", "A run shows mean losses.", "mean", "another reduction", hint))
    task = LOSSES[spec.loss.kind].task
    if task not in ("both", shape.task):
        message = f"{spec.loss.kind} is made for {task}, and the data is for {shape.task}."
        hint = "Choose MSELoss or HalfMSELoss." if shape.task == "regression" else "Choose CrossEntropyLoss."
        return [*problems, _plain("loss.kind", message, f"a loss for {shape.task}", spec.loss.kind, hint)]
    return problems + _output_problems(spec, found, shape)


def _output_problems(spec: RunSpec, found: Walk, shape: DataShape) -> list[Problem]:
    if len(spec.graph.outputs) > 1:
        return [_plain("graph.outputs", "A run trains one output.", "one output", str(len(spec.graph.outputs)))]
    name = source_of(spec.graph.outputs[0]) if spec.graph.outputs else ""
    if name not in found.shapes:
        return []
    got = found.shapes[name]
    if len(got) != 1:
        message = f'The output "{name}" has shape {list(got)}; a loss needs a row of numbers.'
        return [
            _at_output(name, message, "a shape with one axis", str(list(got)), "Insert Flatten before the last Linear.")
        ]
    allowed = _allowed_outputs(spec.loss.kind, shape)
    if got[0] in allowed:
        return []
    words = " or ".join(map(str, allowed))
    why = f"{shape.outputs} classes" if shape.task == "classification" else "one value"
    message = f'{spec.loss.kind} on {why} needs {words} output{"s" * (allowed != [1])}, and "{name}" gives {got[0]}.'
    return [_at_output(name, message, words, str(got[0]), f"Set the last Linear to {allowed[-1]} features.")]


def _allowed_outputs(loss: str, shape: DataShape) -> list[int]:
    if shape.task == "regression":
        return [1]
    if loss in ("CrossEntropyLoss", "NLLLoss"):
        return [shape.outputs]
    return [1, 2] if shape.outputs == 2 else [shape.outputs]


def _batch_problems(spec: RunSpec) -> list[Problem]:
    count = _training_examples(spec)
    if count is None or spec.batches.last == "keep" or spec.batches.size <= count:
        return []
    message = f"No batch of {spec.batches.size} would ever be full: there are {count} training examples."
    hint = 'Make the batch smaller, or set batches.last to "keep".'
    return [_plain("batches.size", message, f"at most {count}", str(spec.batches.size), hint)]


def _training_examples(spec: RunSpec) -> int | None:
    """How many there will be, where that is known without loading."""
    cls = DATASETS.get(spec.data.kind)
    if cls is None or not issubclass(cls, Plane):
        return None
    try:
        source = cls(**spec.data.params)
    except EngineError:
        return None
    return int(source.samples * source.train / 100)


def _initial_problems(spec: RunSpec, found: Walk) -> list[Problem]:
    if isinstance(spec.initial, InitialTf):
        return _tf_problems(spec)
    if not isinstance(spec.initial, InitialArrays) or found.problems:
        return []
    shapes = {f"{node}.{name}": shape for node, named in found.parameters.items() for name, shape in named.items()}
    return [p for name, array in spec.initial.arrays.items() if (p := _array_problem(name, array, shapes))]


def _array_problem(name: str, array: ArraySpec, shapes: dict[str, tuple[int, ...]]) -> Problem | None:
    field = f"initial.arrays.{name}"
    if name not in shapes:
        message = f"The network has no parameter {excerpt(name)}."
        hint = did_you_mean(name, shapes)
        return _plain(field, message, "the name of a parameter, such as hidden1.weight", excerpt(name), hint)
    if tuple(array.shape) != shapes[name]:
        want, got = list(shapes[name]), array.shape
        return _plain(field, f"{name} has shape {want}, and the array {got}.", str(want), str(got))
    try:
        to_array(name, array)
    except ArgumentError as error:
        return problem_from(error, field=field)
    return None


def _tf_problems(spec: RunSpec) -> list[Problem]:
    cls = DATASETS.get(spec.data.kind)
    problems = []
    if cls is not None and not issubclass(cls, Plane):
        message = "A TensorFlow Playground seed draws points of a plane."
        problems.append(_plain("initial.kind", message, "a planar data set", spec.data.kind))
    strange = next((n for n in spec.graph.nodes if n.kind in LAYERS_WITH_WEIGHTS and n.kind != "Linear"), None)
    if strange is not None:
        message = "A TensorFlow Playground seed draws weights of Linear layers only."
        problems.append(_at_output(strange.id, message, "Linear", strange.kind, 'Set initial to {"kind": "seed"}.'))
    return problems


LAYERS_WITH_WEIGHTS = frozenset({"Conv2d", "BatchNorm1d", "BatchNorm2d", "LayerNorm"})


def _goal_problems(spec: RunSpec) -> list[Problem]:
    goal = spec.until.metric
    if goal is None or (goal.above is None) != (goal.below is None):
        return []
    return [_plain("until.metric", "A goal has one bound.", "either above or below", "both or none")]


def _device_problems(name: str, devices: Collection[str] | None) -> list[Problem]:
    try:
        device = Device(name)
    except EngineError as error:
        return [problem_from(error, field="device").model_copy(update={"code": "unknown_device"})]
    there = device.type == "cpu" or (
        str(device) in devices if devices is not None else (device.index or 0) < cuda_count()
    )
    if there:
        return []
    message = f"This machine has no device {device}."
    return [
        Problem(
            code="unknown_device",
            message=message,
            field="device",
            expected="a device that is there",
            got=name,
            hint='Choose "cpu".',
        )
    ]


def _watch_problems(spec: RunSpec) -> list[Problem]:
    problems = []
    for index, topic in enumerate(spec.watch):
        try:
            parse_topic(topic)
        except ArgumentError as error:
            problems.append(
                problem_from(error).model_copy(update={"code": "bad_topic", "field": f"watch.{index}", "node": None})
            )
    return problems


def _plain(field: str, message: str, expected: str, got: str, hint: str | None = None) -> Problem:
    return Problem(code="misfit", message=message, field=field, expected=expected, got=got, hint=hint)


def _at_output(node: str, message: str, expected: str, got: str, hint: str) -> Problem:
    return Problem(
        code="shape_misfit", message=message, node=node, field="params", expected=expected, got=got, hint=hint
    )
