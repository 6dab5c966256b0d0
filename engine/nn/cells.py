"""Single steps of recurrent layers: RNNCell, LSTMCell, GRUCell, and what their gates do."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

import math
from typing import Any, Literal

from engine import functions
from engine.errors import ShapeError
from engine.nn import functional, init
from engine.nn.linear import Width
from engine.nn.module import Module
from engine.nn.packed import expect
from engine.nn.parameter import empty_parameter
from engine.nn.settings import checked

State = tuple[Any, ...]


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


def draw(module: Module, size: int) -> None:
    """First values of everything in a module: uniform, bounded by one over the root of a size."""
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
        draw(self, self.hidden_size)

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
        return lstm_gates(x + self._recurrent(hidden), cell)


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
