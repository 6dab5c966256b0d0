"""Run programs under one library and write down what they print: `python play.py torch|engine ANSWERS PROGRAM...`.

Each program is a plain script that says `import torch`. Under `engine`, that name is the engine, and torchvision is its
`vision`. The folder `data` where they run holds MNIST's files.
"""

import contextlib
import io
import json
import os
import runpy
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent


def main(library: str, answers: str, *programs: str) -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.path[:0] = [str(HERE), str(HERE / "scripts")]
    if library == "engine":
        sys.path.insert(0, str(HERE.parents[1]))
        import engine
        import engine.vision

        sys.modules["torch"], sys.modules["torchvision"] = engine, engine.vision
    import torch

    if library == "torch":
        torch.set_num_threads(1)
    told = {name: play(torch, name) for name in programs}
    Path(answers).write_text(json.dumps(told))


def play(torch, name: str) -> dict[str, object]:
    """Run one program: its text, its seconds, and the traceback where it fell."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)
    said, fell, start = io.StringIO(), None, time.perf_counter()
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(str(HERE / "scripts" / f"{name}.py"), run_name="__main__")
        except (Exception, SystemExit):
            fell = traceback.format_exc()
    return {"text": said.getvalue(), "seconds": round(time.perf_counter() - start, 2), "fell": fell}


if __name__ == "__main__":
    main(*sys.argv[1:])
