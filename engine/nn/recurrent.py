"""Layers with a memory that walks along a sequence: RNN, LSTM, GRU.

Everything that does not wait for the step before is computed for all steps at once; a step is then one matrix product
and a few operations on a batch. Sequences of different lengths come packed: the same walk, fewer rows at its end.
"""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from engine import functions
from engine.errors import ArgumentError, ShapeError
from engine.nn import functional, init
from engine.nn.dropout import Share
from engine.nn.linear import Width
from engine.nn.module import Between, Module
from engine.nn.packed import PackedSequence, expect
from engine.nn.parameter import Parameter, empty_parameter
from engine.nn.settings import checked

Layers = Annotated[int, Between(1, 10**6, common=(1, 4))]
State = tuple[Any, ...]
Step = Callable[[Any, State], State]


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
            shapes = {"weight_ih": (rows, incoming), "weight_hh": (rows, out)}
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
        _draw(self, self.hidden_size)

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
                inputs, step = self._step(data, self.all_weights[place])
                side, end = scan(step, inputs, tuple(h[place] for h in first), sizes, way == 1)
                sides.append(side)
                ends.append(end)
            data = sides[0] if ways == 1 else functions.cat(sides, 1)
        return data, tuple(functions.stack(list(h), 0) for h in zip(*ends, strict=True))

    def _step(self, data: Any, weights: list[Any]) -> tuple[Any, Step]:
        """What the inputs give to the gates at all steps, and what one step does."""
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


def scan(step: Step, inputs: Any, state: State, sizes: list[int], backwards: bool) -> tuple[Any, State]:
    """Walk a step along packed rows; sizes: rows at each step, never growing. Outputs (rows, H), and the last state."""
    parts = list(inputs.split(sizes))
    outputs, ended = [], []
    if backwards:
        first, state = state, tuple(s[: sizes[-1]] for s in state)
        for part, size, before in zip(parts[::-1], sizes[::-1], [sizes[-1], *sizes[:0:-1]], strict=True):
            if size > before:
                state = tuple(functions.cat([s, f[before:size]], 0) for s, f in zip(state, first, strict=True))
            state = step(part, state)
            outputs.append(state[0])
        return functions.cat(outputs[::-1], 0), state
    for part, size in zip(parts, sizes, strict=True):
        if size < len(state[0]):
            ended.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
        state = step(part, state)
        outputs.append(state[0])
    if ended:
        state = tuple(functions.cat(list(s), 0) for s in zip(state, *ended[::-1], strict=True))
    return functions.cat(outputs, 0), state


def _biases(weights: list[Any]) -> tuple[Any, Any]:
    return (weights[2], weights[3]) if len(weights) > 3 else (None, None)


def _summed(weights: list[Any]) -> Any:
    first, second = _biases(weights)
    return None if first is None else first + second


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

    def _step(self, data: Any, weights: list[Any]) -> tuple[Any, Step]:
        recurrent, bend = weights[1], getattr(functions, self.nonlinearity)
        return functional.linear(data, weights[0], _summed(weights)), lambda x, s: (bend(x + s[0].linear(recurrent)),)


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

    def _step(self, data: Any, weights: list[Any]) -> tuple[Any, Step]:
        recurrent, smaller = weights[1], weights[-1] if self.proj_size else None

        def step(x: Any, state: State) -> State:
            hidden, cell = lstm_gates(x + state[0].linear(recurrent), state[1])
            return hidden if smaller is None else hidden.linear(smaller), cell

        return functional.linear(data, weights[0], _summed(weights)), step


