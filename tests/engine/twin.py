"""Programs that run on PyTorch and on the engine, and must say the same."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import engine

torch = pytest.importorskip("torch")
Program = Callable[[Any], Any]


class Programs(list[Program]):
    """Collects programs: `@both def program(t): ...`."""

    def __call__(self, program: Program) -> Program:
        self.append(program)
        return program

    def test(self) -> Any:
        """The test of all of them."""

        @pytest.mark.parametrize("program", self, ids=lambda p: p.__name__)
        def test(program: Program) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = plain(program(torch))
            ours = plain(program(engine))
            assert ours == theirs, f"\n{ours}\n{theirs}"

        return test


def plain(value: Any) -> Any:
    """Numbers, lists and words, whatever the library."""
    if isinstance(value, torch.Tensor | engine.Tensor):
        return plain(value.detach().tolist())
    if isinstance(value, float):
        return float(f"{value:.4g}") + 0.0 if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def refusal(call: Callable[[], Any], size: int = 42) -> str:
    """The kind of error and its first words."""
    try:
        call()
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        kind = next(k for k in (NotImplementedError, ValueError, RuntimeError, TypeError) if isinstance(error, k))
        return f"{kind.__name__}: {str(error)[:size]}"
    return "no error"


def leaf(t: Any, *values: float) -> Any:
    """A tensor that requires a gradient: a number, or several in a row."""
    return t.tensor(values[0] if len(values) == 1 else list(values), requires_grad=True)
