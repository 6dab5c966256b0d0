"""Everything that can be drawn, chosen and watched, as one JSON document read off the registries."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from engine.data import DATASETS
from engine.data.mnist import full_is_there
from engine.data.source import Source
from engine.nn.loss import LOSSES
from engine.nn.module import LAYERS, Module
from engine.optim import OPTIMIZERS, SCHEDULES
from engine.probes import PROBES
from engine.spec.preset import Preset, presets
from engine.spec.run import RunSpec
from engine.spec.schema import schema_of, summary_of, title_of

Entry = dict[str, Any]


def catalog(data_dir: Path | None = None) -> Entry:
    """The catalogue; presets use the full MNIST files where they lie below `data_dir`."""
    return {
        "version": 1,
        "layers": [{"family": cls.family, **_entry(kind, cls)} for kind, cls in familiar_first(LAYERS)],
        "losses": [{"task": cls.task, **_entry(kind, cls)} for kind, cls in LOSSES.items()],
        "optimizers": [_entry(kind, cls) for kind, cls in OPTIMIZERS.items()],
        "schedules": [_entry(kind, cls) for kind, cls in SCHEDULES.items()],
        "datasets": [_dataset(kind, cls) for kind, cls in DATASETS.items()],
        "probes": [{"name": p.name, "summary": p.summary, "arguments": p.schema()} for p in PROBES.values()],
        "presets": [preset.model_dump(mode="json") for preset in presets_for(data_dir)],
        "defaults": RunSpec().model_dump(mode="json"),
    }


def familiar_first(layers: dict[str, type[Module]]) -> list[tuple[str, type[Module]]]:
    """What the presets are made of comes first, so that a menu begins with what a reader has seen."""
    seen = {node.kind for preset in presets for node in preset.spec.graph.nodes}
    return sorted(layers.items(), key=lambda item: item[0] not in seen)


def presets_for(data_dir: Path | None) -> list[Preset]:
    """The presets, on the full MNIST files where they are there."""
    if data_dir is None or not full_is_there(data_dir):
        return presets
    return [_on_full_files(preset) if preset.spec.data.kind == "mnist" else preset for preset in presets]


def _on_full_files(preset: Preset) -> Preset:
    spec = preset.spec.model_copy(deep=True)
    spec.data.params["source"] = "full"
    return preset.model_copy(update={"spec": spec})


def _entry(kind: str, cls: type) -> Entry:
    return {"kind": kind, "title": title_of(kind), "summary": summary_of(cls), "schema": schema_of(cls)}


def _dataset(kind: str, cls: type[Source]) -> Entry:
    card = dataclasses.asdict(cls.card)
    return {"kind": kind, "summary": summary_of(cls), "schema": schema_of(cls), **card}
