"""`autograd.functional`, `autograd.forward_ad` and `gradcheck`: beside PyTorch, and against one another."""

import numpy as np
import pytest
from twin import Programs, leaf, refusal

import engine
from engine.check import GradcheckError

both = Programs()


def one(t, x):
    return t.stack([x[0] ** 2 * x[1], x[1].exp(), x[0].sin() * x[1]])


def two(t, x, y):
    return (x * y).sum(), x**2 + y.mean()


@both
def vjp_and_jvp_of_one_and_several(t):
    F, x, y = t.autograd.functional, t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])
    v = (t.tensor(2.0), t.tensor([1.0, -1.0]))
    out = [F.vjp(lambda x: one(t, x), x, t.tensor([1.0, 0.0, 2.0])), F.vjp(lambda *a: two(t, *a), (x, y), v)]
    out += [F.jvp(lambda x: one(t, x), x, y), F.jvp(lambda *a: two(t, *a), (x, y), (y, x))]
    found, pulled = F.vjp(lambda x: (x**2).sum(), x)
    return out, found.requires_grad, pulled.requires_grad


@both
def jacobians_nest_by_output_and_input(t):
    F, x, y = t.autograd.functional, t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])
    return [
        F.jacobian(lambda x: one(t, x), x),
        F.jacobian(lambda *a: two(t, *a), (x, y)),
        F.jacobian(lambda x, y: (x * y).sum(), (x, y)),
        F.jacobian(lambda x: (x, x * 2), x),
        F.jacobian(lambda x: one(t, x), x, vectorize=True, strategy="forward-mode"),
        F.jacobian(lambda *a: two(t, *a), (x, y), vectorize=True, strategy="forward-mode"),
        F.jacobian(lambda x: x.reshape(2, 1) * x, x).shape == (2, 2, 2),
        F.jacobian(lambda x: t.ones(2), x),
    ]


@both
def hessians_and_their_products(t):
    F, x, y = t.autograd.functional, t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])

    def f(x, y):
        return (x**3 * y).sum() + x[0] * y[1] ** 2

    return [
        F.hessian(lambda x: (x**3).sum() * x[0], x),
        F.hessian(f, (x, y)),
        F.hessian(f, (x, y), vectorize=True, outer_jacobian_strategy="forward-mode"),
        F.hvp(f, (x, y), (y, x)),
        F.vhp(f, (x, y), (y, x)),
        F.hvp(lambda x: (x**3).sum(), x, y),
    ]


@both
def create_graph_joins_older_history(t):
    F, x = t.autograd.functional, leaf(t, 1.0, 2.0)
    out = []
    for made in (
        F.jacobian(lambda x: x**3, x, create_graph=True).sum(),
        F.hessian(lambda x: (x**4).sum(), x, create_graph=True).sum(),
        F.vjp(lambda x: x**3, x, t.ones(2), create_graph=True)[1].sum(),
        F.jvp(lambda x: x**3, x, t.ones(2), create_graph=True)[1].sum(),
        F.hvp(lambda x: (x**4).sum(), x, t.ones(2), create_graph=True)[1].sum(),
    ):
        out += t.autograd.grad(made, x)
    return out


@both
def refusals(t):
    F, x = t.autograd.functional, t.tensor([1.0, 2.0])
    return [
        refusal(lambda: F.vjp(lambda x: x**2, x), 40),
        refusal(lambda: F.jvp(lambda x: x**2, x), 40),
        refusal(lambda: F.vjp(lambda x: x**2, x, t.ones(3)), 18),
        refusal(lambda: F.hessian(lambda x: x**2, x), 60),
        refusal(lambda: F.jacobian(lambda x: t.ones(2), x, strict=True), 60),
        refusal(lambda: F.jacobian(lambda x, y: x * 2, (x, x * 1), strict=True), 60),
        refusal(lambda: F.jacobian(lambda x: 3.0, x), 10),
        refusal(lambda: F.jacobian(lambda x: x, 3.0), 10),
    ]


# --------------------------------------------------------------------------------------------- dual numbers
def pushing(t, f, *values):
    fw = t.autograd.forward_ad
    with fw.dual_level():
        duals = [fw.make_dual(t.tensor(v), t.tensor(m)) for v, m in values]
        found = f(*duals)
        return [list(fw.unpack_dual(y)) for y in (found if isinstance(found, tuple) else (found,))]


@both
def tangents_pass_views_and_writes_in_place(t):
    def f(x, y):
        a = x * 1
        row = a[0]
        row.mul_(y[0])
        a[1] = y.sin()
        flat = a.view(-1)
        flat[::2] += 10 * y[1]
        b = a.t()
        b.add_(x)
        a[0, 0] = 5.0
        return a, row, flat, b, x.clone().zero_(), a.transpose(0, 1).exp_()

    m = [[1.0, 2.0], [3.0, 4.0]]
    return pushing(t, f, (m, [[1.0, 0.5], [0.0, 2.0]]), ([0.5, 2.0], [1.0, -1.0]))


