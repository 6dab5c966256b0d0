"""`engine.compile`: the name under which the compiled tier is called; the tier itself is imported at the first use."""

from __future__ import annotations

from typing import Any


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "table",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
    guard: str | None = None,
    threads: int | None = None,
) -> Any:
    """A training step that is traced once and then runs as a table of native kernels; or a module, for inference.

    The step is written as for PyTorch: `zero_grad`, forward, loss, `backward`, optimiser `step`. It returns the loss.
    `step(x, y)` is one step, `step.run(batches)` many, `step.explain()` says what ran where. guard="finite": a step
    whose loss or gradients are not finite changes nothing. PyTorch's other arguments change nothing here.

    >>> w = engine.ones(1, requires_grad=True); sgd = optim.SGD([w], lr=0.25)
    >>> @engine.compile
    ... def step(x):
    ...     sgd.zero_grad(); loss = (w * x).sum(); loss.backward(); sgd.step(); return loss
    >>> step.run([(engine.ones(1),)] * 4)
    tensor([1.0000, 0.7500, 0.5000, 0.2500])
    """
    if model is None:
        return lambda f: compile(f, disable=disable, guard=guard, threads=threads)
    if disable:
        return model
    from engine.compiler.module import compiled

    return compiled(model, guard, threads)
