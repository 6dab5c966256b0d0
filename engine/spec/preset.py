"""Ready-made runs, one line each in `presets`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from engine.spec.graph import GraphSpec, Params, chain, perceptron
from engine.spec.initial import to_spec
from engine.spec.run import (
    BatchesSpec,
    DataSpec,
    InitialArrays,
    InitialSeed,
    LossSpec,
    OptimizerSpec,
    RunSpec,
)

View = Literal["plane", "image", "table"]


class Preset(BaseModel):
    """A run to begin with, and the view that shows it best."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    id: str
    title: str
    summary: str
    view: View
    spec: RunSpec


def plane(
    kind: str, hidden: list[int] | None = None, features: list[str] | None = None, act: str = "Tanh", **changes: object
) -> RunSpec:
    """A planar run: TensorFlow Playground's settings, with another data set, network or more features."""
    regression = kind.startswith("reg-")
    names = features or ["x", "y"]
    spec = RunSpec(
        graph=perceptron(len(names), hidden, act=act, last=None if regression else "Tanh"),
        data=DataSpec(kind=kind, params={"features": list(names)}),
        initial=InitialSeed(scheme="orthogonal"),
    )
    return spec.model_copy(update=changes)


def image(kind: str, params: Params, graph: GraphSpec, batch: int) -> RunSpec:
    """An image run as the decks train it: cross-entropy and Adam."""
    return RunSpec(
        graph=graph,
        data=DataSpec(kind=kind, params=params),
        loss=LossSpec(kind="CrossEntropyLoss"),
        optimizer=OptimizerSpec(kind="Adam", params={"lr": 0.001}),
        batches=BatchesSpec(size=batch),
        pace=None,
    )


def decks_cnn(channels: int) -> GraphSpec:
    """The decks' convolutional network on 32x32 images: 6 and 16 filters of 5x5, then 400-120-10."""
    return chain(
        [
            ("conv1", "Conv2d", {"out_channels": 6, "kernel_size": 5}),
            ("relu1", "ReLU", {}),
            ("pool1", "MaxPool2d", {"kernel_size": 2}),
            ("conv2", "Conv2d", {"out_channels": 16, "kernel_size": 5}),
            ("relu2", "ReLU", {}),
            ("pool2", "MaxPool2d", {"kernel_size": 2}),
            ("flatten", "Flatten", {}),
            ("hidden1", "Linear", {"out_features": 120}),
            ("relu3", "ReLU", {}),
            ("output", "Linear", {"out_features": 10}),
        ],
        [channels, 32, 32],
    )


def digits_mlp() -> GraphSpec:
    """784-128-64-10 with ReLU."""
    return chain(
        [
            ("flatten", "Flatten", {}),
            ("hidden1", "Linear", {"out_features": 128}),
            ("act1", "ReLU", {}),
            ("hidden2", "Linear", {"out_features": 64}),
            ("act2", "ReLU", {}),
            ("output", "Linear", {"out_features": 10}),
        ],
        [1, 28, 28],
    )


def worked_neuron() -> RunSpec:
    """Three inputs, two sigmoid neurons, one linear output: small enough to follow with a pencil.

    For the input (0.2, 0.9, -1.1) the hidden neurons give 0.4675 and 0.5175 and the output 0.6428.
    """
    graph = chain(
        [
            ("hidden1", "Linear", {"out_features": 2}),
            ("act1", "Sigmoid", {}),
            ("output", "Linear", {"out_features": 1}),
        ],
        [3],
    )
    weights = {
        "hidden1.weight": to_spec(np.array([[0.1, 0.2, 0.3], [0.4, 0.6, 0.5]])),
        "hidden1.bias": to_spec(np.array([0.0, 0.0])),
        "output.weight": to_spec(np.array([[0.6, 0.7]])),
        "output.bias": to_spec(np.array([0.0])),
    }
    spec = plane("circle", features=["x", "y", "x_times_y"], loss=LossSpec(kind="MSELoss"), graph=graph)
    return spec.model_copy(update={"initial": InitialArrays(kind="arrays", arrays=weights)})


ALL_FEATURES = ["x", "y", "x_squared", "y_squared", "x_times_y", "sin_x", "sin_y"]
ADAM = OptimizerSpec(kind="Adam", params={"lr": 0.01})
THREE_CLASSES = perceptron(2, [8, 8], 3, last=None)
CROSS_ENTROPY = LossSpec(kind="CrossEntropyLoss")


def _preset(name: str, title: str, view: View, spec: RunSpec, summary: str) -> Preset:
    return Preset(id=name, title=title, summary=summary, view=view, spec=spec)


presets: list[Preset] = [
    _preset(
        "circle",
        "Circle",
        "plane",
        RunSpec(),
        "A disc inside a ring, and the smallest network that parts them.",
    ),
    _preset(
        "xor",
        "Exclusive or",
        "plane",
        plane("xor"),
        "No straight line parts opposite squares; four hidden neurons do.",
    ),
    _preset(
        "gauss",
        "Two clouds",
        "plane",
        plane("gauss"),
        "The easy case: one straight line would do.",
    ),
    _preset(
        "spiral",
        "Spiral",
        "plane",
        plane("spiral", [8, 8], ALL_FEATURES, optimizer=ADAM),
        "The hard one: two hidden layers of eight, all seven features, and Adam.",
    ),
    _preset(
        "moons",
        "Moons",
        "plane",
        plane("moons", [8], optimizer=ADAM),
        "Two half moons, and one hidden layer that bends between them.",
    ),
    _preset(
        "petals",
        "Petals",
        "plane",
        plane("petals", graph=THREE_CLASSES, loss=CROSS_ENTROPY, optimizer=ADAM, initial=InitialSeed()),
        "More than two classes: one output for each, and cross-entropy.",
    ),
    _preset(
        "reg-plane",
        "Slope",
        "plane",
        plane("reg-plane"),
        "Learn a number instead of a class: a slope.",
    ),
    _preset(
        "reg-gauss",
        "Six bumps",
        "plane",
        plane("reg-gauss", [8, 8]),
        "A landscape of six bumps, learned as numbers.",
    ),
    _preset(
        "worked-neuron",
        "A network to compute by hand",
        "plane",
        worked_neuron(),
        "Three inputs, two sigmoid neurons: for (0.2, 0.9, -1.1) it says 0.6428, and you can check it with a pencil.",
    ),
    _preset(
        "mnist-mlp",
        "MLP on MNIST",
        "image",
        image("mnist", {"source": "subset"}, digits_mlp(), 64),
        "Handwritten digits with two fully connected hidden layers.",
    ),
    _preset(
        "mnist-cnn",
        "The decks' CNN on MNIST",
        "image",
        image("mnist", {"source": "subset", "pad": 2}, decks_cnn(1), 64),
        "Two convolutions, two poolings, three fully connected layers, on handwritten digits.",
    ),
    _preset(
        "cifar10-cnn",
        "The decks' CNN on CIFAR-10",
        "image",
        image("cifar10", {}, decks_cnn(3), 64),
        "The same network on small colour photographs.",
    ),
]
"""In the order of the menu; the first is the first view."""
