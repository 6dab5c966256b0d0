"""The walks over what was recorded, on the numbers of the lectures, and at their edges."""

import math
import threading
import warnings

import numpy as np
import pytest

import engine
from engine.autodiff import backward, enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled
from engine.autograd.functional import hessian, hvp, jacobian, vjp
from engine.check import gradcheck, misfits
from engine.custom import Function
from engine.errors import GraphError, ShapeError
from engine.forward import dual_level, jvp, make_dual, unpack_dual
from engine.tensor import Tensor, abstract


def leaf(*values: float) -> Tensor:
    return engine.tensor(values[0] if len(values) == 1 else list(values), requires_grad=True)


# ------------------------------------------------------------------------------------------ worked numbers
def test_the_logarithm_product_and_sine_of_the_lectures_have_the_gradients_5_5_and_1_7163() -> None:
    x1, x2 = leaf(2.0), leaf(5.0)
    y = x1.log() + x1 * x2 - x2.sin()
    y.backward()
    assert y.item() == pytest.approx(11.6521, abs=1e-4)
    assert (x1.grad.item(), x2.grad.item()) == (pytest.approx(5.5), pytest.approx(1.7163, abs=1e-4))


def test_the_sum_of_squared_differences_is_13_with_opposite_gradients() -> None:
    a, b = leaf(1.0, 2.0), leaf(4.0, 4.0)
    c = ((a - b) ** 2).sum()
    c.backward()
    assert (c.item(), a.grad.tolist(), b.grad.tolist()) == (13.0, [-6.0, -4.0], [6.0, 4.0])


def test_a_relu_of_a_line_passes_3_to_the_weight_and_1_to_the_bias() -> None:
    x, w, b = engine.tensor(3.0), leaf(2.0), leaf(1.0)
    (x * w + b).relu().backward()
    assert (w.grad.item(), b.grad.item()) == (3.0, 1.0)


def test_gradients_add_up_over_backward_calls_until_they_are_zeroed() -> None:
    x = leaf(3.0)
    for expected in (6.0, 12.0):
        (x * x).backward()
        assert x.grad.item() == expected
    x.grad = None
    (x * x).backward()
    assert x.grad.item() == 6.0


def test_a_weight_that_is_used_twice_sums_both_paths() -> None:
    x = leaf(0.5)
    u = x * x
    (u * 3 + u.exp()).backward()
    assert x.grad.item() == pytest.approx(3 + math.exp(0.25))


