"""Ops that draw random numbers. The numbers are a function of (seed, draw, element): see `engine.rng.hashed`."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError
from engine.ops.op import Case, Op, Rule, function
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


@function
def dropout(x: Any, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Any:
    """Some numbers become 0 by chance `p`, the others are divided by 1 - p; nothing happens outside of training."""
    if not 0 <= p <= 1 or math.isnan(p):
        raise ArgumentError("dropout", "a chance between 0 and 1", p)
    if not training or p == 0:
        return x
    seed, draw = (generator or default_generator).draw()
    return x.dropout_op(p=float(p), seed=seed, draw=draw)
