"""What the tests of training share: a circle run, and running it to a step."""

from collections.abc import Callable

import pytest

from engine.spec import RunSpec
from engine.train import Run


@pytest.fixture
def circle() -> Callable[..., RunSpec]:
    """The circle as fast as possible, with changes."""

    def make(**changes: object) -> RunSpec:
        return RunSpec.model_validate({"pace": None, **changes})

    return make


@pytest.fixture
def at_step() -> Callable[[Run, int], Run]:
    """Train a run up to a step and hold it there."""

    def go(run: Run, step: int) -> Run:
        if step > run.step:
            run.command({"op": "step", "unit": "batch", "count": step - run.step})
        while run.wait() == 0:
            run.advance(10)
        return run

    return go
