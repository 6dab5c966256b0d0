"""A drawing, node by node: names, wires, settings, shapes. Nothing is allocated: layers run on shapes alone."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from engine.array import Abstract
from engine.errors import EngineError
from engine.nn.module import LAYERS, Module, abstract_parameters
from engine.spec.graph import GraphNode, GraphSpec
from engine.spec.problem import Problem, problem_from
from engine.spec.refusal import did_you_mean
from engine.spec.settings_check import kind_problem, settings_problems
from engine.tensor import Tensor

Shape = tuple[int, ...]
ROWS = 7
"""Size of the batch on which shapes are tried; an odd one, so that a layer that mixes examples is noticed."""
HUGE = 2**40
"""More numbers than this in one example are refused before any rule sees them."""


@dataclass
class Walk:
    """What a walk along the wires found."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    parameters: dict[str, dict[str, Shape]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    order: list[GraphNode] = field(default_factory=list)

    @property
    def parameter_count(self) -> int:
        """Numbers to learn, all layers together."""
        return sum(math.prod(shape) for named in self.parameters.values() for shape in named.values())

    @property
    def example_numbers(self) -> int:
        """Numbers that the forward of one example makes."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def walk(graph: GraphSpec) -> Walk:
    """Follow the wires from the inputs; a branch ends at its first misfit, the others go on."""
    found = Walk()
    found.problems += _name_problems(graph)
    if found.problems:
        return found
    found.problems += [*_wire_problems(graph), *_output_problems(graph)]
    found.order = sort(graph)
    found.problems += _cycle_problems(graph, found.order)
    for source in graph.inputs:
        _enter_input(found, source.id, tuple(source.shape))
    layers: dict[str, Module] = {}
    for node in found.order:
        _visit(found, node, layers)
    found.problems += _dangling_problems(graph)
    return found


def source_of(reference: str) -> str:
    """The node of a reference, without its port."""
    return reference.partition(".")[0]


def sort(graph: GraphSpec) -> list[GraphNode]:
    """Nodes so that each comes after what it reads; nodes on and behind a cycle are left out."""
    nodes = {node.id: node for node in graph.nodes}
    missing = {node.id: {source_of(r) for r in needs(node)} & set(nodes) for node in graph.nodes}
    readers: dict[str, list[str]] = {name: [] for name in nodes}
    for name, sources in missing.items():
        for source in sources:
            readers[source].append(name)
    ready = [name for name in nodes if not missing[name]]
    for name in ready:  # the list grows while it is walked
        for reader in readers[name]:
            missing[reader].discard(name)
            if not missing[reader]:
                ready.append(reader)
    return [nodes[name] for name in ready]


def needs(node: GraphNode) -> list[str]:
    """What must be there before a node: its inputs, and the node whose weights it uses."""
    return [*node.inputs, *([node.shares] if node.shares else [])]


RESERVED = "training"
"""A module's own switch; no node can bear this name."""


def _name_problems(graph: GraphSpec) -> list[Problem]:
    counts = Counter(block.id for block in (*graph.inputs, *graph.nodes))
    if RESERVED in counts:
        message = f'No node can be called "{RESERVED}".'
        return [
            Problem(
                code="reserved_id", message=message, node=RESERVED, field="id", expected="another name", got=RESERVED
            )
        ]
    return [
        Problem(
            code="duplicate_id",
            message=f'There are {count} nodes called "{name}".',
            node=name,
            field="id",
            expected="a name of its own for each node",
            got=name,
            hint="Rename one of them.",
        )
        for name, count in counts.items()
        if count > 1
    ]


def _wire_problems(graph: GraphSpec) -> list[Problem]:
    known = [block.id for block in (*graph.inputs, *graph.nodes)]
    problems = []
    for node in graph.nodes:
        for index, reference in enumerate(node.inputs):
            problems += _reference_problems(reference, known, node.id, f"inputs.{index}")
        if node.shares is not None and node.shares not in known:
            problems += _reference_problems(node.shares, known, node.id, "shares")
    return problems


