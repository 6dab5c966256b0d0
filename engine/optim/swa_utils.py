"""Averages of a model's weights over its training: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any, Literal

from engine.autodiff import no_grad
from engine.errors import ArgumentError
from engine.nn.module import Module
from engine.nn.parameter import counter, overwrite
from engine.optim.optimizer import Group, Optimizer
from engine.optim.schedule import LRScheduler, per_group
from engine.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_swa_avg_fn() -> Average:
    """The mean of all models so far (Izmailov et al., 2018).

    >>> optim.swa_utils.get_swa_avg_fn()(engine.tensor(1.0), engine.tensor(4.0), 2)
    tensor(2.)
    """
    return no_grad()(lambda mean, value, count: mean + (value - mean) / (count + 1))


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """An exponential moving average: each update keeps the share `decay` of what was there.

    >>> optim.swa_utils.get_ema_avg_fn(0.5)(engine.tensor(1.0), engine.tensor(4.0), 2)
    tensor(2.5000)
    """
    if not 0.0 <= decay <= 1.0:
        raise ArgumentError("get_ema_avg_fn(decay)", "a number from 0 to 1", decay, field="decay")
    return no_grad()(lambda mean, value, count: decay * mean + (1 - decay) * value)


def get_swa_multi_avg_fn() -> MultiAverage:
    """`get_swa_avg_fn` for lists of tensors, in place.

    >>> mean = engine.tensor(1.0); optim.swa_utils.get_swa_multi_avg_fn()([mean], [engine.tensor(4.0)], 2); mean
    tensor(2.)
    """
    return _for_lists(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """`get_ema_avg_fn` for lists of tensors, in place.

    >>> mean = engine.tensor(1.0); optim.swa_utils.get_ema_multi_avg_fn(0.5)([mean], [engine.tensor(4.0)], 2); mean
    tensor(2.5000)
    """
    return _for_lists(get_ema_avg_fn(decay))


def _for_lists(average: Average) -> MultiAverage:
    def update(means: Sequence[Tensor], values: Sequence[Tensor], count: Any) -> None:
        for mean, value in zip(means, values, strict=True):
            overwrite(mean, average(mean.detach(), value.detach(), count))

    return update


class AveragedModel(Module):
    """A copy of a model whose weights are an average of what `update_parameters(model)` was shown.

    >>> model = nn.Linear(2, 1)
    >>> mean = optim.swa_utils.AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.9))
    >>> mean.update_parameters(model)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model) if device is None else deepcopy(model).to(device)
        self.register_buffer("n_averaged", counter(device))
        self.average = multi_avg_fn or _for_lists(avg_fn or get_swa_avg_fn())
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model answers."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take a model's present weights into the average; the first ones are copied."""
        buffers = list(zip(self.module.buffers(), model.buffers(), strict=True))
        pairs: list[tuple[Tensor, Tensor]] = [*zip(self.module.parameters(), model.parameters(), strict=True)]
        pairs, copied = (pairs + buffers, []) if self.use_buffers else (pairs, buffers)
        if int(self.n_averaged) == 0:
            pairs, copied = [], pairs + copied
        if pairs:
            means, values = zip(
                *((mean.detach(), value.detach().to(mean.device)) for mean, value in pairs), strict=True
            )
            self.average(means, values, self.n_averaged.to(means[0].device))
        for mean, value in copied:
            overwrite(mean, value.detach())
        overwrite(self.n_averaged, self.n_averaged + 1)


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the running means of all batch norms anew, from one pass over a loader.

    >>> optim.swa_utils.update_bn([engine.ones(4, 2)], nn.Sequential(nn.BatchNorm1d(2)))
    """
    norms = [module for module in model.modules() if hasattr(module, "reset_running_stats")]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with no_grad():
        for batch in loader:
            given = batch[0] if isinstance(batch, list | tuple) else batch
            model(given if device is None else given.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Moves the rate to `swa_lr` in some steps and keeps it there.

    >>> sgd = optim.SGD([nn.Parameter(engine.zeros(1))], lr=0.5)
    >>> optim.swa_utils.SWALR(sgd, swa_lr=0.05).get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, per_group("SWALR(swa_lr)", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError("SWALR(anneal_strategy)", "cos or linear", anneal_strategy, field="anneal_strategy")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError("SWALR(anneal_epochs)", "a whole number from 0", anneal_epochs, field="anneal_epochs")
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base: float) -> float:
        """Between the rate that the way began with and `swa_lr`."""
        step = self._step_count - 1
        step = max(1, step) if self.anneal_epochs == 0 else step
        before, now = self._share(step - 1), self._share(step)
        goal: float = group["swa_lr"]
        start = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
        return goal * now + start * (1 - now)

    def _share(self, step: int) -> float:
        """How much of the way is done."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self.anneal_strategy == "cos" else t