@checked
class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014): fewer gates than an LSTM, one state.

    >>> output, last = nn.GRU(3, 5, bidirectional=True)(engine.ones(7, 2, 3))
    >>> output.shape, last.shape
    (engine.Size([7, 2, 10]), engine.Size([2, 2, 5]))
    """

    mode, gates = "GRU", 3

    def _step(self, data: Any, weights: list[Any]) -> tuple[Any, Step]:
        inside, outside = _biases(weights)
        recurrent = weights[1]
        gates = functional.linear(data, weights[0], inside)
        return gates, lambda x, s: (gru_gates(x, functional.linear(s[0], recurrent, outside), s[0]),)


def lstm_gates(gates: Any, cell: Any) -> State:
    """The next hidden and cell state from the sums at the input, forget, cell and output gates (N, 4H)."""
    size = cell.shape[-1]
    opened, proposed = gates.sigmoid(), gates[..., 2 * size : 3 * size].tanh()
    cell = opened[..., size : 2 * size] * cell + opened[..., :size] * proposed
    return opened[..., 3 * size :] * cell.tanh(), cell


def gru_gates(inside: Any, outside: Any, hidden: Any) -> Any:
    """The next hidden state from what the input and the old state give to the reset, update and new gates (N, 3H)."""
    size = hidden.shape[-1]
    opened = (inside[..., : 2 * size] + outside[..., : 2 * size]).sigmoid()
    proposed = (inside[..., 2 * size :] + opened[..., :size] * outside[..., 2 * size :]).tanh()
    return proposed + opened[..., size:] * (hidden - proposed)


def _draw(module: Module, size: int) -> None:
    bound = 1 / math.sqrt(size)
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNCellBase(Module):
    """Base of the single steps.

    >>> isinstance(nn.GRUCell(1, 2), nn.RNNCellBase)
    True
    """

    gates = 1

    def __init__(
        self, input_size: Width, hidden_size: Width, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = empty_parameter((rows, input_size), device, dtype)
        self.weight_hh = empty_parameter((rows, hidden_size), device, dtype)
        self.bias_ih = empty_parameter((rows,), device, dtype) if bias else None
        self.bias_hh = empty_parameter((rows,), device, dtype) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw first values: uniform, bounded by one over the root of the hidden size."""
        _draw(self, self.hidden_size)

    def _ready(self, input: Any, given: tuple[Any, ...], states: int = 1) -> tuple[Any, State]:
        """What the input gives to the gates, and the state, zeros where none is given."""
        where = type(self).__name__
        if input.ndim not in (1, 2):
            raise BadCellInput(where, "an input with 1 dim, or 2 with a batch", f"{input.ndim}D instead")
        if any(h is not None and h.ndim not in (1, 2) for h in given):
            raise BadCellInput(where, "a hidden state with 1 or 2 dims", [h.ndim for h in given])
        wanted = f"input.size(-1) must be equal to input_size. Expected {self.input_size}"
        expect(input.shape[-1] == self.input_size, where, wanted, input.shape[-1])
        shape = (*input.shape[:-1], self.hidden_size)
        state = given if given[0] is not None else tuple(input.new_zeros(shape) for _ in range(states))
        for h in state:
            expect(tuple(h.shape) == shape, where, f"a hidden state of shape {list(shape)}", list(h.shape))
        return functional.linear(input, self.weight_ih, self.bias_ih), state

    def _recurrent(self, hidden: Any) -> Any:
        return functional.linear(hidden, self.weight_hh, self.bias_hh)

    def extra_repr(self) -> str:
        """The settings that differ from the usual ones."""
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        bend = self.__dict__.get("nonlinearity", "tanh")
        return text if bend == "tanh" else f"{text}, nonlinearity={bend}"


class BadCellInput(ShapeError, ValueError):
    """An input with the wrong number of dims."""


@checked
class RNNCell(RNNCellBase):
    """One step of an RNN.

    >>> nn.RNNCell(3, 5)(engine.ones(2, 3)).shape
    engine.Size([2, 5])
    """

    def __init__(
        self,
        input_size: Width,
        hidden_size: Width,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next hidden state (N, H)."""
        x, (hidden,) = self._ready(input, (hx,))
        return getattr(functions, self.nonlinearity)(x + self._recurrent(hidden))


@checked
class LSTMCell(RNNCellBase):
    """One step of an LSTM.

    >>> hidden, cell = nn.LSTMCell(3, 5)(engine.ones(2, 3))
    >>> cell.shape
    engine.Size([2, 5])
    """

    gates = 4

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The next hidden and cell state (N, H)."""
        x, (hidden, cell) = self._ready(input, (None,) if hx is None else tuple(hx), 2)
        return lstm_gates(x + self._recurrent(hidden), cell)  # type: ignore[return-value]


@checked
class GRUCell(RNNCellBase):
    """One step of a GRU.

    >>> nn.GRUCell(3, 5)(engine.ones(2, 3)).shape
    engine.Size([2, 5])
    """

    gates = 3

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next hidden state (N, H)."""
        x, (hidden,) = self._ready(input, (hx,))
        return gru_gates(x, self._recurrent(hidden), hidden)
