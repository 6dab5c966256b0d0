"""Random streams: reproducible, saved and restored, and seedrandom's for links of TensorFlow Playground."""

import itertools
import json

import numpy as np

import engine
from engine.rng import Generator, arc4, hashed


def test_arc4_gives_seedrandoms_numbers_for_the_seed_0_42() -> None:
    expected = [0.19931777629611513, 0.3654236514923536, 0.6283432203297118, 0.19079556118965504]
    assert list(itertools.islice(arc4("0.42"), 4)) == expected


def test_a_state_that_went_through_json_continues_the_same_stream() -> None:
    source = Generator(7)
    source.normal((5,))
    source.permutation(3)
    source.draw()
    state = json.loads(json.dumps(source.get_state()))
    expected = (source.uniform((4,)).tolist(), source.permutation(6).tolist(), source.draw())
    again = Generator().set_state(state)
    assert (again.uniform((4,)).tolist(), again.permutation(6).tolist(), again.draw()) == expected


def test_equal_seeds_give_equal_tensors_and_other_seeds_others() -> None:
    drawn = [engine.randn(4, generator=Generator(seed)).tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_hashed_numbers_are_evenly_spread_and_differ_between_draws() -> None:
    first, second = (hashed(np, 3, draw, 200_000) / 2**32 for draw in (1, 2))
    assert abs(first.mean() - 0.5) < 0.003
    assert abs(np.histogram(first, 16, (0, 1))[0] / first.size - 1 / 16).max() < 0.003
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.01


def test_dropout_keeps_the_mean_and_the_gradient_uses_the_same_mask() -> None:
    x = engine.ones(100, 100).requires_grad_()
    y = x.dropout(0.3, True, generator=Generator(1))
    y.sum().backward()
    assert abs(y.mean().item() - 1) < 0.02
    assert engine.equal(x.grad, y.detach())
    assert x.dropout(0.3, False) is x
