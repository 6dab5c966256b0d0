"""One training from step 0: the network, its data, and what one batch does to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.array import to_device, to_host
from engine.autodiff import no_grad
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
from engine.train.feed import Feed
from engine.train.metrics import BETWEEN, Score, Steps, is_light, joined, tally
from engine.train.penalty import Penalty, weights_of
from engine.train.targets import answer_of, encode, right_of
from engine.train.tier import Tier

Array = Any
CHUNK = 250
"""Examples in one forward when a large set is evaluated."""


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
        self.seen_loss, self.seen, self.seen_right = 0.0, 0, 0
        self.masks = Generator(spec.seeds.weights + 1).get_state()
        self.load_data()
        batches = spec.batches
        self.cursor = Cursor(len(self.split.train), batches.size, batches.order, batches.last, spec.seeds.batches)
        self.network = self._first_network(keep)
        self.random = any(getattr(m, "family", "") == "dropout" for m in self.network.modules())
        self.switches = [m for m in self.network.modules() if getattr(m, "family", "") in ("dropout", "normalisation")]
        self.parameters: dict[str, Tensor] = dict(self.network.named_parameters())
        self.initial = {name: host(t).copy() for name, t in self.network.state_dict().items()}
        self.set_loss()
        self.set_optimizer()
        self.set_schedule()
        self.penalty = Penalty(spec.penalty, weights_of(self.parameters), spec.device)
        self.set_tier()

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
            self.parameters[name].array[...] = value

    def _keep(self, old: dict[str, Array]) -> None:
        """Old weights stay where they fit; of a layer that grew or shrank, the part that both have."""
        for name, parameter in self.parameters.items():
            before = old.get(name)
            if before is not None and before.ndim == len(parameter.shape):
                common = tuple(slice(min(a, b)) for a, b in zip(before.shape, parameter.shape, strict=True))
                parameter.array[common] = before[common]

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
        self.light: dict[str, tuple[Tensor, Tensor]] = {}
        x = to_device(np.ascontiguousarray(train.x), self.spec.device)
        self.feed = Feed(self.cursor, x, to_device(encode(train.y, self.answer), self.spec.device), self.spec.device)

    def set_optimizer(self) -> None:
        """A new optimiser, without memory of former steps; its first one is taken eagerly and begins the memory."""
        self.fresh = True
        chosen = self.spec.optimizer
        self.optimizer = OPTIMIZERS[chosen.kind](list(self.parameters.values()), **chosen.params)

    def set_schedule(self) -> None:
        """A new schedule that begins now."""
        chosen = self.spec.schedule
        self.schedule = SCHEDULES[chosen.kind](self.optimizer, **chosen.params) if chosen else None
        self.per_batch = chosen is not None and chosen.unit == "batch"

    def set_tier(self) -> None:
        """What a batch does to the network is another than before: it is to be compiled anew."""
        self.tier = Tier(self.update, self.evaluate, self._samples(), self.spec.tier, self.spec.device)

    def _samples(self) -> list[Tensor]:
        """Examples in batches of each size in which large sets are evaluated."""
        large = [part.x for part in self.split[1:] if len(part) and not is_light(part.x)]
        sizes = {size: x[:size] for x in large for n in (len(x), BETWEEN) for size in (min(CHUNK, n), n % CHUNK)}
        return [as_tensor(x) for size, x in sizes.items() if size]

    def replace_data(self) -> None:
        """The data settings changed: new examples, same network; the running epoch begins again."""
        self.load_data()
        self.cursor.restart(len(self.split.train))
        self._place()

    # ----------------------------------------------------------------------------------------------- a batch
    def batches(self, most: int, seconds: float, patience: float = math.inf) -> tuple[int, bool]:
        """At most `most` batches, for about so many seconds: (how many, whether the last one ended its epoch).

        patience: see `Tier.run`.
        Raises: NotFinite, with weights, optimiser and place in the data as they were before the batch that failed.
        """
        self.penalty.refresh(self.learning_rate())
        if self.schedule is not None:  # what reads the rate in Python must see each of its values
            most = 1 if self.per_batch and self.penalty.shrinks else min(most, self.cursor.batches_left)
        if self.fresh or (many := self.tier.run(self.feed, most, seconds, patience)) is None:
            return self._batch()
        return self._count(many.losses, many.size, many.right) if many.losses else (0, False)

    def _batch(self) -> tuple[int, bool]:
        """One batch by the eager engine."""
        x, target = (as_tensor(array) for array in self.feed.batch())
        loss, right = self.look(x, target)
        value = float(loss.item())
        if not math.isfinite(value):
            raise NotFinite
        loss.backward()
        if not self.gradients_are_finite():
            raise NotFinite
        self.follow()
        self.fresh = False
        return self._count([value], len(x), 0 if right is None else int(right.item()))

    def update(self, x: Tensor, target: Tensor) -> tuple[Tensor, ...]:
        """All that one batch does to the network, in one piece: the loss, and how many answers are right if counted."""
        loss, right = self.look(x, target)
        loss.backward()
        self.follow()
        return (loss,) if right is None else (loss, right)

    def look(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """The loss of a batch, to go backward from, and how many answers are right where that is wanted."""
        self.optimizer.zero_grad()
        outputs = self.network(x)
        counted = not self.evaluated_whole and self.answer.reading != "value"
        return self.loss(outputs, target), right_of(self.answer, outputs, target) if counted else None

    def follow(self) -> None:
        """The weights follow their gradients."""
        self.penalty.before_step()
        self.optimizer.step()
        self.penalty.after_step()
        if self.schedule is not None and self.per_batch:
            self.schedule.step()

    def gradients_are_finite(self) -> bool:
        """Whether every gradient is a number: first by one sum of squares each, and exactly where that overflows."""
        for p in self.parameters.values():
            if p.grad is not None:
                g = p.grad.array.reshape(-1)
                if not math.isfinite(g.dot(g)) and not np.isfinite(host(p.grad)).all():
                    return False
        return True

    def _count(self, losses: list[float], size: int, right: int) -> tuple[int, bool]:
        """So many batches of `size` examples are done: (how many, whether the last one ended its epoch)."""
        self.step += len(losses)
        if not self.evaluated_whole:
            for value in losses:
                self.seen_loss += value * size
            self.seen += size * len(losses)
            self.seen_right += right
        ended = self.cursor.advance(len(losses))
        if ended and self.schedule is not None and not self.per_batch:
            self.schedule.step()
        return len(losses), ended

    # ------------------------------------------------------------------------------------------- measurements
    def score(self, name: str, limit: int | None = None, native: bool = False) -> Steps[Score]:
        """Mean loss, accuracy and confusion counts over the first `limit` examples of train, validation or test.

        It stops between the parts of a large set: nobody should wait for all of it. native: large sets are evaluated by
        machine code, if there can be any.
        """
        part: Arrays = getattr(self.split, name)
        if is_light(part.x):
            return self._score(part, self._light(name, part), False)
        count, scores = min(len(part), limit or len(part)), []
        for start in range(0, count, CHUNK):
            chunk = part[start : min(start + CHUNK, count)]
            scores.append(self._score(chunk, self._examples(chunk), native))
            yield
        return joined(scores)

    def _light(self, name: str, part: Arrays) -> tuple[Tensor, Tensor]:
        """Examples and targets of a small part, made once."""
        if name not in self.light:
            self.light[name] = self._examples(part)
        return self.light[name]

    def _examples(self, part: Arrays) -> tuple[Tensor, Tensor]:
        x, target = (to_device(array, self.spec.device) for array in (part.x, encode(part.y, self.answer)))
        return as_tensor(x), as_tensor(target)

    def _score(self, part: Arrays, examples: tuple[Tensor, Tensor], native: bool) -> Score:
        x, target = examples
        outputs = self.tier.outputs(x, native)
        with no_grad():  # not with the outputs: a sum over examples would depend on how many cores share them
            loss = self.loss(outputs, target)
        found = tally(self.answer, host(outputs), part.y)
        right, counts = found if found else (None, None)
        return Score(float(loss.item()), len(part), right, counts)

    def loss_of(self, outputs: Array, labels: Array) -> float:
        """Mean loss of outputs against labels."""
        return float(self.loss(as_tensor(outputs), as_tensor(encode(labels, self.answer))).item())

    def evaluate(self, x: Tensor) -> Tensor:
        """What the network gives for `x`, in evaluation mode and without gradients."""
        with no_grad(), self._evaluating():
            outputs: Tensor = self.network(x)
            return outputs

    def forward(self, x: Array) -> dict[str, Array]:
        """What the input and every node give for `x`: no gradients, evaluation mode, in the computer's own memory."""
        with self._evaluating():
            found = self.network.outputs_of(as_tensor(to_device(x, self.spec.device)))
        return {name: host(value) for name, value in found.items()}

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        for module in self.switches:
            module.training = False
        try:
            yield
        finally:
            for module in self.switches:
                module.training = True

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


def host(tensor: Tensor) -> Array:
    """The tensor's values in the computer's own memory."""
    return to_host(tensor.array)
