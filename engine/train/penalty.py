"""A price on large weights; biases and the weights of normalisations are free."""

from __future__ import annotations

from engine.autodiff import no_grad
from engine.create import ones_like, zeros
from engine.spec.run import PenaltySpec
from engine.tensor import Tensor

Weights = dict[str, Tensor]


class Penalty:
    """Applies a `PenaltySpec` to weights, around the optimiser's step, in operations on tensors.

    With style ``gradient`` rate * R'(w) joins the gradient before the step. With ``after_step`` lr * rate * R'(w),
    w from before the step, comes off afterwards; an L1 penalty that would push a weight across zero ends
    that link for good.

    Attributes:
        rate, pull: rate and lr * rate, as tensors: they may change while a compiled step reads them.
        alive: for each weight whose links can die, 1 where they live and 0 where they are dead.
    """

    def __init__(self, spec: PenaltySpec, weights: Weights, device: str = "cpu") -> None:
        self.weights = weights
        self.rate, self.pull = zeros((), device=device), zeros((), device=device)
        self.alive: dict[str, Tensor] = {}
        self.slopes: dict[str, Tensor] = {}
        self.take(spec)

    def take(self, spec: PenaltySpec) -> None:
        """Apply this from the next step on. Dead links stay dead while the L1 penalty after the step stays."""
        self.spec, self.active, self.shrinks = spec, spec.kind != "none", spec.style == "after_step"
        ends = self.active and self.shrinks and spec.kind == "l1"
        self.alive = self.alive or {name: ones_like(w) for name, w in self.weights.items()} if ends else {}
        self.rate.array[...] = spec.rate

    def refresh(self, lr: float) -> None:
        """Follow the learning rate of the next step."""
        self.pull.array[...] = lr * self.spec.rate

    def before_step(self) -> None:
        """Once the gradients are there."""
        if not self.active:
            return
        with no_grad():
            self.slopes = {name: w.sign() if self.spec.kind == "l1" else w.clone() for name, w in self.weights.items()}
            for name, w in self.weights.items():
                if w.grad is not None and not self.shrinks:
                    w.grad.add_(self.slopes[name] * self.rate)

    def after_step(self) -> None:
        """Once the optimiser has moved the weights."""
        if self.active and self.shrinks:
            with no_grad():
                for name, w in self.weights.items():
                    self._shrink(name, w)

    def _shrink(self, name: str, w: Tensor) -> None:
        smaller = w - self.slopes[name] * self.pull
        alive = self.alive.get(name)
        if alive is not None:
            alive.copy_(alive.where(w * smaller >= 0, 0.0))
            smaller = smaller.where(alive > 0, 0.0)
        w.copy_(smaller)


def weights_of(named: dict[str, Tensor]) -> Weights:
    """The parameters that a penalty concerns: those with at least two axes."""
    return {name: p for name, p in named.items() if len(p.shape) > 1}
