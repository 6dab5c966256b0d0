"""Convolutions with fewer products, on every processor that we can be, against sums in double precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import dense, run, run_special, seen
from steps import learns_alike

import engine
from engine import nn
from engine.compiler.kernels import winograd
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.winograd import Winograd, fewer_products
from engine.compiler.kernels.work import Operand, Store
from engine.compiler.machine.cpu import Cpu

SUM = ("sum of products",)
SHAPES = [(2, 12, 12, 32, 64), (1, 5, 7, 17, 40), (2, 8, 8, 16, 16), (1, 9, 102, 20, 24), (1, 6, 5, 128, 70),
          (3, 8, 4, 48, 33), (2, 33, 26, 100, 17), (1, 8, 7, 17, 144),
          (1, 7, 8, 200, 40), (2, 6, 6, 256, 70)]  # fmt: skip
"""Pictures, rows and columns of results, channels, filters."""
DIRECTIONS = pytest.mark.parametrize("back", [False, True], ids=["results", "gradients of taps"])


@pytest.fixture(params=HOSTS, ids=lambda c: f"{c.lanes} lanes")
def cpu(request: pytest.FixtureRequest) -> Cpu:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "WORTH", 1e9)


def results(n: int, p: int, q: int, c: int, f: int) -> Contraction:
    """A convolution of pictures with the channels innermost, with a bias and a ReLU behind it."""
    x, (sn, sp, sq, _) = dense(n, p + 2, q + 2, c)
    taps, (si, sj, sc, _) = dense(3, 3, c, f)
    (bias, _), (out, (on, op, oq, _)) = dense(f), dense(n, p, q, f)
    body = (SUM, ("load", 0), ("add", 0, 1), ("const", 0.0, "f4"), ("max", 2, 3))
    return Contraction(
        (n, p), q, f, (3, 3, c), Operand(x, 0, (sn, sp, sq, sp, sq, 1)), Operand(taps, 0, (0, 0, 1, si, sj, sc)),
        body, (Operand(bias, 0, (0, 0, 0, 1)), Operand(out, 0, (on, op, oq, 1))), (Store(1, 4),),
    )  # fmt: skip


def gradients(n: int, p: int, q: int, c: int, f: int) -> Contraction:
    """The gradient of its taps."""
    x, (sn, sp, sq, _) = dense(n, p + 2, q + 2, c)
    g, (gn, gp, gq, _) = dense(n, p, q, f)
    out, (si, sj, sc, _) = dense(3, 3, c, f)
    return Contraction(
        (3, 3), c, f, (n, p, q), Operand(x, 0, (sp, sq, 1, sn, sp, sq)), Operand(g, 0, (0, 0, 1, gn, gp, gq)),
        (SUM,), (Operand(out, 0, (si, sj, sc, 1)),), (Store(0, 0),),
    )  # fmt: skip


def convolution(shape: tuple[int, ...], back: bool) -> Contraction:
    return gradients(*shape) if back else results(*shape)


def wanted(work: Contraction, back: bool) -> Any:
    o, k = "uv", "xyz"
    a, b = seen(work.a, (*work.outer, work.m, *work.k)), seen(work.b, (*work.outer, work.n, *work.k))
    found = np.einsum(f"{o}m{k},{o}n{k}->{o}mn", a.astype("f8"), b.astype("f8"), optimize=True)
    return found if back else np.maximum(found + seen(work.operands[0], work.sizes), 0)


def error(work: Any, cpu: Cpu, expected: Any, how: Any = run) -> float:
    """The largest one, as a share of the largest number."""
    target = work.operands[-1]
    target.buffer.array[:] = np.nan
    how(work, cpu)
    return float(np.abs(seen(target, work.sizes) - expected).max() / np.abs(expected).max())


@DIRECTIONS
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fewer_products_are_as_exact_as_all_of_them(cpu: Cpu, shape: tuple[int, ...], back: bool) -> None:
    work = convolution(shape, back)
    fewer = fewer_products(work)
    assert fewer is not None
    expected = wanted(work, back)
    exact = error(work, cpu, expected)
    assert error(fewer, cpu, expected) <= 2 * exact + 1e-7


@DIRECTIONS
def test_a_kernel_with_constants_is_the_same(cpu: Cpu, back: bool) -> None:
    work = convolution((1, 6, 7, 17, 20), back)
    assert error(fewer_products(work), cpu, wanted(work, back), run_special) < 2e-6


@DIRECTIONS
@pytest.mark.parametrize("shape", [(4, 7, 9, 16, 80), (1, 16, 6, 32, 48)], ids=str)
def test_pieces_have_the_same_bits_and_the_same_code(cpu: Cpu, shape: tuple[int, ...], back: bool) -> None:
    fewer = fewer_products(convolution(shape, back))
    assert fewer is not None
    found = seen(fewer.operands[-1], fewer.sizes)
    run(fewer, cpu)
    whole = found.copy()
    for parts in (2, 3, 7):
        found[...] = 0
        for piece in fewer.split(parts):
            run(piece, cpu)
        np.testing.assert_array_equal(found, whole)


def test_rows_and_columns_are_found_in_any_order_of_loops() -> None:
    work = results(2, 12, 10, 32, 16)
    turned = work.arranged([1, 0])
    other = replace(
        turned, k=(32, 3, 3), a=turned.a._replace(strides=(*turned.a.strides[:3], 1, *turned.a.strides[3:5])),
        b=turned.b._replace(strides=(0, 0, 1, turned.b.strides[5], *turned.b.strides[3:5])),
    )  # fmt: skip
    assert fewer_products(other) == fewer_products(work) != None  # noqa: E711


def test_what_is_no_such_window_stays_as_it_is() -> None:
    work = results(2, 12, 12, 32, 64)
    a, b = work.a.strides, work.b.strides
    wide = replace(work, a=work.a._replace(strides=(a[0], 2 * a[1], 2 * a[2], *a[3:])))
    moving = replace(work, b=work.b._replace(strides=(1, *b[1:])))
    five = replace(work, k=(5, 5, 32))
    assert [fewer_products(w) for w in (wide, moving, five, results(2, 12, 12, 8, 64), results(2, 3, 3, 32, 64))] == (
        [None] * 5
    )


def test_filters_of_a_channel_of_its_own_are_no_sum_over_channels() -> None:
    """Where each channel has filters of its own, the gradient of the taps reads both operands along the channels."""
    work = gradients(2, 12, 12, 32, 64)
    a, b, out = work.a.strides, work.b.strides, work.operands[0].strides
    for step in (0, 64):
        alone = replace(
            work, outer=(32, 3), m=3, a=work.a._replace(strides=(1, a[0], a[1], *a[3:])),
            b=work.b._replace(strides=(step, 0, *b[2:])),
            operands=(work.operands[0]._replace(strides=(out[2], out[0], out[1], 1)),),
        )  # fmt: skip
        assert (fewer_products(alone) is None) == bool(step)


def test_a_loop_slides_along_one_other() -> None:
    work = results(2, 12, 12, 32, 64)
    a = work.a.strides
    assert fewer_products(replace(work, a=work.a._replace(strides=(a[1], *a[1:4], 7, 1)), m=1)) is None


@pytest.mark.parametrize("taps", [3, 4, 5])
def test_three_of_anything_are_told_from_three_taps(cpu: Cpu, taps: int) -> None:
    """Three pictures, rows or columns may be mistaken for taps."""
    for shape in ((3, 3, 12, 16, 32), (3, 12, 3, 16, 32), (taps, 4, 9, 16, 32)):
        for back in (False, True):
            work = convolution(shape, back)
            fewer = fewer_products(work)
            assert fewer is not None
            assert fewer.back == back
            assert error(fewer, cpu, wanted(work, back)) < 2e-6


def network() -> Any:
    engine.manual_seed(0)
    layers = (nn.Conv2d(1, 24, 3), nn.ReLU(), nn.Conv2d(24, 40, 3, padding=1), nn.BatchNorm2d(40), nn.ReLU())
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Conv2d(40, 32, 3), nn.Flatten(), nn.Linear(32 * 36, 5))


def test_a_network_learns_as_well_and_the_same_on_any_number_of_threads() -> None:
    engine.manual_seed(0)  # where two places of a pool are almost equal, rounding decides which of them learns
    works = learns_alike(network, engine.randn(32, 1, 18, 18), engine.randint(0, 5, (32,)))
    assert all(sum(isinstance(w, Winograd) for w in each) >= 4 for each in works)