@both
def a_constant_buffer_takes_a_tangent_when_written_to(t):
    def f(x):
        buffer = t.zeros(3)
        before = buffer[1:]
        buffer[1] = x * 2
        return buffer, before

    return pushing(t, f, (3.0, 1.0))


@both
def detach_drops_the_tangent_and_unused_ones_are_none(t):
    return pushing(t, lambda x: (x.detach() * 2, x * 2, t.ones(1), x.detach() * x), (3.0, 1.0))


@both
def levels_and_misuse(t):
    fw = t.autograd.forward_ad

    def nested():
        with fw.dual_level(), fw.dual_level():
            pass

    def wrong(a, b):
        with fw.dual_level():
            fw.make_dual(a, b)

    return [
        refusal(nested),
        refusal(lambda: fw.make_dual(t.ones(1), t.ones(1))),
        refusal(lambda: wrong(t.ones(2), t.ones(3))),
        refusal(lambda: wrong(t.ones(2, dtype=t.int64), t.ones(2)), 30),
        fw.unpack_dual(t.ones(1)).tangent,
    ]


@both
def reverse_over_forward_and_forward_over_reverse(t):
    fw = t.autograd.forward_ad
    x = leaf(t, 2.0)
    with fw.dual_level():
        dual = fw.make_dual(x, t.tensor(1.0))
        slope = fw.unpack_dual(dual.sin() * dual).tangent
        (second,) = t.autograd.grad(slope, x, retain_graph=True)
        (g,) = t.autograd.grad(dual.exp() * dual, dual)
        return second, fw.unpack_dual(g).tangent


test_a_program_says_the_same_on_both = both.test()


# --------------------------------------------------------------------------------------------------- checks
def double(*values: float) -> engine.Tensor:
    return engine.tensor(list(values), dtype=engine.float64, requires_grad=True)


def wrong() -> type[engine.autograd.Function]:
    class Wrong(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2 * 1.01

    return Wrong


def test_gradcheck_names_output_input_and_both_jacobians() -> None:
    with pytest.raises(GradcheckError) as caught:
        engine.autograd.gradcheck(wrong().apply, (double(1.0, 2.0),))
    for words in ("Jacobian mismatch for output 0 with respect to input 0", "numerical:tensor(", "analytical:tensor("):
        assert words in str(caught.value)
    assert not engine.autograd.gradcheck(wrong().apply, double(1.0), raise_exception=False)


def test_gradcheck_takes_several_outputs_other_arguments_and_forward_mode() -> None:
    x, y = double(0.3, 0.7), double(1.2, -0.4)
    assert engine.autograd.gradcheck(lambda a, k, b: (a * b, (a / b).sum() * k), (x, 3, y), check_forward_ad=True)
    assert engine.autograd.gradgradcheck(lambda a, b: (a.exp() * b, (a * b).sin().sum()), (x, y))
    assert engine.autograd.gradgradcheck(lambda a: a.tanh() * a, x, check_fwd_over_rev=True)


def test_gradcheck_needs_an_input_that_requires_a_gradient_and_warns_of_float32() -> None:
    with pytest.raises(ValueError, match="at least one input"):
        engine.autograd.gradcheck(lambda x: x, engine.ones(2))
    with pytest.warns(UserWarning, match="float64"):
        engine.autograd.gradcheck(lambda x: x, engine.ones(2, requires_grad=True), raise_exception=False)


def test_forward_and_reverse_jacobians_agree_on_random_programs() -> None:
    rng = np.random.default_rng(0)
    steps = [
        lambda a, b: a * b,
        lambda a, b: a.sin() + b,
        lambda a, b: (a @ b.T).tanh(),
        lambda a, b: a / (b * b + 1),
        lambda a, b: a.cumsum(0) - b.flip(1),
        lambda a, b: a.softmax(1) * b.relu(),
        lambda a, b: (a > 0).choose(a, b) ** 2,
    ]
    for _ in range(20):
        chosen = [steps[i] for i in rng.integers(0, len(steps), 4)]

        def f(a, b, chosen=chosen):
            for step in chosen:
                a, b = step(a, b), a
            return a

        a, b = (engine.tensor(rng.normal(size=(2, 2)), requires_grad=True) for _ in range(2))
        rows = engine.autograd.functional.jacobian(f, (a, b))
        columns = engine.autograd.functional.jacobian(f, (a, b), strategy="forward-mode")
        for one, other in zip(rows, columns, strict=True):
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-9, atol=1e-12)
