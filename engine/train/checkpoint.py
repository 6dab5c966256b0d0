"""A run as bytes, and back: the next loss is the same to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.array import to_device
from engine.create import as_tensor
from engine.errors import DataError
from engine.exchange.safetensors import load, save
from engine.spec.run import RunSpec
from engine.tensor import Tensor
from engine.train.attempt import Attempt, host

FORMAT = "playground-run-1"
SUMS = ("step", "seen_loss", "seen", "seen_right", "masks", "fresh")


def weights_bytes(attempt: Attempt) -> bytes:
    """The state_dict as safetensors."""
    return save({name: host(t) for name, t in attempt.network.state_dict().items()}, {"format": "pt"})


def attempt_bytes(attempt: Attempt, extra: dict[str, Any]) -> bytes:
    """Everything that decides the numbers to come, and `extra`, which is JSON."""
    arrays = {f"weights/{name}": host(t) for name, t in attempt.network.state_dict().items()}
    arrays |= {f"initial/{name}": array for name, array in attempt.initial.items()}
    arrays |= {f"dead/{name}": (host(mask) == 0).astype(np.uint8) for name, mask in attempt.penalty.alive.items()}
    memory, settings = _optimizer_state(attempt)
    arrays |= memory
    facts = {
        "spec": attempt.spec.model_dump(mode="json"),
        "cursor": attempt.cursor.state(),
        "optimizer": settings,
        "schedule": attempt.schedule.state_dict() if attempt.schedule is not None else None,
        **{name: getattr(attempt, name) for name in SUMS},
        "extra": extra,
    }
    return save(arrays, {FORMAT: json.dumps(facts)})  # one entry: several would come in any order


def attempt_from(content: bytes, data_dir: Path | None) -> tuple[Attempt, dict[str, Any]]:
    """(attempt, extra) from bytes. Raises: DataError when they are no run."""
    arrays, metadata = load(content)
    if FORMAT not in metadata:
        raise DataError(where="checkpoint", expected=f"a file of the kind {FORMAT}", got="another safetensors file")
    facts = json.loads(metadata[FORMAT])
    spec = RunSpec.model_validate(facts["spec"])
    attempt = Attempt(spec, data_dir)
    attempt.network.load_state_dict({name: as_tensor(a) for name, a in _below("weights/", arrays).items()})
    first = _below("initial/", arrays)
    attempt.initial = {name: first[name] for name in attempt.initial}
    for name, dead in _below("dead/", arrays).items():
        attempt.penalty.alive[name].array[...] = to_device(1 - dead.astype(np.float32), spec.device)
    _restore_optimizer(attempt, _below("optimizer/", arrays), facts["optimizer"])
    if attempt.schedule is not None and facts["schedule"] is not None:
        attempt.schedule.load_state_dict(facts["schedule"])
    for name in SUMS:
        setattr(attempt, name, facts.get(name, False))
    attempt.cursor.restore(facts["cursor"])
    return attempt, facts["extra"]


def _below(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _optimizer_state(attempt: Attempt) -> tuple[dict[str, Any], dict[str, Any]]:
    """The optimiser's memory: arrays, and plain numbers as JSON."""
    saved = attempt.optimizer.state_dict()
    arrays: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    for index, memory in saved["state"].items():
        for key, value in memory.items():
            if isinstance(value, Tensor):
                arrays[f"optimizer/{index}/{key}"] = host(value)
            else:
                numbers.setdefault(str(index), {})[key] = value
    return arrays, {"groups": saved["param_groups"], "numbers": numbers}


def _restore_optimizer(attempt: Attempt, arrays: dict[str, Any], settings: dict[str, Any]) -> None:
    state: dict[int, dict[str, Any]] = {int(i): dict(memory) for i, memory in settings["numbers"].items()}
    for name, array in arrays.items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = as_tensor(to_device(array, attempt.spec.device))
    attempt.optimizer.load_state_dict({"state": state, "param_groups": settings["groups"]})
