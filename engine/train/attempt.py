"""One training from step 0: the network, its data, and what one batch does to it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from engine.array import to_device, to_host
from engine.create import as_tensor
from engine.data import DATASETS
from engine.data.plane import InOrder, Plane
from engine.data.source import Arrays, Source, Split
from engine.exchange.tf_playground import BIAS, first_weights, stream
from engine.nn.init import constant_, orthogonal_
from engine.nn.loss import LOSSES
from engine.nn.module import Module
from engine.optim import OPTIMIZERS, SCHEDULES
from engine.rng import Generator, default_generator
from engine.spec.build import Network, Refused, build
from engine.spec.checking import check
from engine.spec.initial import to_array
from engine.spec.run import InitialArrays, InitialSeed, InitialTf, RunSpec
from engine.tensor import Tensor
from engine.train.batches import Cursor
from engine.train.metrics import Score, is_light, joined, tally
from engine.train.penalty import Penalty, weights_of
from engine.train.targets import answer_of, encode

Array = Any
CHUNK = 500
"""Examples in one forward of an evaluation."""
SMALL = 16 * 2**20
"""Training sets of up to this many bytes are put in order once an epoch, so that batches are slices."""


class NotFinite(Exception):
    """The loss or a gradient of a batch is infinite or no number; the weights are still those from before."""


class Attempt:
    """Everything that decides the numbers of a training, and nothing that does not."""

    def __init__(self, spec: RunSpec, data_dir: Path | None = None, keep: dict[str, Array] | None = None) -> None:
        report = check(spec, data_dir=data_dir)
        if report.problems:
            raise Refused(report.problems)
        self.spec, self.data_dir = spec, data_dir
        self.step = 0
        self.loss_value = math.nan
        self.seen_loss, self.seen, self.seen_right = 0.0, 0, 0
        self.masks = Generator(spec.seeds.weights + 1).get_state()
        self.load_data()
        self.network = self._first_network(keep)
        self.random = any(getattr(m, "family", "") == "dropout" for m in self.network.modules())
        self.switches = [m for m in self.network.modules() if getattr(m, "family", "") in ("dropout", "normalisation")]
        self.parameters: dict[str, Tensor] = dict(self.network.named_parameters())
        self.initial = {name: host(t).copy() for name, t in self.network.state_dict().items()}
        self.set_loss()
        self.set_optimizer()
        self.set_schedule()
        self.penalty = Penalty(spec.penalty, weights_of(self.parameters))
        batches = spec.batches
        self.cursor = Cursor(len(self.split.train), batches.size, batches.order, batches.last, spec.seeds.batches)
        self.reorder()

    # ------------------------------------------------------------------------------------------- setting up
    def load_data(self) -> None:
        """Draw or read the examples that the spec names."""
        spec = self.spec
        first = not hasattr(self, "source")
        self.source: Source = DATASETS[spec.data.kind](**spec.data.params)
        self.tail = None
        if first and isinstance(spec.initial, InitialTf) and isinstance(self.source, Plane):
            self.tail = stream(spec.initial.seed)
            self.split: Split = self.source.split(InOrder(self.tail.__next__))
        else:
            self.split = self.source.load(self.data_dir, spec.seeds.data)
        self.small = self.split.train.x.nbytes <= SMALL
        self.evaluated_whole = is_light(self.split.train.x)

    def _first_network(self, keep: dict[str, Array] | None) -> Network:
        spec = self.spec
        network = build(spec.graph, spec.seeds.weights)
        self.parameters = dict(network.named_parameters())
        if isinstance(spec.initial, InitialTf) and self.tail is not None:
            self._write(first_weights(self._shapes(), self.tail.__next__))
        elif isinstance(spec.initial, InitialSeed) and spec.initial.scheme == "playground":
            uniform = Generator(spec.seeds.weights)
            self._write(first_weights(self._shapes(), lambda: float(uniform.uniform())))
        elif isinstance(spec.initial, InitialSeed) and spec.initial.scheme == "orthogonal":
            self._at_right_angles(Generator(spec.seeds.weights))
        elif isinstance(spec.initial, InitialArrays):
            self._write({name: to_array(name, array) for name, array in spec.initial.arrays.items()})
        self._keep(keep or {})
        return network.to(spec.device) if spec.device != "cpu" else network

    def _at_right_angles(self, generator: Generator) -> None:
        """Matrices and filter banks orthonormal, biases 0.1; scales of normalisations keep their own first value."""
        for name, parameter in self.parameters.items():
            if parameter.ndim > 1:
                orthogonal_(parameter, generator=generator)
            elif name.endswith(".bias"):
                constant_(parameter, BIAS)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(p.shape) for name, p in self.parameters.items()}

    def _write(self, values: dict[str, Array]) -> None:
        for name, value in values.items():
            raw(self.parameters[name])[...] = value

    def _keep(self, old: dict[str, Array]) -> None:
        """Old weights stay where they fit; of a layer that grew or shrank, the part that both have."""
        for name, parameter in self.parameters.items():
            before = old.get(name)
            if before is not None and before.ndim == len(parameter.shape):
                common = tuple(slice(min(a, b)) for a, b in zip(before.shape, parameter.shape, strict=True))
                raw(parameter)[common] = before[common]

    def set_loss(self) -> None:
        """Take the loss of the spec, and the targets that it wants."""
        spec = self.spec
        shape = self.source.shape(self.data_dir)
        sizes = check(spec.graph).shapes[self.network.output][0]
        self.answer = answer_of(spec.loss.kind, sizes[0], shape.task, self.source.classes(self.data_dir))
        self.loss: Module = LOSSES[spec.loss.kind](**spec.loss.params)
        self._place()

    def _place(self) -> None:
        train = self.split.train
        self.light_targets: dict[str, Tensor] = {}
        self.x = to_device(np.ascontiguousarray(train.x), self.spec.device)
        self.targets = to_device(encode(train.y, self.answer), self.spec.device)

    def set_optimizer(self) -> None:
        """A new optimiser, without memory of former steps."""
        chosen = self.spec.optimizer
        self.optimizer = OPTIMIZERS[chosen.kind](list(self.parameters.values()), **chosen.params)

    def set_schedule(self) -> None:
        """A new schedule that begins now."""
        chosen = self.spec.schedule
        self.schedule = SCHEDULES[chosen.kind](self.optimizer, **chosen.params) if chosen else None
        self.per_batch = chosen is not None and chosen.unit == "batch"

    def replace_data(self) -> None:
        """The data settings changed: new examples, same network; the running epoch begins again."""
        self.load_data()
        self._place()
        self.cursor.restart(len(self.split.train))
        self.reorder()

    # ----------------------------------------------------------------------------------------------- a batch
    def reorder(self) -> None:
        """An epoch begins, or its data changed. Small sets are put in the epoch's order at once."""
        if self.small and self.cursor.shuffled:
            order = to_device(self.cursor.order, self.spec.device)
            self.ordered_x, self.ordered_targets = self.x[order], self.targets[order]
        else:
            self.ordered_x, self.ordered_targets = self.x, self.targets

    def next_batch(self) -> tuple[Array, Array]:
        """The examples of the next batch; the place in the data does not move."""
        start, end = self.cursor.span()
        if len(self.cursor.carried) or not (self.small or not self.cursor.shuffled):
            rows = to_device(self.cursor.rows(), self.spec.device)
            return self.x[rows], self.targets[rows]
        return self.ordered_x[start:end], self.ordered_targets[start:end]

    def batch(self) -> bool:
        """One batch forward, backward and into the weights; True when it was the last of its epoch.

        Raises: NotFinite, with weights, optimiser and place in the data as they were before.
        """
        x, target = self.next_batch()
        optimizer = self.optimizer
        optimizer.zero_grad()
        outputs = self.network(as_tensor(x))
        loss = self.loss(outputs, as_tensor(target))
        value = float(loss.item())
        if not math.isfinite(value):
            raise NotFinite
        loss.backward()
        if not self.gradients_are_finite():
            raise NotFinite
        self.penalty.before_step()
        optimizer.step()
        self.penalty.after_step(optimizer.param_groups[0]["lr"])
        return self._count(value, outputs, len(x))

    def gradients_are_finite(self) -> bool:
        """Whether every gradient is a number: first by one sum of squares each, and exactly where that overflows."""
        for p in self.parameters.values():
            if p.grad is not None:
                g = raw(p.grad).reshape(-1)
                if not math.isfinite(g.dot(g)) and not np.isfinite(host(p.grad)).all():
                    return False
        return True

    def _count(self, value: float, outputs: Tensor, size: int) -> bool:
        self.step += 1
        self.loss_value = value
        if not self.evaluated_whole:
            self._tally(value, outputs, size)
        if self.schedule is not None and self.per_batch:
            self.schedule.step()
        if not self.cursor.advance():
            return False
        if self.schedule is not None and not self.per_batch:
            self.schedule.step()
        self.reorder()
        return True

    def _tally(self, value: float, outputs: Tensor, size: int) -> None:
        self.seen_loss += value * size
        self.seen += size
        if self.answer.reading != "value":
            labels = self.split.train.y[self.cursor.rows()]
            self.seen_right += int(np.count_nonzero(self.answer.chosen(host(outputs)) == labels))

    # ------------------------------------------------------------------------------------------- measurements
    def score(self, name: str, limit: int | None = None) -> Score:
        """Mean loss, accuracy and confusion counts over the first `limit` examples of train, validation or test."""
        part: Arrays = getattr(self.split, name)
        if is_light(part.x):
            return self._score(part, self._light_targets(name, part))
        count = min(len(part), limit or len(part))
        chunks = [part[start : min(start + CHUNK, count)] for start in range(0, count, CHUNK)]
        return joined([self._score(chunk, as_tensor(encode(chunk.y, self.answer))) for chunk in chunks])

    def _light_targets(self, name: str, part: Arrays) -> Tensor:
        """Targets of a small part, made once."""
        if name not in self.light_targets:
            self.light_targets[name] = as_tensor(encode(part.y, self.answer))
        return self.light_targets[name]

    def _score(self, part: Arrays, targets: Tensor) -> Score:
        outputs = self.forward(part.x)[self.network.output]
        found = tally(self.answer, outputs, part.y)
        right, counts = found if found else (None, None)
        return Score(float(self.loss(as_tensor(outputs), targets).item()), len(part), right, counts)

    def loss_of(self, outputs: Array, labels: Array) -> float:
        """Mean loss of outputs against labels."""
        return float(self.loss(as_tensor(outputs), as_tensor(encode(labels, self.answer))).item())

    def forward(self, x: Array) -> dict[str, Array]:
        """What the input and every node give for `x`: no gradients, evaluation mode, in the computer's own memory."""
        self._switch(False)
        try:
            found = self.network.outputs_of(as_tensor(to_device(x, self.spec.device)))
        finally:
            self._switch(True)
        return {name: host(value) for name, value in found.items()}

    def _switch(self, training: bool) -> None:
        for module in self.switches:
            module.training = training

    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])


class OwnMasks:
    """Inside, the generator behind dropout is this attempt's own; many runs share one process."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt

    def __enter__(self) -> None:
        if self.attempt.random:
            self.outside = default_generator.get_state()
            default_generator.set_state(self.attempt.masks)

    def __exit__(self, *_: object) -> None:
        if self.attempt.random:
            self.attempt.masks = default_generator.get_state()
            default_generator.set_state(self.outside)


def raw(tensor: Tensor) -> Array:
    """The tensor's own array, to be written to."""
    return tensor.array


def host(tensor: Tensor) -> Array:
    """The tensor's values in the computer's own memory."""
    return to_host(tensor.array)
