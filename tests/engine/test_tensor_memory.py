"""Long chains, long runs: no recursion, no leak."""

import gc
import weakref

import numpy as np
import pytest

import engine
from engine.graph import Node


def test_a_hundred_thousand_chained_operations_differentiate() -> None:
    x = engine.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1e-6
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]
    del y


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(*kinds: type) -> int:
    return sum(issubclass(type(o), kinds) for o in gc.get_objects())


def test_ten_thousand_steps_leave_nothing_behind_without_the_collector(no_collector: None) -> None:
    w, b = (engine.randn(*shape).requires_grad_() for shape in ((4, 3), (3,)))
    x = engine.randn(8, 4)

    def step() -> None:
        w.grad = b.grad = None
        h = (x @ w + b).tanh()
        loss = (h[:, 1:].softmax(1) * h[:, 1:]).sum() + h.view(-1).var()
        loss.backward()
        with engine.no_grad():
            w.sub_(0.01 * w.grad)

    for _ in range(20):
        step()
    before = alive(engine.Tensor, Node)
    for _ in range(10_000):
        step()
    assert alive(engine.Tensor, Node) <= before + 2


def test_a_result_and_its_history_go_with_the_last_name(no_collector: None) -> None:
    x = engine.ones(3, requires_grad=True)
    y = (x * 2)[1:].exp()
    array, node = weakref.ref(y.array.base if y.array.base is not None else y.array), weakref.ref(y.grad_fn)
    del y
    assert array() is None
    assert node() is None


def test_writes_with_history_leave_no_cycle(no_collector: None) -> None:
    x = engine.ones(3, requires_grad=True)
    before = alive(engine.Tensor, Node)
    for _ in range(100):
        y = x * 1
        y[0] = 2.0
        y.view(-1).mul_(3)
        y.sum().backward()
    del y
    assert alive(engine.Tensor, Node) <= before + 4


def test_memory_is_shared_with_numpy_both_ways() -> None:
    a = np.zeros(3, np.float32)
    x = engine.from_numpy(a)
    x[1] = 5
    assert a[1] == 5
    assert np.shares_memory(x.numpy(), a)
    assert np.shares_memory(np.asarray(x), a)