def _reference_problems(reference: str, known: list[str], node: str | None, where: str) -> list[Problem]:
    name, _, port = reference.partition(".")
    spot = f'"{node}"' if node else "the graph"
    if name not in known:
        message = f'A wire of {spot} comes from "{name}", which is not there.'
        hint = did_you_mean(name, known)
        return [
            Problem(
                code="unknown_node",
                message=message,
                node=node,
                field=where,
                expected="a node or input",
                got=name,
                hint=hint,
            )
        ]
    if port not in ("", "0"):
        message = f'"{name}" has one output, port 0.'
        return [
            Problem(code="unknown_port", message=message, node=node, field=where, expected=f"{name}.0", got=reference)
        ]
    return []


def _output_problems(graph: GraphSpec) -> list[Problem]:
    known = [block.id for block in (*graph.inputs, *graph.nodes)]
    if not graph.outputs:
        message = "The graph has no output."
        hint = f'Make "{graph.nodes[-1].id}" the output.' if graph.nodes else "Add a layer, and make it the output."
        return [
            Problem(
                code="no_output", message=message, field="graph.outputs", expected="one node", got="none", hint=hint
            )
        ]
    return [p for i, r in enumerate(graph.outputs) for p in _reference_problems(r, known, None, f"graph.outputs.{i}")]


def _cycle_problems(graph: GraphSpec, order: list[GraphNode]) -> list[Problem]:
    done = {node.id for node in order}
    left = {node.id: node for node in graph.nodes if node.id not in done}
    if not left:
        return []
    path = _cycle(left)
    words = " → ".join([*path[:12], *(["…"] if len(path) > 12 else []), path[0]])
    message = f"These nodes feed each other in a circle: {words}."
    hint = "Remove one of the wires of the circle."
    return [
        Problem(
            code="cycle",
            message=message,
            node=path[0],
            field="inputs",
            expected="wires that lead forward",
            got=words,
            hint=hint,
        )
    ]


def _cycle(left: dict[str, GraphNode]) -> list[str]:
    """Walk backwards among nodes that wait for each other until one comes again."""
    seen: dict[str, int] = {}
    path: list[str] = []
    name = next(iter(left))
    while name not in seen:
        seen[name] = len(path)
        path.append(name)
        name = next(source for r in needs(left[name]) if (source := source_of(r)) in left)
    return path[seen[name] :][::-1]


def _enter_input(found: Walk, name: str, shape: Shape) -> None:
    if math.prod(shape) > HUGE:
        found.problems.append(_too_large(name, shape, "shape"))
    else:
        found.shapes[name] = shape


def _visit(found: Walk, node: GraphNode, layers: dict[str, Module]) -> None:
    """Check one node; with everything in order it gets a shape."""
    problems = _node_problems(node)
    found.problems += problems
    shapes = [found.shapes.get(source_of(reference)) for reference in node.inputs]
    known = [shape for shape in shapes if shape is not None]
    if problems or len(known) < len(shapes) or (node.shares and node.shares not in layers):
        return
    try:
        layer = layers[node.shares] if node.shares else _build(node, known)
        shape = output_shape(layer, known)
    except EngineError as error:
        found.problems.append(_misfit(node, error))
        return
    except (ArithmeticError, ValueError, TypeError, IndexError, RuntimeError, MemoryError):
        found.problems.append(_unfit(node, known))
        return
    _enter(found, node, layer, shape, layers)


def _build(node: GraphNode, shapes: list[Shape]) -> Module:
    with abstract_parameters():
        return make(node, shapes)


def make(node: GraphNode, shapes: list[Shape]) -> Module:
    """The layer of a node for these incoming shapes. Raises: EngineError when it does not fit."""
    cls = LAYERS[node.kind]
    return cls(**{**cls.infer(*shapes), **node.params})


