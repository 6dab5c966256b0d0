"""Ops that draw random numbers. The numbers are a function of (seed, draw, element): see `engine.rng.hashed`."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError
from engine.ops.op import Case, Op, Rule, function, words
from engine.rng import Generator, default_generator, hashed


class DropoutOp(Op):
    """Some numbers become 0 by chance `p`, the others grow to make up for it."""

    latex, jvp, promotion = r"\operatorname{{dropout}}({0})", "linear", "none"
    cases = (Case(((6, 5),), {"p": 0.4, "seed": 1, "draw": 7}),)

    @staticmethod
    def forward(xp: Any, x: Any, *, p: float, seed: int, draw: int) -> Any:
        return x * dropout_mask(xp, x, p, seed, draw)

    @staticmethod
    def infer(x: Any, *, p: float, seed: int, draw: int) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, p: float, seed: int, draw: int) -> Rule:
        return (g.dropout_op(p=p, seed=seed, draw=draw),)


def dropout_mask(xp: Any, x: Any, p: float, seed: int, draw: int) -> Any:
    """0 or 1/(1-p) for every element."""
    if p >= 1:
        return xp.zeros(x.shape, x.dtype)
    kept = hashed(xp, seed, draw, x.size) >= xp.uint32(min(p * 2**32, 2**32 - 1))
    return (kept * x.dtype.type(1 / (1 - p))).reshape(x.shape)


def _idle(where: str, p: float, training: bool) -> bool:
    """Whether nothing happens; refuses what is no chance."""
    if not 0 <= p <= 1 or math.isnan(p):
        raise ArgumentError(where, "a chance between 0 and 1", p)
    return not training or p == 0


@function
def dropout(input: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Some numbers become 0 by chance `p`, the others are divided by 1 - p; nothing happens outside of training.

    N. Srivastava et al., 2014.

    >>> F.dropout(engine.tensor([1.0, 2.0]), 0.5, training=False)
    tensor([1., 2.])
    """
    if _idle("dropout", p, training):
        return input
    seed, draw = (generator or default_generator).draw()
    return input.dropout_op(p=float(p), seed=seed, draw=draw)


def _by_channel(where: str, input: Any, p: float, training: bool, dims: tuple[int, ...], generator: Any) -> Any:
    """Whole channels become 0; an input without a batch axis has its channels on axis 0."""
    if _idle(where, p, training):
        return input
    if input.ndim not in dims:
        raise ArgumentError(where, f"an input with {' or '.join(map(str, dims))} dims", words(input.shape))
    lead = 1 if input.ndim == dims[0] and len(dims) > 1 else 2
    shape = tuple(input.shape[:lead]) + (1,) * (input.ndim - lead)
    return input * input.new_ones(shape).dropout(p, True, generator=generator)


@function
def dropout1d(input: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Whole channels of sequences (N, C, L) or (C, L) set to 0 by chance p while training, the rest scaled up.

    >>> F.dropout1d(engine.ones(1, 2, 3), 0.0)
    tensor([[[1., 1., 1.],
             [1., 1., 1.]]])
    """
    return _by_channel("dropout1d", input, p, training, (2, 3), generator)


@function
def dropout2d(input: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Whole channels of pictures (N, C, H, W) set to 0 by chance p while training, the rest scaled up.

    >>> F.dropout2d(engine.ones(1, 2, 1, 1), 1.0).flatten()
    tensor([0., 0.])
    """
    return _by_channel("dropout2d", input, p, training, (4, 2, 3) if input.ndim in (2, 3) else (4,), generator)


@function
def dropout3d(input: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Whole channels of volumes (N, C, D, H, W) or (C, D, H, W) set to 0 by chance p while training.

    >>> F.dropout3d(engine.ones(1, 2, 1, 1, 1), 1.0).flatten()
    tensor([0., 0.])
    """
    return _by_channel("dropout3d", input, p, training, (4, 5), generator)


# What a SELU gives for large negative numbers: alpha dropout sets numbers to it, not to 0.
SELU_FLOOR = -1.7580993408473766


def _towards_floor(input: Any, kept: Any, p: float) -> Any:
    """Numbers that are not kept become SELU's floor; then mean 0 and variance 1 are restored."""
    a = 1 / math.sqrt((1 - p) * (1 + p * SELU_FLOOR**2)) if p < 1 else 0.0
    return input * kept * a + ((1 - kept) * SELU_FLOOR + SELU_FLOOR * -p) * a


def _kept(input: Any, shape: Any, p: float, generator: Any) -> Any:
    """1 by chance 1 - p, else 0."""
    return input.detach().new_ones(shape).dropout(p, True, generator=generator) * (1 - p)


@function
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, *, generator: Generator | None = None) -> Any:
    """Dropout that keeps mean 0 and variance 1 of what comes out of a SELU. G. Klambauer et al., 2017.

    >>> F.alpha_dropout(engine.tensor([1.0]), 0.5)
    tensor([1.])
    """
    if _idle("alpha_dropout", p, training):
        return input
    return _towards_floor(input, _kept(input, tuple(input.shape), p, generator), p)


@function
def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, *, generator: Generator | None = None
) -> Any:
    """Alpha dropout of whole channels.

    >>> F.feature_alpha_dropout(engine.ones(1, 1, 2), 0.5)
    tensor([[[1., 1.]]])
    """
    if _idle("feature_alpha_dropout", p, training):
        return input
    shape = tuple(input.shape[:2]) + (1,) * (input.ndim - 2)
    return _towards_floor(input, _kept(input, shape, p, generator), p)


@function
def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A draw from categories that has a slope: softmax((logits + Gumbel noise) / tau). E. Jang et al., 2017.

    hard: one 1 and zeros forward, the slope of the soft draw backward.

    >>> F.gumbel_softmax(engine.tensor([[0.0, 1e9]]), hard=True)
    tensor([[0., 1.]])
    """
    noise = -logits.detach().new_zeros(tuple(logits.shape)).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    best = soft.detach().argmax(dim, True)
    return soft.detach().new_zeros(soft.shape).scatter(dim, best, 1.0) - soft.detach() + soft
