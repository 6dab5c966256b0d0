"""Sequences of different lengths: packed one after the other, or padded to one length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from engine import functions
from engine.array import to_device, to_host
from engine.errors import ArgumentError, ShapeError
from engine.nn import functional
from engine.tensor import Tensor, wrap


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None


class PackedSequence(_Packed):
    """Sequences without padding: `data` has all first steps, then all second steps, ..., longest sequence first.

    batch_sizes: how many sequences reach each step, int64. sorted_indices, unsorted_indices: the order of the sequences
    by length, and back.

    >>> nn.utils.rnn.pack_sequence([engine.tensor([1, 2, 3]), engine.tensor([4])]).data
    tensor([1, 4, 2, 3])
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data on another device, or of another element type."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """In the computer's own memory."""
        return self.to("cpu")

    def cuda(self, device: Any = "cuda") -> PackedSequence:
        """On a GPU."""
        return self.to(device)

    def double(self) -> PackedSequence:
        """As float64."""
        return self._replace(data=self.data.double())

    def float(self) -> PackedSequence:
        """As float32."""
        return self._replace(data=self.data.float())

    def half(self) -> PackedSequence:
        """As float16."""
        return self._replace(data=self.data.half())

    def long(self) -> PackedSequence:
        """As int64."""
        return self._replace(data=self.data.long())

    def int(self) -> PackedSequence:
        """As int32."""
        return self._replace(data=self.data.int())

    @property
    def is_cuda(self) -> bool:
        """Whether the data lie on a GPU."""
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        """False: this engine pins no memory."""
        return False

    def pin_memory(self) -> PackedSequence:
        """The sequence itself: this engine pins no memory."""
        return self


def invert_permutation(permutation: Any) -> Any:
    """The permutation that undoes another.

    >>> nn.utils.rnn.invert_permutation(engine.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else wrap(permutation.array.argsort())


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Padded sequences (T, N, ...) without their padding; `lengths` says how long each one is.

    >>> nn.utils.rnn.pack_padded_sequence(engine.tensor([[1, 4], [2, 0]]), [2, 1]).data
    tensor([1, 4, 2])
    """
    sizes = np.asarray(to_host(lengths.array) if isinstance(lengths, Tensor) else lengths, np.int64)
    order = None
    if enforce_sorted:
        if (np.diff(sizes) > 0).any():
            raise _bad("`lengths` in decreasing order when enforce_sorted is True", sizes, "Say enforce_sorted=False.")
    else:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
    steps = input.transpose(0, 1) if batch_first else input
    if len(sizes) != steps.shape[1]:
        raise _bad(f"one length for each of {steps.shape[1]} sequences", sizes)
    if not sizes.size or sizes.min() <= 0 or sizes[0] > steps.shape[0]:
        raise _bad(f"lengths from 1 to {steps.shape[0]}", sizes)
    counts = (sizes[None] > np.arange(sizes[0])[:, None]).sum(1)
    rows = np.concatenate(
        [t * len(sizes) + (np.arange(n) if order is None else order[:n]) for t, n in enumerate(counts)]
    )
    data = steps.reshape((-1, *steps.shape[2:]))[wrap(rows)]
    back = None if order is None else np.argsort(order)
    return PackedSequence(data, wrap(counts.astype(np.int64)), *(_placed(o, input) for o in (order, back)))


def _placed(order: Any, like: Any) -> Any:
    return None if order is None else wrap(to_device(order, like.device))


def _bad(expected: str, got: Any, hint: str = "") -> ArgumentError:
    return BadLengths("pack_padded_sequence", expected, list(got), hint)


class BadLengths(ArgumentError, RuntimeError):
    """Lengths that do not fit the sequences."""


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """The sequences padded to one length, and their lengths: the way back of `pack_padded_sequence`.

    >>> packed = nn.utils.rnn.pack_sequence([engine.tensor([1, 2, 3]), engine.tensor([4])])
    >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
             [4, 0, 0]]), tensor([3, 1]))
    """
    counts = to_host(sequence.batch_sizes.array)
    steps = len(counts) if total_length is None else total_length
    if steps < len(counts):
        raise BadLengths("pad_packed_sequence", f"a total_length of {len(counts)} or more", total_length)
    table = np.full((steps, counts[0]), counts.sum())
    table[: len(counts)][np.arange(counts[0]) < counts[:, None]] = np.arange(counts.sum())
    lengths = (counts[:, None] > np.arange(counts[0])).sum(0)
    if sequence.unsorted_indices is not None:
        back = to_host(sequence.unsorted_indices.array)
        table, lengths = table[:, back], lengths[back]
    data = sequence.data
    border = data.new_full((1, *data.shape[1:]), padding_value)
    padded = functions.cat([data, border], 0)[wrap(table.T if batch_first else table)]
    return padded, wrap(lengths.astype(np.int64))


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences (L, ...) of different lengths in one tensor (T, N, ...), filled up to the longest.

    >>> nn.utils.rnn.pad_sequence([engine.tensor([1, 2, 3]), engine.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if padding_side not in ("left", "right"):
        raise ArgumentError("pad_sequence", "padding_side 'left' or 'right'", padding_side)
    if not isinstance(sequences, Tensor) and not isinstance(sequences, Iterable):
        raise BadLengths("pad_sequence", "an iterable of tensors", type(sequences).__name__)
    rows = list(sequences)
    longest = max(len(row) for row in rows)
    filled = []
    for row in rows:
        gap = longest - len(row)
        sides = (0, 0) * (row.ndim - 1) + ((0, gap) if padding_side == "right" else (gap, 0))
        filled.append(functional.pad(row, sides, "constant", padding_value) if gap else row)
    return functions.stack(filled, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """Padded sequences (T, N, ...) as a list of tensors (L, ...): the way back of `pad_sequence`.

    >>> nn.utils.rnn.unpad_sequence(engine.tensor([[1, 2], [4, 0]]), engine.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([4])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [rows[i, : int(n)] for i, n in enumerate(lengths)]


def pack_sequence(sequences: list[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L, ...) of different lengths.

    >>> nn.utils.rnn.pack_sequence([engine.tensor([1, 2]), engine.tensor([4])]).batch_sizes
    tensor([2, 1])
    """
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """A packed sequence as a list of tensors (L, ...): the way back of `pack_sequence`.

    >>> nn.utils.rnn.unpack_sequence(nn.utils.rnn.pack_sequence([engine.tensor([1, 2]), engine.tensor([4])]))
    [tensor([1, 2]), tensor([4])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def expect(fits: bool, where: str, expected: str, got: Any) -> None:
    """Raise `ShapeError` unless a shape fits."""
    if not fits:
        raise ShapeError(where, expected, got)
