"""Large networks: their products are few and long, nothing is turned that need not be."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("llvmlite")

from steps import trace_step

import engine
from engine import nn
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.run.runner import rows_of


class Last(nn.Module):
    """What a recurrent layer says in the end."""

    def __init__(self, kind: Any, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.body, self.out = kind(width, hidden, layers, batch_first=True), nn.Linear(hidden, 10)

    def forward(self, x: Any) -> Any:
        return self.out(self.body(x)[0][:, -1])


class Mean(nn.Module):
    """A layer of a transformer, and the mean over the places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True)
        self.out = nn.Linear(width, 10)

    def forward(self, x: Any) -> Any:
        return self.out(self.body(x).mean(1))


def works(model: Any, *shape: int) -> list[Any]:
    """What the rows of a step do."""
    optimizer, x, y = engine.optim.Adam(model.parameters()), engine.randn(*shape), engine.randint(0, 10, shape[:1])

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return [row.work for row in rows_of(trace_step(step, (x, y)), 2).rows if hasattr(row, "work")]


def count(found: list[Any], kind: type) -> int:
    return sum(isinstance(work, kind) for work in found)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN], ids=lambda k: k.__name__)
def test_steps_of_a_large_recurrent_layer_turn_nothing(kind: Any) -> None:
    short, long = (works(Last(kind, 100, 400, 1), 128, steps, 100) for steps in (4, 8))
    assert count(long, Contraction) > count(short, Contraction)
    assert count(long, Transposition) == count(short, Transposition) < 8


def test_gradients_of_a_recurrent_weight_are_one_product_for_large_batches_too() -> None:
    found = works(Last(nn.LSTM, 32, 128, 2), 256, 6, 32)
    sums = [work.k for work in found if isinstance(work, Contraction) and 128 in (work.m, work.n)]
    assert sums.count((5 * 256,)) == 2, "of both layers' weights, over the steps that have one before"


def test_places_and_samples_of_a_transformer_are_rows_of_one_product() -> None:
    found = works(Mean(128), 16, 32, 128)
    wide = [work for work in found if isinstance(work, Contraction) and work.n in (128, 384, 512) and work.sums >= 128]
    assert len(wide) >= 12
    assert all(work.outer == () and len(work.k) == 1 for work in wide)
