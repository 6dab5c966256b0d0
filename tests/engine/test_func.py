"""`func`: functions that make functions, nested in every order, over trees, beside PyTorch's."""

from typing import Any

import numpy as np
import pytest
from twin import Programs, leaf, refusal

import engine

both = Programs()


@both
def derivatives_of_derivatives(t):
    f, x = t.func.grad, t.tensor(0.7)
    return [g(x) for g in (f(t.sin), f(f(t.sin)), f(f(f(t.sin))), f(f(f(f(lambda x: x.exp() * x.sin())))))]


@both
def argnums_aux_keywords_and_trees(t):
    def f(p, x, k=1.0):
        return (p["w"] * x).sum() * k + p["b"][0], (x * 2, "word" if t is None else x)

    p, x = {"w": t.tensor([1.0, 2.0]), "b": [t.tensor(3.0)]}, t.tensor([3.0, 4.0])
    return [
        t.func.grad(f, has_aux=True)(p, x, k=2.0),
        t.func.grad(f, argnums=(0, 1), has_aux=True)(p, x),
        t.func.grad(f, argnums=1, has_aux=True)(p, x)[0],
        t.func.grad_and_value(f, has_aux=True)(p, x),
        t.func.grad_and_value(lambda x: (x**2).sum())(x),
    ]


@both
def pulling_and_pushing(t):
    x, y = t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])

    def f(x, y):
        return {"a": x * y, "b": (x.sin(), y.sum())}

    out, pull = t.func.vjp(f, x, y)
    value, tangent = t.func.jvp(f, (x, y), (y, x))
    aux = t.func.vjp(lambda x: (x**2, x), x, has_aux=True)
    push = t.func.jvp(lambda x: (x**2, x), (x,), (y,), has_aux=True)
    lin, line = t.func.linearize(lambda x: x.exp() * x, x)
    return out, pull(out), value, tangent, aux[0], aux[1](y), aux[2], push, lin, line(y)


@both
def jacobians_of_trees(t):
    x, y = t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0, 5.0])

    def f(x, y):
        return {"s": x.sum() * y, "m": t.outer(x, y)}

    out = []
    for jac in (t.func.jacrev, t.func.jacfwd):
        out += [jac(f)(x, y), jac(f, argnums=(0, 1))(x, y), jac(lambda x: (x**2, x.sum()), has_aux=True)(x)]
    return out


@both
def hessians_and_mixtures(t):
    F, x = t.func, t.tensor([0.5, -1.5])

    def f(x):
        return (x**3).sum() * x[0] + x.prod().sin()

    return [
        F.hessian(f)(x),
        F.jacrev(F.jacrev(f))(x),
        F.jacfwd(F.jacfwd(f))(x),
        F.jacrev(F.jacfwd(f))(x),
        F.jacfwd(F.jacrev(F.jacfwd(f)))(x),
        F.grad(lambda x: F.jvp(F.grad(f), (x,), (x * 2,))[1].sum())(x),
        F.jvp(lambda x: F.vjp(F.grad(f), x)[1](x)[0], (x,), (x,)),
        F.jvp(lambda a: F.jvp(lambda b: a * b * b, (a,), (t.ones(2),))[1], (x,), (t.ones(2),)),
        F.hessian(lambda a, b: (a * b * a).sum(), argnums=(0, 1))(x, x),
    ]


@both
def levels_do_not_confuse_their_variables(t):
    one = t.tensor(1.0)
    g, j = t.func.grad, lambda f, x: t.func.jvp(f, (x,), (one,))[1]
    return [
        g(lambda x: x * g(lambda y: x + y)(one))(one),
        j(lambda x: x * j(lambda y: x + y, one), one),
        g(lambda x: x * j(lambda y: x * y, one))(one * 3),
        j(lambda x: x * g(lambda y: x * y * y)(x), one * 3),
        g(lambda x: g(lambda y: x * y.detach() * y)(x))(one * 3),
    ]


@both
def outer_history_passes_through(t):
    x, w = leaf(t, 2.0), leaf(t, 3.0)
    y = t.func.grad(lambda x: x**3 * w)(x)
    z = t.func.grad(lambda a: a**2 * w)(t.tensor(5.0))
    free = t.func.grad(lambda a: a**2)(t.tensor(5.0))
    with t.no_grad():
        quiet = t.func.grad(lambda x: x**3 * w)(x)
    return t.autograd.grad(y, [x, w]), t.autograd.grad(z, w), free.requires_grad, quiet, quiet.requires_grad


