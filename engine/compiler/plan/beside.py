"""Sums of numbers that a product copies anyway, as a bias's gradient is, become a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.product import NUMBERS
from engine.compiler.kernels.work import Operand, Plan, Record, Store

SUM = (("load", 0), ("reduce", "sum", 0))
"""The program of a plain sum."""


def sum_beside(plan: Plan) -> None:
    """Rows that are such sums join the product before them."""
    kept, guard = list[Any](), plan.guard
    for number, row in enumerate(plan.rows):
        last: Any = kept[-1] if kept and number != guard else None
        records = isinstance(row, Record) and isinstance(last, Record)
        both = _together(last.work, row.work) if records else None
        if both is None:
            kept.append(row)
        else:
            kept[-1] = replace(last, work=both, nodes=last.nodes + row.nodes, touches=last.touches + row.touches)
            plan.guard -= number < guard
            plan.lives = []
    plan.rows = kept


def _together(product: Any, nest: Any) -> Any:
    """A product with a sum of its numbers; None where that is not what the nest is."""
    if not isinstance(product, Contraction) or not isinstance(nest, Nest) or nest.body != SUM:
        return None
    a, (read, target) = product.a, nest.operands
    same = read == a and nest.sizes == (product.m, *product.k) and nest.parallel == 1 == target.strides[0]
    if not same or product.reading != "turned" or product.outer or product.beside:
        return None
    sums, store = Operand(target.buffer, target.offset, (1, 0)), Store(len(product.operands), len(product.body))
    return replace(
        product, body=(*product.body, NUMBERS), operands=(*product.operands, sums), stores=(*product.stores, store)
    )
