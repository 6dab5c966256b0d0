"""A softmax over very many classes: frequent ones at once, rare ones in clusters."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from engine import functions
from engine.errors import ArgumentError, ShapeError
from engine.nn.container import ModuleList, Sequential
from engine.nn.linear import Linear, Width
from engine.nn.module import Module
from engine.nn.settings import checked


class ASMoutput(NamedTuple):
    """The log-probability of each example's class, and the loss."""

    output: Any
    loss: Any


@checked
class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax for many classes, sorted by how often they occur (Grave et al., 2017).

    >>> model = nn.AdaptiveLogSoftmaxWithLoss(8, n_classes=20, cutoffs=[4, 10])
    >>> model(engine.ones(3, 8), engine.tensor([0, 5, 19])).output.shape
    engine.Size([3])
    """

    def __init__(
        self,
        in_features: Width,
        n_classes: Width,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        edges = [int(c) for c in cutoffs]
        if not edges or edges != sorted({*edges}) or edges[0] <= 0 or edges[-1] > n_classes - 1:
            expected = "growing, different whole numbers between 1 and n_classes - 1"
            raise ArgumentError("AdaptiveLogSoftmaxWithLoss(cutoffs)", expected, list(cutoffs), field="cutoffs")
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*edges, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = edges[0], len(edges)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **place)
        self.tail = ModuleList()
        for number, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:], strict=False), 1):
            inner = max(int(in_features // div_value**number), 1)
            first, second = Linear(in_features, inner, False, **place), Linear(inner, high - low, False, **place)
            self.tail.append(Sequential(first, second))

    def reset_parameters(self) -> None:
        """Draw first values."""
        for part in (self.head, *(linear for pair in self.tail for linear in pair)):
            part.reset_parameters()

    def forward(self, input_: Any, target_: Any) -> ASMoutput:
        """Features (N, in_features) or (in_features,), and classes (N,) or ()."""
        single = input_.ndim == 1
        if target_.ndim != input_.ndim - 1 or (not single and len(target_) != len(input_)):
            where = "AdaptiveLogSoftmaxWithLoss"
            raise ShapeError(where, "one class for each example", f"{list(input_.shape)} and {list(target_.shape)}")
        x, target = (input_.unsqueeze(0), target_.unsqueeze(0)) if single else (input_, target_)
        if int(target.min()) < 0 or int(target.max()) >= self.n_classes:
            raise OutsideClasses("AdaptiveLogSoftmaxWithLoss", f"classes from 0 to {self.n_classes - 1}", "others")
        chosen = self.log_prob(x).gather(1, target.unsqueeze(1)).squeeze(1)
        return ASMoutput(chosen.squeeze(0) if single else chosen, -chosen.mean())

    def log_prob(self, input: Any) -> Any:
        """The log-probability of every class: (N, in_features) to (N, n_classes)."""
        head = self.head(input).log_softmax(1)
        parts = [head[:, : self.shortlist_size]]
        for number, tail in enumerate(self.tail):
            parts.append(tail(input).log_softmax(1) + head[:, self.shortlist_size + number].unsqueeze(1))
        return functions.cat(parts, 1)

    def predict(self, input: Any) -> Any:
        """The likeliest class of each example."""
        return self.log_prob(input).argmax(1)


class OutsideClasses(ArgumentError, RuntimeError):
    """A class that does not exist."""
