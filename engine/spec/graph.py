"""The network people draw: inputs, nodes of a known kind, and what each node reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""Name of an input or a node: a letter, then letters, digits and underscores (a dot would begin a port)."""

Reference = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}(\.[0-9]{1,3})?$")]
"""An input or node, or one of its ports: ``"hidden1"`` or ``"split.1"``."""

if TYPE_CHECKING:
    Params = dict[str, Any]
else:
    Params = dict[str, JsonValue]
"""Settings by name. Open on purpose: the catalogue holds the JSON schema of each kind, and `check` applies it."""


class Spec(BaseModel):
    """Base of everything that is drawn, saved and sent: no unknown field, no infinity, no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, json_schema_serialization_defaults_required=True)


class Place(Spec):
    """What inputs and nodes have in common: a name of their own."""

    id: Id


class GraphInput(Place):
    """Where the data comes in. The shape leaves the batch axis out."""

    id: Id = "x"
    shape: list[Annotated[int, Field(ge=1, le=2**53)]] = Field(default=[2], max_length=8)
    dtype: Literal["float32"] = "float32"


class GraphNode(Place):
    """One block: a layer of a known kind, its settings, and what it reads, in order."""

    kind: Annotated[str, Field(max_length=64)]
    params: Params = {}
    inputs: list[Reference] = Field(default=[], max_length=64)
    shares: Id | None = None
    """Another node whose weights this one uses (weight tying)."""


class GraphSpec(Spec):
    """A network as data: a directed graph without cycles. Positions live apart, in `layout`."""

    version: Literal[1] = 1
    inputs: list[GraphInput] = Field(default_factory=lambda: [GraphInput()], min_length=1, max_length=16)
    nodes: list[GraphNode] = Field(default=[], max_length=10_000)
    outputs: list[Reference] = Field(default=[], max_length=16)
    layout: dict[str, JsonValue] = {}


def chain(nodes: list[tuple[str, str, Params]], shape: list[int], start: str = "x") -> GraphSpec:
    """A graph without branches from (id, kind, params) in order."""
    before = [start, *(name for name, _, _ in nodes)]
    blocks = [
        GraphNode(id=name, kind=kind, params=params, inputs=[source])
        for (name, kind, params), source in zip(nodes, before, strict=False)
    ]
    return GraphSpec(inputs=[GraphInput(id=start, shape=shape)], nodes=blocks, outputs=[before[-1]])


def perceptron(
    inputs: int = 2, hidden: list[int] | None = None, outputs: int = 1, act: str = "Tanh", last: str | None = "Tanh"
) -> GraphSpec:
    """A multi-layer perceptron: hidden1, act1, hidden2, act2, ..., output and, with `last`, the activation "out"."""
    nodes: list[tuple[str, str, Params]] = []
    for number, width in enumerate([4, 2] if hidden is None else hidden, start=1):
        nodes += [(f"hidden{number}", "Linear", {"out_features": width}), (f"act{number}", act, {})]
    nodes.append(("output", "Linear", {"out_features": outputs}))
    return chain(nodes + ([("out", last, {})] if last else []), [inputs])
