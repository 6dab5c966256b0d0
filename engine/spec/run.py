"""A run as data: the network, what it learns from, how, for how long, and from which seeds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.spec.graph import GraphSpec, Params, Spec, perceptron

Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]
Kind = Annotated[str, Field(max_length=64)]
Rate = Annotated[float, Field(ge=0, le=1e6)]


class DataSpec(Spec):
    """Which data set, with which settings."""

    kind: Kind = "circle"
    params: Params = Field(default_factory=dict)


class LossSpec(Spec):
    """What is made small."""

    kind: Kind = "HalfMSELoss"
    params: Params = Field(default_factory=dict)


class OptimizerSpec(Spec):
    """How the weights move along the gradient."""

    kind: Kind = "SGD"
    params: Params = Field(default_factory=lambda: {"lr": 0.03})


class ScheduleSpec(Spec):
    """How the learning rate changes over time, stepped once per batch or once per epoch."""

    kind: Kind
    unit: Literal["batch", "epoch"] = "epoch"
    params: Params = Field(default_factory=dict)


class PenaltySpec(Spec):
    """A price on large weights (biases are free); not part of the shown loss.

    ``gradient`` adds rate * R'(w) to the gradient. ``after_step`` subtracts lr * rate * R'(w) from the weight after the
    optimiser's step, as TensorFlow Playground does; an L1 penalty that would change a weight's sign then ends the link.
    R is the absolute value (l1) or half the square (l2).
    """

    kind: Literal["none", "l1", "l2"] = "none"
    rate: Rate = 0.0
    style: Literal["gradient", "after_step"] = "gradient"


class BatchesSpec(Spec):
    """How examples are grouped. ``carry``: a last partial batch waits and joins the next epoch's first update."""

    size: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    order: Literal["shuffle", "fixed"] = "shuffle"
    last: Literal["keep", "drop", "carry"] = "keep"


class ArraySpec(Spec):
    """An array inside JSON: `data` is base64 of the little-endian bytes in C order."""

    dtype: Literal["float32", "float64"] = "float32"
    shape: list[Annotated[int, Field(ge=0, le=2**31)]] = Field(max_length=8)
    data: Annotated[str, Field(max_length=400_000_000)]


class InitialSeed(Spec):
    """Weights drawn from ``seeds.weights``.

    ``pytorch``: by each layer's own rule. ``playground``: TensorFlow Playground's, uniform in [-0.5, 0.5), every bias
    0.1. ``orthogonal``: the rows (or columns) of every matrix at right angles and of length 1, every bias 0.1: small
    tanh networks then hardly ever start where they get stuck.
    """

    kind: Literal["seed"] = "seed"
    scheme: Literal["pytorch", "playground", "orthogonal"] = "pytorch"


class InitialArrays(Spec):
    """Weights given one by one; parameters that are not named are drawn from the seed."""

    kind: Literal["arrays"]
    arrays: dict[str, ArraySpec] = Field(default_factory=dict)


class InitialTf(Spec):
    """Data and weights exactly as a TensorFlow Playground page with this seed draws them."""

    kind: Literal["tf"]
    seed: Annotated[str, Field(max_length=256)] = "0.42"


Initial = Annotated[InitialSeed | InitialArrays | InitialTf, Field(discriminator="kind")]


class MetricGoal(Spec):
    """Stop when a metric of a row is at or beyond a bound."""

    name: Kind = "test_accuracy"
    above: float | None = None
    below: float | None = None


class UntilSpec(Spec):
    """When the run is finished; with nothing set it goes on until somebody stops it."""

    steps: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    epochs: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    metric: MetricGoal | None = None


class SeedsSpec(Spec):
    """One seed for each thing that is drawn, so that each can be changed alone."""

    data: Seed = 0
    weights: Seed = 0
    batches: Seed = 0


class PaceSpec(Spec):
    """The most batches or epochs per second of the wall clock. Never changes the numbers."""

    per_second: Annotated[float, Field(gt=0, le=100_000)] = 60.0
    unit: Literal["epoch", "batch"] = "epoch"


class RunSpec(Spec):
    """Everything that a run needs; every field has a default, and the defaults are the first view of the page."""

    version: Literal[1] = 1
    graph: GraphSpec = Field(default_factory=perceptron)
    data: DataSpec = Field(default_factory=DataSpec)
    loss: LossSpec = Field(default_factory=LossSpec)
    optimizer: OptimizerSpec = Field(default_factory=OptimizerSpec)
    schedule: ScheduleSpec | None = None
    penalty: PenaltySpec = Field(default_factory=PenaltySpec)
    batches: BatchesSpec = Field(default_factory=BatchesSpec)
    initial: Initial = Field(default_factory=InitialSeed)
    until: UntilSpec = Field(default_factory=UntilSpec)
    seeds: SeedsSpec = Field(default_factory=SeedsSpec)
    device: Annotated[str, Field(max_length=32)] = "cpu"
    tier: Literal["auto", "eager"] = "auto"
    watch: list[Annotated[str, Field(max_length=4096)]] = Field(default=[], max_length=256)
    pace: PaceSpec | None = Field(default_factory=PaceSpec)

    @model_validator(mode="after")
    def _fill_in(self) -> RunSpec:
        """The default network has as many inputs as the data has features, and weights at right angles."""
        if "graph" in self.model_fields_set:
            return self
        features = self.data.params.get("features")
        if isinstance(features, list) and features:
            self.graph = perceptron(inputs=len(features))
        if "initial" not in self.model_fields_set:
            self.initial = InitialSeed(scheme="orthogonal")
        return self