class Cube(Function):
    """x ** 3 with a gradient written by hand."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * x * 3


def test_a_users_own_operation_has_its_own_gradient_and_a_second_one() -> None:
    x = leaf(2.0)
    y = Cube.apply(x)
    (slope,) = grad(y, x, create_graph=True)
    (curvature,) = grad(slope, x)
    assert (y.item(), slope.item(), curvature.item()) == (8.0, 12.0, 12.0)


class SumAndDifference(Function):
    """Two outputs, one backward."""

    @staticmethod
    def forward(ctx, a, b):
        return a + b, a - b

    @staticmethod
    def backward(ctx, g_sum, g_difference):
        return g_sum + g_difference, g_sum - g_difference


def test_an_own_operation_may_have_two_outputs() -> None:
    a, b = leaf(5.0), leaf(3.0)
    total, difference = SumAndDifference.apply(a, b)
    (total * difference).backward()
    assert (a.grad.item(), b.grad.item()) == (10.0, -6.0)


# -------------------------------------------------------------------------------------------- the reverse walk
def test_100_000_chained_operations_need_no_recursion() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_history_does_not_move_when_an_input_is_rewritten_later() -> None:
    a = leaf(2.0)
    x = a * 1.0
    y = x + 5.0
    x.mul_(3)
    y.backward()
    assert a.grad.item() == 1.0


def test_a_stored_gradient_shares_memory_with_no_other() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (a + b).sum().backward()
    a.grad.add_(7)
    assert b.grad.tolist() == [1.0, 1.0]


def test_a_hook_may_replace_a_gradient_and_can_be_removed() -> None:
    x = leaf(1.0, 2.0)
    handle = x.register_hook(lambda g: g * 10)
    x.sum().backward()
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [11.0, 11.0]


def test_an_inner_tensor_keeps_its_gradient_when_asked() -> None:
    x = leaf(3.0)
    y = x * 2
    y.retain_grad()
    (y * y).backward()
    assert (y.grad.item(), x.grad.item()) == (12.0, 24.0)


def test_the_walk_visits_only_what_leads_to_the_asked_inputs() -> None:
    visited = []
    x, w = leaf(1.0), leaf(2.0)
    aside = w * 3
    aside.register_hook(lambda g: visited.append("aside"))
    (g,) = grad(x * 2 + aside, x)
    assert (g.item(), visited, w.grad) == (2.0, [], None)


def test_an_unused_input_is_refused_unless_allowed() -> None:
    x, w = leaf(1.0), leaf(2.0)
    with pytest.raises(GraphError, match="allow_unused"):
        grad(x * 2, w)
    assert grad(x * 2, w, allow_unused=True) == (None,)


def test_several_outputs_are_weighted_and_added() -> None:
    x = leaf(3.0)
    backward([x * 2, x * x], [engine.tensor(10.0), engine.tensor(1.0)])
    assert x.grad.item() == 26.0


def test_no_grad_works_as_block_and_decorator_and_nests() -> None:
    @no_grad()
    def quiet(x: Tensor) -> tuple[bool, bool]:
        with enable_grad():
            inner = (x * 2).requires_grad
        return (x * 2).requires_grad, inner

    assert quiet(leaf(1.0)) == (False, True)
    assert is_grad_enabled()
    with set_grad_enabled(False):
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_each_thread_has_its_own_grad_mode_and_stays_silent() -> None:
    seen = []

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            seen.append((is_grad_enabled(), engine.tensor([0.0]).log().item()))

    with no_grad():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [(True, -math.inf)]


# ---------------------------------------------------------------------------------------- forward mode, both
def test_forward_and_reverse_mode_agree_on_the_lectures_function() -> None:
    x = engine.tensor([2.0, 5.0])

    def f(x: Tensor) -> Tensor:
        return x[0].log() + x[0] * x[1] - x[1].sin()

    value, moved = jvp(f, x, engine.tensor([1.0, 0.0]))
    _, slopes = vjp(f, x)
    assert (value.item(), moved.item()) == (pytest.approx(11.6521, abs=1e-4), pytest.approx(5.5))
    assert slopes.tolist() == pytest.approx([5.5, 1.7163], abs=1e-4)


def test_dual_numbers_travel_through_branches() -> None:
    with dual_level():
        x = make_dual(engine.tensor(3.0), engine.tensor(1.0))
        y = x * x if x > 0 else -x
        assert unpack_dual(y).tangent.item() == 6.0


def test_forward_over_forward_gives_second_derivatives() -> None:
    one = engine.tensor(1.0)
    _, second = jvp(lambda x: jvp(lambda z: z**3, x, one)[1], engine.tensor(2.0), one)
    assert second.item() == pytest.approx(12.0)


def test_reverse_over_forward_gives_second_derivatives() -> None:
    x = leaf(2.0)
    _, slope = jvp(lambda z: z.tanh() * z, x, engine.tensor(1.0))
    (second,) = grad(slope, x)
    t = math.tanh(2.0)
    assert second.item() == pytest.approx(2 * (1 - t * t) - 2 * 2 * t * (1 - t * t), rel=1e-5)


def test_jacobian_hessian_and_their_products_fit_together() -> None:
    x, v = engine.tensor([1.0, 2.0, 3.0]), engine.tensor([1.0, 0.0, -1.0])
    matrix = engine.arange(9.0).reshape(3, 3)

    def form(x: Tensor) -> Tensor:
        return (x @ matrix @ x).sin()

    assert jacobian(lambda x: matrix @ x, x).tolist() == matrix.tolist()
    whole = hessian(form, x)
    np.testing.assert_allclose(hvp(form, x, v)[1].numpy(), (whole @ v).numpy(), rtol=1e-4)
    np.testing.assert_allclose(whole.numpy(), whole.T.numpy(), rtol=1e-4)


# ------------------------------------------------------------------------------------------------ checks
def test_a_wrong_backward_is_found_by_finite_differences() -> None:
    class Wrong(Cube):
        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = engine.tensor([2.0, 1.0], dtype=engine.float64, requires_grad=True)
    assert gradcheck(lambda x: x**3 * x.sin(), (x,))
    (found,) = misfits(Wrong.apply, (x,))
    assert (found.element, found.computed, round(found.measured, 3)) == ((0,), 2.0, 12.0)
    with pytest.raises(GraphError, match="Jacobian mismatch"):
        gradcheck(Wrong.apply, (x,))


# ----------------------------------------------------------------------------------------- shapes without memory
def test_a_network_on_abstract_tensors_checks_shapes_of_any_size() -> None:
    x = abstract((1_000_000, 3, 2000, 2000))
    y = x.conv2d(abstract((64, 3, 3, 3)), abstract((64,)), padding=1).relu().max_pool2d(2).flatten(1)
    assert (tuple(y.shape), y.dtype) == ((1_000_000, 64 * 1000 * 1000), engine.float32)


def test_a_misfit_on_abstract_tensors_says_where_expected_got_and_what_to_try() -> None:
    with pytest.raises(ShapeError) as caught:
        abstract((8, 400)).linear(abstract((10, 120)), abstract((10,)))
    facts = caught.value
    assert (facts.where, facts.expected, facts.got) == ("linear", "an input whose last size is 120", "[8, 400]")
    assert "400" in facts.hint


def test_a_value_of_an_abstract_tensor_cannot_be_asked_for() -> None:
    with pytest.raises(GraphError):
        abstract((1,)).item()
