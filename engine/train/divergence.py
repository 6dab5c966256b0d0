"""Which layer a run went wrong in first."""

from __future__ import annotations

import numpy as np

from engine.create import as_tensor
from engine.spec.problem import Problem
from engine.tensor import Tensor
from engine.train.attempt import Attempt, host

HINT = "Lower the learning rate, then reset."


def non_finite(attempt: Attempt) -> Problem:
    """Name the first layer whose weights, output or gradient is infinite or no number, on the batch that failed."""
    x, _ = attempt.feed.batch()
    outputs = attempt.network.outputs_of(as_tensor(x))
    for name, output in outputs.items():
        if _bad(attempt, name):
            return _problem(name, f'The weights of "{name}" became infinite or undefined.', "finite weights")
        if not np.isfinite(host(output)).all():
            return _problem(name, f'The output of "{name}" became infinite or undefined.', "finite outputs")
    return _by_gradient(attempt) or _by_size(outputs)


def _bad(attempt: Attempt, node: str) -> bool:
    own = (p for name, p in attempt.parameters.items() if name.startswith(f"{node}."))
    return any(not np.isfinite(host(p)).all() for p in own)


def _by_gradient(attempt: Attempt) -> Problem | None:
    """Gradients flow backwards: the first to go wrong is the one nearest to the loss."""
    for name, parameter in reversed(attempt.parameters.items()):
        if parameter.grad is not None and not np.isfinite(host(parameter.grad)).all():
            node = name.partition(".")[0]
            return _problem(node, f'The gradient of "{name}" became infinite or undefined.', "finite gradients")
    return None


def _by_size(outputs: dict[str, Tensor]) -> Problem:
    """Every layer is finite, the loss is not: name the layer with the largest output, the one that overflowed it."""
    sizes = {name: float(np.abs(host(output)).max(initial=0.0)) for name, output in outputs.items()}
    name = max(sizes, key=lambda n: sizes[n])
    return _problem(
        name, f'The loss became infinite: the output of "{name}" reached {sizes[name]:.1e}.', "a finite loss"
    )


def _problem(node: str, message: str, expected: str) -> Problem:
    return Problem(
        code="non_finite", message=message, node=node, field=None, expected=expected,
        got="infinity or NaN", hint=HINT,
    )  # fmt: skip
