"""How a contraction is computed: which operand is read as vectors, along which axis, and what must be laid out anew.

Every choice is priced: the multiplications at the speed that the shape allows, plus the copies that it needs. The
cheapest is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Value
from engine.compiler.graph.shapes import same_axis
from engine.compiler.kernels.sparse import enough
from engine.compiler.kernels.transforms import slides
from engine.compiler.kernels.winograd import CHANNELS, LEAST
from engine.compiler.plan.free import root
from engine.compiler.plan.places import Place
from engine.compiler.plan.zeros import left_out, often_zero

LANES = 16
COPY = 0.35
"""Nanoseconds for one element that is laid out anew."""
ROOM = 800_000
"""Bytes of the second cache that the rows of a convolution may take."""
FEWER = 0.65
"""What a convolution with fewer products takes, as a part of what it takes with all of them."""
LARGE, ACROSS, TIE = 3e7, 1.06, 1.0001
"""Of a product of so many operations the results lie as they are written, rather than turned, if that is about as fast:
then what is read and written once (batches, results, gradients) lies alike. Of smaller ones if it is as fast."""
SPARSE = 0.65
"""What a product takes that leaves out the zeros of ReLU, as a part of what it takes with all of them: rather more than
where every second number is zero, for deep layers have fewer."""
PEAK, DOT_PEAK = 160.0, 90.0
"""Floating-point operations in a nanosecond of one core, along results and along sums."""


@dataclass(frozen=True)
class Choice:
    """One way to compute a contraction.

    left: which input is read number by number (0 or 1), the other one as vectors; n: the letter of the vectors; dot:
    whether vectors run along the sum instead (then n is a letter of the sum); relay: the inputs (0, 1) that are laid
    out anew so that `n` is innermost; cost: in nanoseconds.
    """

    left: int
    n: str
    dot: bool
    relay: tuple[int, ...]
    cost: float


@dataclass(frozen=True)
class Letters:
    """The letters of a contraction by what they do, and their sizes."""

    inputs: tuple[str, str]
    out: str
    sizes: dict[str, int]

    @classmethod
    def of(cls, node: Node) -> Letters:
        """Read off a node."""
        a, b = node.inputs
        sides = (node.attrs["left"], node.attrs["right"])
        sizes = {x: n for v, s in zip((a, b), sides, strict=True) for x, n in zip(s, v.shape, strict=True)}
        return cls(sides, node.attrs["out"], sizes)

    def count(self, letters: str) -> int:
        """The number of places along letters."""
        return math.prod(self.sizes[x] for x in letters)

    @property
    def batch(self) -> str:
        """In both inputs and in the result."""
        return "".join(x for x in self.out if x in self.inputs[0] and x in self.inputs[1])

    @property
    def summed(self) -> str:
        """In both inputs, not in the result."""
        both = self.inputs[0] + "".join(x for x in self.inputs[1] if x not in self.inputs[0])
        return "".join(x for x in both if x not in self.out)

    def free(self, side: int) -> str:
        """In one input and in the result."""
        return "".join(x for x in self.out if x in self.inputs[side] and x not in self.inputs[1 - side])


def stride(letters: str, place: Place, letter: str) -> int:
    """How far apart neighbours along a letter lie; 0 where the input has not got it."""
    return place.strides[letters.index(letter)] if letter in letters else 0


def is_window(value: Value) -> bool:
    """Whether a value is seen through windows, so that it must not be copied as it looks."""
    while value.node is not None and value.node.kind.view:
        if value.node.kind is ir.Window:
            return True
        value = value.node.inputs[0]
    return False


def positions(value: Value) -> set[int]:
    """The axes of a value that are positions of windows, or taps."""
    if value.node is None or not value.node.kind.view:
        return set()
    node = value.node
    inner = positions(node.inputs[0])
    if node.kind is ir.Window:
        return inner | {node.attrs["axis"], len(value.shape) - 1}
    if node.kind is ir.Permute:
        return {i for i, axis in enumerate(node.attrs["order"]) if axis in inner}
    return inner if node.kind is ir.Slice else set()


Price = Callable[[int, str], float]
"""What it costs to lay an input (0 or 1) out anew with a letter innermost."""


def choices(
    node: Node, places: tuple[Place, Place], price: Price, targets: list[dict[str, int]], channels: bool = False
) -> list[Choice]:
    """Every sensible way, cheapest first.

    targets: the strides by letter of results whose place is fixed, and of what is combined with the result. channels:
    whether convolutions run along channels, else along the batch.
    """
    letters = Letters.of(node)
    work = 2.0 * letters.count("".join(letters.sizes))
    found = []
    for left in (0, 1):
        right = 1 - left
        batched = "" if channels else batch_letter(node.inputs[right], letters.inputs[right])
        if channels and is_window(node.inputs[right]) and letters.free(left):
            continue
        for n in letters.free(right):
            if batched and n != batched:
                continue
            unit = _unit(letters, places, right, n)
            cost = work / (PEAK * lane_share(_run(letters, places[right], right, n) if unit else letters.sizes[n]))
            cost *= _far(letters, places[left], left)
            cost *= SPARSE if _sparse(node, letters, places[left], left, n) else 1.0
            if n != letters.out[-1] and not is_window(node.inputs[right]):
                cost *= ACROSS if work > LARGE else TIE
            cost += 0.0 if unit else price(right, n)
            cost += COPY * letters.count(letters.out) * sum(t.get(n, 0) != 1 for t in targets)
            found.append(Choice(left, n, False, () if unit else (right,), cost))
    if not (channels and found and any(is_window(v) for v in node.values)):
        found += _dots(node, letters, places, price, work)
    return sorted(found, key=lambda c: c.cost)


def _sparse(node: Node, letters: Letters, place: Place, left: int, n: str) -> bool:
    """Whether zeros can be left out."""
    if letters.batch or len(letters.summed) != 1 or not left_out() or any(map(is_window, node.values)):
        return False
    rows, depth = letters.count(letters.free(left)), letters.count(letters.summed)
    beside = any(stride(letters.inputs[left], place, x) == 1 for x in letters.inputs[left])
    return beside and enough(rows, letters.count(letters.free(1 - left)), depth) and often_zero(node.inputs[left])


def along_channels(graph: Graph) -> bool:
    """Whether the convolutions of a graph are faster along their channels than along the batch; all go one way, because
    they hand each other values."""
    cost = [0.0, 0.0]
    for node in graph.nodes:
        if node.kind is ir.Contract and any(is_window(v) for v in node.values):
            letters = Letters.of(node)
            side = 0 if is_window(node.inputs[0]) else 1
            work = letters.count("".join(letters.sizes))
            widths = [letters.sizes[x] for x in letters.free(1 - side)]
            fewer = FEWER if _slides(node.inputs[side], max(widths, default=1)) else 1.0
            cost[0] += work / lane_share(max(widths, default=1)) * fewer
            cost[1] += work / _batch_share(node.inputs[side], letters, side)
    return cost[0] < cost[1]


def _slides(value: Value, filters: int) -> bool:
    """Whether these are windows of 3 x 3 over channels, enough of them for fewer products (see `kernels/winograd`)."""
    picture = root(value)
    if len(picture.shape) != 4 or min(picture.shape[1], filters) < LEAST or picture.shape[1] > CHANNELS:
        return False
    found = []
    while value.node is not None and value.node.kind.view:
        if value.node.kind is ir.Window:
            found.append(tuple(value.node.attrs[name] for name in ("taps", "step", "dilation")))
        value = value.node.inputs[0]
    return found == [(3, 1, 1)] * 2


def _slides_along(value: Value) -> bool:
    """Whether taps slide place by place along rows, so that fewer products are enough (see `kernels/toom`)."""
    while value.node is not None and value.node.kind.view:
        if value.node.kind is ir.Window:
            taps, step, dilation = (value.node.attrs[name] for name in ("taps", "step", "dilation"))
            return slides(taps) and bool(step == dilation == 1)
        value = value.node.inputs[0]
    return False


def _batch_share(value: Value, letters: Letters, side: int) -> float:
    """The share of the peak that a convolution along the batch reaches: less where its rows outgrow the cache."""
    names = letters.inputs[side]
    if not batch_letter(value, names):
        return 0.4
    picture = root(value)
    row = 4 * picture.size // (picture.shape[2] if len(picture.shape) > 2 else 1)
    return 0.8 if 3 * row < ROOM else 0.5


def _far(letters: Letters, place: Place, side: int) -> float:
    """How much slower it is where the numbers of a long sum lie a multiple of 4096 bytes apart: all of them share a few
    sets of the cache, unless they are many enough to be copied first."""
    steps = [stride(letters.inputs[side], place, k) for k in letters.summed if letters.sizes[k] >= 16]
    if not steps or min(steps) % 1024 or not min(steps):
        return 1.0
    return 1.1 if len(steps) == 1 and letters.count(letters.free(side)) >= 48 else 3.0


def _unit(letters: Letters, places: tuple[Place, Place], side: int, letter: str) -> bool:
    return stride(letters.inputs[side], places[side], letter) == 1 or letters.sizes[letter] == 1


def batch_letter(value: Value, letters: str) -> str:
    """For windows over a batch: the letter of the batch, which vectors should run along."""
    if not is_window(value):
        return ""
    moving = positions(value)
    rest = [(n, x) for i, (n, x) in enumerate(zip(value.shape, letters, strict=True)) if i not in moving and i == 0]
    return rest[0][1] if rest and rest[0][0] >= LANES // 2 else ""


def _run(letters: Letters, place: Place, side: int, n: str) -> int:
    """How many neighbours can be read in a row along a letter and the free letters that continue it."""
    names, size, step = letters.inputs[side], letters.sizes[n], 1
    step = size * max(1, stride(names, place, n))
    for x in sorted(letters.free(side), key=lambda x: stride(names, place, x)):
        if x != n and stride(names, place, x) == step:
            size, step = size * letters.sizes[x], step * letters.sizes[x]
    return size


def lane_share(n: int) -> float:
    """The share of lanes that do something, and how well their latency hides."""
    vectors = -(-n // LANES)
    return n / (vectors * LANES) * (0.75 if vectors == 1 else 0.9 if vectors == 2 else 1.0)


def _dots(node: Node, letters: Letters, places: tuple[Place, Place], price: Price, work: float) -> Iterator[Choice]:
    """Vectors along a sum, which must be innermost in both inputs."""
    batched = {b for v, x in zip(node.inputs, letters.inputs, strict=True) if (b := batch_letter(v, x))}
    for k in letters.summed:
        if batched and k not in batched:
            continue
        relay = tuple(i for i in (0, 1) if not _unit(letters, places, i, k))
        length = letters.sizes[k]
        cost = work / (DOT_PEAK * length / (-(-length // LANES) * LANES)) + letters.count(letters.out) * 1.5
        cost *= FEWER if batched and length % LANES == 0 and any(map(_slides_along, node.inputs)) else 1.0
        yield Choice(0, k, True, relay, cost + sum(price(i, k) for i in relay))


def relaid_axes(ndim: int, axis: int) -> tuple[int, ...]:
    """The axes of a copy in which `axis` is innermost and the others keep their rank, so that they can be merged."""
    return (*(i for i in range(ndim) if i != axis), axis)


def traced(value: Value, axis: int, pieces: bool = False) -> tuple[Value, int]:
    """The value closest to memory on which an axis of a view can be followed, and the axis there. pieces: no further
    than to one of a few pieces: of queries, keys and values that one product makes, not all need another layout."""
    while value.node is not None and value.node.kind.view:
        node = value.node
        if pieces and node.kind is ir.Slice and 2 * value.size <= node.inputs[0].size <= 4 * value.size:
            break
        if node.kind is ir.Permute:
            axis = node.attrs["order"][axis]
        elif node.kind is ir.Expand:
            lead = len(value.shape) - len(node.inputs[0].shape)
            if axis < lead or node.inputs[0].shape[axis - lead] == 1:
                break
            axis -= lead
        elif node.kind is ir.Window:
            if axis == len(value.shape) - 1:
                break
        elif node.kind is ir.Reshape:
            moved = same_axis(node.inputs[0].shape, value.shape, axis)
            if moved is None:
                break
            axis = moved
        value = node.inputs[0]
    return value, axis