@both
def vmap_maps_axes_and_trees(t):
    a, b = t.arange(6.0).reshape(2, 3), t.arange(6.0).reshape(3, 2)
    v = t.func.vmap
    return [
        v(t.dot)(a, a),
        v(t.dot, in_dims=(0, 1))(a, b),
        v(lambda x, y: x * y, in_dims=(0, None))(a, t.tensor(2.0)),
        v(lambda x: (x * 2, x.sum()), out_dims=(1, 0))(a),
        v(lambda d: {"o": d["x"] + d["y"][0]}, in_dims=({"x": 0, "y": (1,)},))({"x": a, "y": (b,)}),
        v(v(lambda x, y: x * y))(a, a),
        v(t.func.grad(lambda w, x: (w * x).sum().sin()), in_dims=(None, 0))(t.ones(3), a),
        t.func.grad(lambda w: v(lambda x: (w * x).sum())(a).prod())(t.ones(3)),
        v(lambda x: x, in_dims=-1)(a),
        t.vmap(lambda x: x.sum())(a),
    ]


@both
def vmap_refusals_and_randomness(t):
    v, x = t.func.vmap, t.ones(3)
    same = v(lambda x: t.rand(2), randomness="same")(x)
    other = v(lambda x: t.rand(2), randomness="different")(x)
    return [
        refusal(lambda: v(lambda x: t.rand(2))(x), 60),
        refusal(lambda: v(lambda x: x)(t.tensor(1.0)), 10),
        refusal(lambda: v(lambda x, y: x)(t.ones(2), t.ones(3)), 60),
        refusal(lambda: v(lambda x: x, in_dims=None)(x), 10),
        refusal(lambda: v(lambda x: 3.0)(x), 4),
        bool((same[0] == same[1]).all()),
        bool((other[0] == other[1]).all()),
    ]


@both
def misuse_is_refused(t):
    g, x = t.func.grad, t.tensor([1.0, 2.0])
    return [
        refusal(lambda: g(lambda x: x)(x), 90),
        refusal(lambda: g(lambda x: (x, x))(x.sum()), 70),
        refusal(lambda: g(lambda x: 3)(x.sum()), 70),
        refusal(lambda: g(lambda x: x, argnums=2)(x.sum()), 12),
        refusal(lambda: t.func.jvp(t.sin, x, x), 3),
    ]


@both
def a_module_as_a_function(t):
    t.manual_seed(0)
    model = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 1), t.nn.BatchNorm1d(1)).eval()
    p = {n: t.full_like(v, 0.1) for n, v in model.named_parameters()}
    b = {n: v.clone() for n, v in model.named_buffers()}
    x, before = t.tensor([[1.0, 2.0], [3.0, 4.0]]), [v.sum() for v in model.parameters()]

    def loss(p, x):
        return t.func.functional_call(model, (p, b), (x,)).pow(2).sum()

    rows = t.func.vmap(t.func.grad(loss), in_dims=(None, 0))(p, x.unsqueeze(1))
    same = all(bool(a == v.sum()) for a, v in zip(before, model.parameters(), strict=True))
    bad = refusal(lambda: t.func.functional_call(model, {"none": x}, (x,), strict=True), 0)
    return t.func.grad(loss)(p, x), rows, same, bad


@both
def an_ensemble_is_stacked(t):
    models = [t.nn.Linear(2, 1) for _ in range(3)]
    for i, m in enumerate(models):
        for v in m.parameters():
            t.nn.init.constant_(v, i + 1.0)
    params, buffers = t.func.stack_module_state(models)

    def call(p, b, x):
        return t.func.functional_call(models[0], (p, b), (x,))

    return params, t.func.vmap(call, in_dims=(0, 0, None))(params, buffers, t.ones(2)), params["weight"].requires_grad


@both
def tied_weights_are_replaced_together(t):
    class Tied(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = t.nn.Parameter(t.ones(1))
            self.b = self.a

        def forward(self, x):
            return self.a * x + self.b

    model, x, new = Tied(), t.tensor([2.0]), {"a": t.tensor([5.0])}
    loose = t.func.functional_call(model, new, (x,), tie_weights=False)
    return t.func.functional_call(model, new, (x,)), loose, model(x)


test_a_program_says_the_same_on_both = both.test()


def test_six_levels_of_either_direction_agree() -> None:
    rng = np.random.default_rng(1)
    x = engine.tensor(0.4, dtype=engine.float64)

    def f(x: Any) -> Any:
        return x.sin() * x.exp()

    def forward(f: Any) -> Any:
        return lambda x: engine.func.jvp(f, (x,), (engine.ones_like(x),))[1]

    truth = [((1 + 1j) ** n * np.exp((1 + 1j) * 0.4)).imag for n in range(1, 7)]
    for _ in range(8):
        g = f
        for n in range(6):
            g = engine.func.grad(g) if rng.integers(2) else forward(g)
            assert g(x).item() == pytest.approx(truth[n], rel=1e-9)


def test_linearize_runs_the_function_once() -> None:
    calls = []
    _, push = engine.func.linearize(lambda x: calls.append(1) or x.sin(), engine.tensor([0.0, 1.0]))
    assert [push(engine.ones(2) * k).sum().item() for k in (1, 2)] == pytest.approx([1.5403, 3.0806], rel=1e-4)
    assert len(calls) == 1
