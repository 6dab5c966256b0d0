"""A price on large weights; biases and the weights of normalisations are free."""

from __future__ import annotations

from typing import Any

from engine.array import module_of
from engine.spec.run import PenaltySpec
from engine.tensor import Tensor

Weights = dict[str, Tensor]


class Penalty:
    """Applies a `PenaltySpec` to weights, around the optimiser's step.

    With style ``gradient`` rate * R'(w) joins the gradient before the step. With ``after_step`` lr * rate * R'(w),
    w from before the step, comes off afterwards; an L1 penalty that would push a weight across zero ends
    that link for good.
    """

    def __init__(self, spec: PenaltySpec, weights: Weights, dead: dict[str, Any] | None = None) -> None:
        self.spec, self.weights = spec, weights
        self.active = spec.kind != "none" and spec.rate > 0
        self.dead: dict[str, Any] = dead or {}
        self.slopes: dict[str, Any] = {}

    def before_step(self) -> None:
        """Once the gradients are there."""
        if not self.active:
            return
        if self.spec.style == "after_step":
            self.slopes = {name: self._slope(w.array) for name, w in self.weights.items()}
            return
        for w in self.weights.values():
            if w.grad is not None:
                w.grad.array[...] += self.spec.rate * self._slope(w.array)

    def after_step(self, lr: float) -> None:
        """Once the optimiser has moved the weights."""
        if self.active and self.spec.style == "after_step":
            for name, w in self.weights.items():
                self._shrink(name, w.array, lr)
        for name, dead in self.dead.items():
            self.weights[name].array[dead] = 0

    def _slope(self, w: Any) -> Any:
        """R'(w): the sign (l1) or the weight itself (l2)."""
        return module_of(w).sign(w) if self.spec.kind == "l1" else w.copy()

    def _shrink(self, name: str, w: Any, lr: float) -> None:
        smaller = w - w.dtype.type(lr * self.spec.rate) * self.slopes[name]
        if self.spec.kind == "l1":
            crossed = w * smaller < 0
            smaller[crossed] = 0
            self.dead[name] = crossed | self.dead[name] if name in self.dead else crossed
        w[...] = smaller


def weights_of(named: dict[str, Tensor]) -> Weights:
    """The parameters that a penalty concerns: those with at least two axes."""
    return {name: p for name, p in named.items() if len(p.shape) > 1}
