"""Layers with a memory that walks along a sequence: RNN, LSTM, GRU.

Everything that does not wait for the step before is computed for all steps at once; a step is then one matrix product
and a few operations on a batch. Sequences of different lengths come packed: the same walk, fewer rows at its end.
"""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Annotated, Any, Literal

from engine import functions
from engine.array import Abstract
from engine.errors import ArgumentError
from engine.graph import current_mode
from engine.nn import functional, walk
from engine.nn.cells import State, draw, gru_gates, lstm_gates
from engine.nn.dropout import Share
from engine.nn.linear import Width
from engine.nn.module import Between, Module
from engine.nn.packed import PackedSequence, expect
from engine.nn.parameter import Parameter, empty_parameter
from engine.nn.settings import checked
from engine.nn.walk import Cell, PlainCell, Walk

Layers = Annotated[int, Between(1, 10**6, common=(1, 4))]
Step = Callable[[Any, State], State]
MANY = 64
"""Steps that are cut out of a sequence one by one."""


class RNNBase(Module):
    """Base of the recurrent layers: parameters by layer and direction, and the walk along the steps.

    >>> isinstance(nn.GRU(1, 2), nn.RNNBase)
    True
    """

    mode = ""
    gates = 1
    states = 1

    def __init__(
        self,
        input_size: Width,
        hidden_size: Width,
        num_layers: Layers = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._prepare(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)

    def _prepare(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers, self.proj_size = (
            input_size,
            hidden_size,
            num_layers,
            proj_size,
        )
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, float(dropout), bidirectional
        if proj_size >= hidden_size:
            raise ArgumentError(f"{self.mode}(proj_size)", "less than hidden_size", proj_size, field="proj_size")
        rows, out = self.gates * hidden_size, proj_size or hidden_size
        self._names: list[list[str]] = []
        for number in range(num_layers):
            incoming = input_size if number == 0 else out * (2 if bidirectional else 1)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, incoming), "weight_hh": (rows, out)}
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
            for end in ("", "_reverse") if bidirectional else ("",):
                self._names.append([f"{name}_l{number}{end}" for name in shapes])
                for name, shape in zip(self._names[-1], shapes.values(), strict=True):
                    setattr(self, name, empty_parameter(shape, device, dtype))
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def reset_parameters(self) -> None:
        """Draw first values: uniform, bounded by one over the root of the hidden size."""
        draw(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing: here the parameters need not lie in one piece of memory."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Outputs of the last layer (T, N, H), and the last state of every layer and direction (layers, N, H)."""
        if isinstance(input, PackedSequence):
            sizes = [int(n) for n in input.batch_sizes.tolist()]
            data, state = self._walk(input.data, self._first(input.data, sizes[0], hx, input.sorted_indices, 3), sizes)
            packed = PackedSequence(data, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
            return packed, self._handed(state, input.unsorted_indices, False)
        expect(input.ndim in (2, 3), self.mode, "an input with 2 dims, or 3 with a batch", f"{input.ndim}")
        single, turned = input.ndim == 2, self.batch_first and input.ndim == 3
        x = input.unsqueeze(1) if single else input.transpose(0, 1) if turned else input
        steps, rows = x.shape[0], x.shape[1]
        expect(steps > 0, self.mode, "a sequence length larger than 0", steps)
        first = self._first(x, rows, hx, None, input.ndim)
        data, state = self._walk(x.reshape((steps * rows, x.shape[2])), first, [rows] * steps)
        output = data.reshape((steps, rows, data.shape[-1]))
        output = output.squeeze(1) if single else output.transpose(0, 1) if turned else output
        return output, self._handed(state, None, single)

    def _first(self, x: Any, rows: int, hx: Any, order: Any, ndim: int) -> State:
        """The state before the first step, each (layers * directions, N, size)."""
        where, count = type(self).__name__, len(self._names)
        wanted = f"input.size(-1) must be equal to input_size. Expected {self.input_size}"
        expect(x.shape[-1] == self.input_size, where, wanted, x.shape[-1])
        if x.dtype != self.all_weights[0][0].dtype:
            raise ArgumentDType(where, f"an input of {self.all_weights[0][0].dtype}", x.dtype)
        sizes = [self.proj_size or self.hidden_size, self.hidden_size][: self.states]
        if hx is None:
            return tuple(x.new_zeros((count, rows, n)) for n in sizes)
        given = tuple(hx) if self.states == 2 else (hx,)
        expect(all(h.ndim == ndim for h in given), where, f"{ndim} dims of hx, as of the input", f"{given[0].ndim}")
        given = given if ndim == 3 else tuple(h.unsqueeze(1) for h in given)
        for h, n in zip(given, sizes, strict=True):
            expect(tuple(h.shape) == (count, rows, n), where, f"hidden size {(count, rows, n)}", list(h.shape))
        return given if order is None else tuple(h[:, order] for h in given)

    def _handed(self, state: State, order: Any, single: bool) -> Any:
        state = state if order is None else tuple(h[:, order] for h in state)
        state = tuple(h.squeeze(1) for h in state) if single else state
        return state if self.states == 2 else state[0]

    def _walk(self, data: Any, first: State, sizes: list[int]) -> tuple[Any, State]:
        """All layers over rows (sum of sizes, features); the state at the end."""
        ends, ways = [], 2 if self.bidirectional else 1
        for number in range(self.num_layers):
            if number and self.dropout and self.training:
                data = functional.dropout(data, self.dropout, True)
            sides = []
            for way in range(ways):
                place = number * ways + way
                side, end = self._side(data, self.all_weights[place], tuple(h[place] for h in first), sizes, way == 1)
                sides.append(side)
                ends.append(end)
            data = sides[0] if ways == 1 else functions.cat(sides, 1)
        return data, tuple(functions.stack(list(h), 0) for h in zip(*ends, strict=True))

    def _side(self, data: Any, weights: list[Any], state: State, sizes: list[int], backwards: bool) -> Any:
        """One layer in one direction: rows of outputs, and the state at the end."""
        inside, outside = self._shifts(weights)
        inputs = functional.linear(data, weights[0], inside)
        if self.proj_size or current_mode().recorders or isinstance(inputs.array, Abstract):
            return scan(self._step(weights[1], outside, weights[-1]), inputs, state, sizes, backwards)
        size = state[0].shape[1]
        again = lambda x, w, b, *s: scan(self._step(w, b, w), x, s, sizes, backwards, True)
        out = Walk.apply(self._cell(), sizes, backwards, again, inputs, weights[1], outside, *state)
        last = out[: sizes[0]] if backwards else out[last_rows(sizes)]
        ends = tuple(last[:, start : start + size] for start in range(0, out.shape[1], size))
        return (out if len(ends) == 1 else out[:, :size]), ends

    def _shifts(self, weights: list[Any]) -> tuple[Any, Any]:
        """The biases of the inputs and of the state: one sum, where they are only added."""
        return (weights[2] + weights[3], None) if self.bias else (None, None)

    def _cell(self) -> Cell:
        """One step on arrays."""
        raise NotImplementedError

    def _step(self, recurrent: Any, bias: Any, smaller: Any) -> Step:
        """One step on tensors, with the weight (and bias) from the state to the gates, and the projection."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The settings that differ from the usual ones."""
        usual = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        given = [f", {n}={getattr(self, n)}" for n, value in usual.items() if getattr(self, n) != value]
        return f"{self.input_size}, {self.hidden_size}" + "".join(given)


class ArgumentDType(ArgumentError, RuntimeError):
    """An input of another element type than the weights."""


def last_rows(sizes: list[int]) -> Any:
    """Where the last step of each sequence lies among packed rows."""
    if sizes[-1] == sizes[0]:
        return slice(sum(sizes) - sizes[0], None)
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    return [max(start + i for start, size in zip(starts, sizes, strict=True) if i < size) for i in range(sizes[0])]


def _cut(x: Any, sizes: list[int]) -> Iterator[Any]:
    """The rows of each step. Where there are many steps first stretches of them, and then these: a piece's gradient is
    as large as what it is cut from, so that the work of cutting at once would grow with the square of the steps."""
    if len(sizes) <= MANY:
        yield from x.split(sizes)
        return
    few = isqrt(len(sizes))
    stretches = [sizes[i : i + few] for i in range(0, len(sizes), few)]
    for part, steps in zip(x.split([sum(s) for s in stretches]), stretches, strict=True):
        yield from part.split(steps)


def scan(step: Step, inputs: Any, state: State, sizes: list[int], backwards: bool, every: bool = False) -> Any:
    """Walk a step along packed rows; sizes: rows at each step, never growing. Outputs (rows, H), and the last state.

    every: instead of both, all states after every step, side by side.
    """
    parts = list(_cut(inputs, sizes))
    outputs, ended = [], []
    if backwards:
        first, state = state, tuple(s[: sizes[-1]] for s in state)
        for part, size, before in zip(parts[::-1], sizes[::-1], [sizes[-1], *sizes[:0:-1]], strict=True):
            if size > before:
                state = tuple(functions.cat([s, f[before:size]], 0) for s, f in zip(state, first, strict=True))
            state = step(part, state)
            outputs.append(functions.cat(list(state), 1) if every else state[0])
        rows = functions.cat(outputs[::-1], 0)
        return rows if every else (rows, state)
    for part, size in zip(parts, sizes, strict=True):
        if size < len(state[0]):
            ended.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
        state = step(part, state)
        outputs.append(functions.cat(list(state), 1) if every else state[0])
    if every:
        return functions.cat(outputs, 0)
    if ended:
        state = tuple(functions.cat(list(s), 0) for s in zip(state, *ended[::-1], strict=True))
    return functions.cat(outputs, 0), state


@checked
class RNN(RNNBase):
    """A plain recurrent layer: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    >>> output, last = nn.RNN(3, 5, batch_first=True)(engine.ones(2, 7, 3))
    >>> output.shape, last.shape
    (engine.Size([2, 7, 5]), engine.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: Width,
        hidden_size: Width,
        num_layers: Layers = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self._prepare(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        self.nonlinearity = nonlinearity

    @property
    def mode(self) -> str:  # type: ignore[override]
        """What PyTorch calls this kind of layer."""
        return f"RNN_{self.__dict__.get('nonlinearity', 'tanh').upper()}"

    def _cell(self) -> Cell:
        return PlainCell(self.nonlinearity == "relu")

    def _step(self, recurrent: Any, bias: Any, smaller: Any) -> Step:
        bend = getattr(functions, self.nonlinearity)
        return lambda x, s: (bend(x + s[0].linear(recurrent)),)


@checked
class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with forget gates and, on request, a projection.

    >>> output, (hidden, cell) = nn.LSTM(3, 5, num_layers=2)(engine.ones(7, 2, 3))
    >>> output.shape, cell.shape
    (engine.Size([7, 2, 5]), engine.Size([2, 2, 5]))
    """

    mode, gates, states = "LSTM", 4, 2

    def __init__(
        self,
        input_size: Width,
        hidden_size: Width,
        num_layers: Layers = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: Share = 0.0,
        bidirectional: bool = False,
        proj_size: Annotated[int, Between(0, 2**31 - 1)] = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        flags = bias, batch_first, dropout, bidirectional
        self._prepare(input_size, hidden_size, num_layers, *flags, proj_size, device, dtype)

    def _cell(self) -> Cell:
        return walk.LSTMCell()

    def _step(self, recurrent: Any, bias: Any, smaller: Any) -> Step:
        def step(x: Any, state: State) -> State:
            hidden, cell = lstm_gates(x + state[0].linear(recurrent), state[1])
            return hidden.linear(smaller) if self.proj_size else hidden, cell

        return step


@checked
class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014): fewer gates than an LSTM, one state.

    >>> output, last = nn.GRU(3, 5, bidirectional=True)(engine.ones(7, 2, 3))
    >>> output.shape, last.shape
    (engine.Size([7, 2, 10]), engine.Size([2, 2, 5]))
    """

    mode, gates = "GRU", 3

    def _shifts(self, weights: list[Any]) -> tuple[Any, Any]:
        return (weights[2], weights[3]) if self.bias else (None, None)

    def _cell(self) -> Cell:
        return walk.GRUCell()

    def _step(self, recurrent: Any, bias: Any, smaller: Any) -> Step:
        return lambda x, s: (gru_gates(x, functional.linear(s[0], recurrent, bias), s[0]),)