def output_shape(layer: Module, shapes: list[Shape]) -> Shape:
    """Shape of what a layer gives for these shapes, batch axis left out."""
    result = layer(*[Tensor(Abstract((ROWS, *shape))) for shape in shapes])
    return tuple(int(n) for n in result.shape)


def _enter(found: Walk, node: GraphNode, layer: Module, shape: Shape, layers: dict[str, Module]) -> None:
    if shape[:1] != (ROWS,):
        found.problems.append(_mixes(node))
    elif math.prod(shape[1:]) > HUGE:
        found.problems.append(_too_large(node.id, shape[1:], "params"))
    else:
        found.shapes[node.id] = shape[1:]
        layers[node.id] = layer
        named = {} if node.shares else {name: tuple(p.shape) for name, p in layer.named_parameters()}
        if named:
            found.parameters[node.id] = named


def _node_problems(node: GraphNode) -> list[Problem]:
    problem = kind_problem(node.kind, LAYERS, "layer", "kind", node.id)
    if problem is not None:
        return [problem]
    cls = LAYERS[node.kind]
    return [*_arity_problems(node, cls), *settings_problems(cls, node.params, "params", node.id)]


def _arity_problems(node: GraphNode, cls: type[Module]) -> list[Problem]:
    count, many = len(node.inputs), cls.arity == "many"
    if count == 0:
        message = f'Nothing leads into "{node.id}".'
        hint = "Draw a wire to it, or delete it."
        return [
            Problem(
                code="missing_input",
                message=message,
                node=node.id,
                field="inputs",
                expected="a wire",
                got="none",
                hint=hint,
            )
        ]
    if count > 1 and not many:
        message = f'"{node.id}" ({node.kind}) takes one input, and {count} wires lead into it.'
        hint = "Join them first with Add or Concatenate."
        return [
            Problem(
                code="too_many_inputs",
                message=message,
                node=node.id,
                field="inputs",
                expected="1",
                got=str(count),
                hint=hint,
            )
        ]
    return []


def _misfit(node: GraphNode, error: EngineError) -> Problem:
    problem = problem_from(error, node.id)
    code = "shape_misfit" if error.code == "shape" else "bad_setting"
    where = f"params.{error.field}" if error.field else "inputs" if code == "shape_misfit" else "params"
    return problem.model_copy(update={"code": code, "node": node.id, "field": where})


def _unfit(node: GraphNode, shapes: list[Shape]) -> Problem:
    got = " and ".join(str(list(shape)) for shape in shapes)
    message = f'"{node.id}" ({node.kind}) cannot take what comes in: {got}.'
    return Problem(
        code="shape_misfit", message=message, node=node.id, field="inputs", got=got, expected="another shape"
    )


def _mixes(node: GraphNode) -> Problem:
    message = f'"{node.id}" ({node.kind}) would mix the examples of a batch.'
    hint = "Let its settings begin at axis 1; axis 0 counts the examples."
    return Problem(
        code="shape_misfit",
        message=message,
        node=node.id,
        field="params",
        expected="the batch axis in its place",
        hint=hint,
    )


def _too_large(name: str, shape: Shape, where: str) -> Problem:
    got = " x ".join(map(str, shape))
    message = f'"{name}" would hold {got} numbers for each example.'
    return Problem(
        code="too_large",
        message=message,
        node=name,
        field=where,
        expected=f"at most {HUGE}",
        got=got,
        hint="Make it smaller.",
    )


def _dangling_problems(graph: GraphSpec) -> list[Problem]:
    read = {source_of(r) for node in graph.nodes for r in needs(node)} | {source_of(r) for r in graph.outputs}
    if not graph.outputs:
        return []
    return [
        Problem(
            code="dangling",
            message=f'Nothing uses the output of "{node.id}".',
            node=node.id,
            expected="a wire to another node, or to the output",
            got="none",
            hint="Connect it, or delete it.",
        )
        for node in graph.nodes
        if node.id not in read
    ]
