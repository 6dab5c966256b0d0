"""A run as the recipe of a script: first weights, data, and every change in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import JsonValue

from engine.data import DATASETS
from engine.data.cifar10 import FOLDER as CIFAR10
from engine.data.mnist import Mnist
from engine.data.plane import InOrder, Plane
from engine.data.source import Source, Split
from engine.exchange.tf_playground import stream
from engine.exchange.torch_source import Embedded, Files, Layer, Recipe
from engine.nn.module import LAYERS
from engine.nn.settings import form_settings, settings
from engine.spec.graph_check import source_of, walk
from engine.spec.run import InitialTf, RunSpec
from engine.train.attempt import Attempt
from engine.train.changes import PARAMETER, changed_spec
from engine.train.targets import answer_of

Change = tuple[int, str, JsonValue]


def recipe(training: Attempt, origin: RunSpec, changes: list[Change]) -> Recipe:
    """What a script needs to repeat an attempt that began as `origin` and was changed since."""
    graph = origin.graph
    steps, data = _resolved(training, origin, changes)
    layers = _layers(origin)
    return Recipe(
        title=f"{origin.data.kind}: {', '.join(x.kind for x in layers[:8])}",
        input=graph.inputs[0].id,
        layers=layers,
        output=training.network.output,
        weights=training.initial,
        data=data,
        loss=(origin.loss.kind, dict(origin.loss.params)),
        optimizer=(origin.optimizer.kind, dict(origin.optimizer.params)),
        schedule=_schedule(origin),
        penalty=origin.penalty.model_dump(),
        batches=origin.batches.model_dump(),
        batch_seed=origin.seeds.batches,
        reading=_reading(training, origin),
        outputs=training.answer.outputs,
        steps=training.step,
        changes=steps,
        masks=training.random,
    )


def _layers(spec: RunSpec) -> list[Layer]:
    found = walk(spec.graph)
    layers = []
    for node in found.order:
        shapes = [found.shapes[source_of(r)] for r in node.inputs]
        cls = LAYERS[node.kind]
        inferred = {k: v for k, v in cls.infer(*shapes).items() if k in settings(cls)}
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in node.params.items() if k in form_settings(cls)}
        inputs = [source_of(r) for r in node.inputs]
        layers.append(Layer(node.id, node.kind, {**inferred, **given}, inputs, node.shares))
    return layers


def _schedule(spec: RunSpec) -> dict[str, Any] | None:
    return spec.schedule.model_dump() if spec.schedule else None


def _reading(training: Attempt, spec: RunSpec) -> str:
    task = training.source.shape(training.data_dir).task
    return answer_of(spec.loss.kind, training.answer.outputs, task, list(training.answer.classes)).reading


def _resolved(
    training: Attempt, origin: RunSpec, changes: list[Change]
) -> tuple[list[tuple[int, str, Any]], list[Embedded | Files]]:
    """Changes as the script takes them, and the data sets that they need, in order."""
    spec = origin
    found: list[tuple[int, str, Any]] = []
    data: list[Embedded | Files] = []
    data.append(_data(training, origin, first=True))
    for step, path, value in changes:
        if path.startswith("parameters."):
            found.append((step, "parameter", _number(path, value)))
            continue
        spec = changed_spec(spec, path, value)
        head = path.split(".")[0]
        if head in ("data", "seeds"):
            found.append((step, "data", len(data)))
            data.append(_data(training, spec, first=False))
        else:
            found += [(step, what, v) for what, v in _setting(training, spec, head)]
    return found, data


def _setting(training: Attempt, spec: RunSpec, head: str) -> list[tuple[str, Any]]:
    if head == "loss":
        return [("reading", _reading(training, spec)), ("loss", (spec.loss.kind, dict(spec.loss.params)))]
    if head == "optimizer":
        return [("optimizer", (spec.optimizer.kind, dict(spec.optimizer.params)))]
    if head == "schedule":
        return [("schedule", _schedule(spec))]
    if head in ("penalty", "batches"):
        return [(head, getattr(spec, head).model_dump())]
    return []


def _number(path: str, value: JsonValue) -> tuple[str, list[int], JsonValue]:
    found = PARAMETER.match(path)
    return (found[1], [int(n) for n in found[2].split(",")], value) if found else (path, [], value)


def _data(training: Attempt, spec: RunSpec, first: bool) -> Embedded | Files:
    source = DATASETS[spec.data.kind](**spec.data.params)
    if source.card.input == "image":
        return _files(training, source, spec)
    split = _split(training, source, spec, first)
    return Embedded((split.train.x, split.train.y, split.test.x, split.test.y))


def _split(training: Attempt, source: Source, spec: RunSpec, first: bool) -> Split:
    """Drawn again: the data of a spec is a pure function of its settings and seed."""
    if first and isinstance(spec.initial, InitialTf) and isinstance(source, Plane):
        return source.split(InOrder(stream(spec.initial.seed).__next__))
    return source.load(training.data_dir, spec.seeds.data)


def _files(training: Attempt, source: Source, spec: RunSpec) -> Files:
    below = training.data_dir
    if isinstance(source, Mnist):
        folder = source.folder(below)
    else:
        folder = below / CIFAR10 if below is not None else Path(CIFAR10)
    return Files(
        kind=source.kind,
        folder=str(folder),
        pad=getattr(source, "pad", 0),
        limit=getattr(source, "limit", None),
        validation=getattr(source, "validation", 0.0),
        seed=spec.seeds.data,
        mean=source.card.mean,
        std=source.card.std,
    )
