"""Short vectors without masks: what is read, written, gathered and scattered is what masks would do, and no more."""

import numpy as np
import pytest
from native import HOSTS, function

from engine.compiler.code.known import FEW, Known, halves


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.lanes} lanes")
@pytest.mark.parametrize("count", range(1, 17))
def test_a_short_vector_is_read_and_written_without_a_mask(host, count):
    if count >= host.lanes:
        pytest.skip("a full vector")
    f = Known("copy", host)
    mask = f.below(count)
    x = f.load(f.floats, f.argument(0), mask)
    f.store(x + 1.0, f.argument(1), mask)
    f.store(x, f.argument(2))
    assert not any("masked" in line for line in f.lines)
    source, target, all_lanes = np.arange(1, 33, dtype="f4"), np.full(32, -1, "f4"), np.full(32, -1, "f4")
    function(f, host)([a.ctypes.data for a in (source, target, all_lanes)])
    assert target.tolist() == [*range(2, count + 2), *[-1] * (32 - count)]
    assert all_lanes.tolist()[: host.lanes] == [*range(1, count + 1), *[0] * (host.lanes - count)]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host.lanes} lanes")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("stride", [2, -3])
def test_few_lanes_are_gathered_and_scattered_one_by_one(host, count, stride):
    f = Known("spread", host)
    mask, index = f.below(count), f.places() * stride
    f.scatter(f.gather("float", f.argument(0), index, mask), f.argument(1), index, mask)
    assert count > FEW or not any("masked" in line for line in f.lines)
    source, target = np.arange(64, dtype="f4"), np.full(64, -1, "f4")
    function(f, host)([source[32:].ctypes.data, target[32:].ctypes.data])
    moved = {32 + i * stride for i in range(count)}
    assert target.tolist() == [i if i in moved else -1 for i in range(64)]


def test_a_mask_that_is_not_known_stays_a_mask():
    f = Known("late", HOSTS[0])
    f.store(f.load(f.floats, f.argument(0), f.below(f.argument(1))), f.argument(0), f.below(f.argument(1)))
    assert sum("masked" in line for line in f.lines) == 2


def test_pieces_are_powers_of_two_the_largest_first():
    assert halves(11) == [(0, 8), (8, 2), (10, 1)]
    assert halves(4) == [(0, 4)]
