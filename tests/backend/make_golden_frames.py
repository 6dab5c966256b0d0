"""Writes tests/contract/golden: frames as the server sends them, with what a decoder must read out of them.

Run it only when the format changes on purpose: `python tests/backend/make_golden_frames.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from backend import frames

FOLDER = Path(__file__).parent.parent / "contract" / "golden"
DTYPES = {"u8": "u1", "i32": "<i4", "u32": "<u4", "f32": "<f4", "f64": "<f8"}
Entry = tuple[str, str, str, Any, float | None, float | None]


def golden() -> dict[str, tuple[dict[str, Any], list[Entry]]]:
    """Name -> (header, [(topic, name, dtype, nested numbers, lo, hi)])."""
    head = {"kind": "pictures", "run": "run_golden", "attempt": 1}
    ramp = np.arange(2 * 3 * 3, dtype="u1").reshape(2, 3, 3).tolist()
    return {
        "empty": ({**head, "seq": 0, "step": 0}, []),
        "progress": (
            {**head, "seq": 3, "step": 120},
            [("progress", "values", "f64", [120.0, 2.4, 0.25, 0.5, 0.875, 0.75, 6000.5, 0.03], None, None)],
        ),
        "plane": (
            {**head, "seq": 4, "step": 121},
            [
                ("map?node=act1&size=3", "map", "u8", ramp, -1.5, 1.5),
                ("points?split=test", "points", "f32", [[-1.5, 2.25, 1.0], [0.5, -6.0, 0.0]], None, None),
                ("confusion?split=test", "counts", "u32", [[7, 1], [0, 4294967295]], None, None),
                ("confusion?split=test", "examples", "u32", 12, None, None),
            ],
        ),
        "image": (
            {**head, "run": "run_\u00e9t\u00e9", "attempt": 2, "seq": 70000, "step": 9007199254740991},
            [
                ("examples?count=3&split=test&start=0", "images", "u8", [[[0, 255], [1, 2]]] * 3, None, None),
                ("examples?count=3&split=test&start=0", "labels", "i32", [7, -1, 9], None, None),
                ("prediction?example=3&split=test", "probabilities", "f32", [0.125, 0.875], None, None),
                ("prediction?example=3&split=test", "loss", "f64", 0.1335313926245226, None, None),
            ],
        ),
    }


def block(topic: str, name: str, dtype: str, values: Any, lo: float | None, hi: float | None) -> frames.Block:
    """The numbers as a block of bytes."""
    array = np.asarray(values, dtype=DTYPES[dtype])
    return frames.Block(topic, name, dtype, array.shape, array.tobytes(), lo, hi)


def main() -> None:
    """Write every golden frame beside the JSON of what it holds."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (header, entries) in golden().items():
        (FOLDER / f"{name}.bin").write_bytes(frames.encode(header, [block(*entry) for entry in entries]))
        blocks = [dict(zip(("topic", "name", "dtype", "values", "lo", "hi"), entry, strict=True)) for entry in entries]
        text = json.dumps({"header": header, "blocks": blocks}, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
