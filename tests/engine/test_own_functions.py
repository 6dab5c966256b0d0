"""A user's own operations: everything that `autograd.Function` promises, beside PyTorch."""

from typing import Any

import pytest
from twin import Programs, leaf, refusal

import engine
from engine.errors import GraphError

both = Programs()


def cube(t: Any) -> Any:
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, k=1):
            ctx.save_for_backward(x)
            ctx.k = k
            return x**3 * k

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x**2 * ctx.k, None

    return Cube


@both
def gradients_of_any_order_and_a_number_beside_the_tensor(t):
    x = leaf(t, 2.0)
    y = cube(t).apply(x, 2)
    out = [y]
    for _ in range(3):
        (y,) = t.autograd.grad(y, x, create_graph=True)
        out.append(y)
    return out


@both
def names_contexts_and_saved_tensors_are_seen_at_the_node(t):
    x = leaf(t, 2.0)
    y = cube(t).apply(x, 5)
    node = y.grad_fn
    seen = node.name(), node.k, node.saved_tensors, [n and n.name() for n, _ in node.next_functions]
    y.backward()
    return seen, refusal(lambda: y.backward())[:30], x.grad


@both
def setup_context_saves_apart_from_forward(t):
    class Mul(t.autograd.Function):
        @staticmethod
        def forward(a, b):
            return a * b

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs, output)

        @staticmethod
        def backward(ctx, g):
            a, b, y = ctx.saved_tensors
            return g * b + y * 0, g * a

    a, b = leaf(t, 2.0), leaf(t, 3.0)
    y = Mul.apply(a, b * 1)
    (g,) = t.autograd.grad(y, a, create_graph=True)
    return g, t.autograd.grad(g, b)


@both
def several_outputs_call_backward_once(t):
    calls = []

    class Both(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b, a * 2, "word"

        @staticmethod
        def backward(ctx, g, h, _):
            calls.append([g, h, _])
            return g + h * 2, g

    a, b = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    y, z, word = Both.apply(a, b)
    (y.sum() + (z * z).sum()).backward()
    y, z, _ = Both.apply(a, b)
    z.sum().backward()
    return word, a.grad, b.grad, len(calls), calls[1][0], y.grad_fn.name()


@both
def undefined_gradients_may_stay_none(t):
    seen = []

    class Own(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, g, h):
            seen.append((g is None, h is None))
            return h * 2

    x = leaf(t, 1.0)
    Own.apply(x)[1].backward()
    return seen, x.grad


@both
def whole_numbers_and_marked_outputs_have_no_gradient(t):
    class Own(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y, places = x * 2, (x * 0).long()
            still = x + 1
            ctx.mark_non_differentiable(places, still)
            return y, places, still

        @staticmethod
        def backward(ctx, g, _, __):
            return g * 2

    x = leaf(t, 1.0, 2.0)
    y, places, still = Own.apply(x)
    y.sum().backward()
    return y.requires_grad, places.requires_grad, still.requires_grad, x.grad


@both
def a_write_in_place_is_marked_dirty(t):
    class Add(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10

    x = leaf(t, 1.0, 2.0)
    h = x * 2
    y = Add.apply(h)
    same = y is h
    (y * y).sum().backward()
    return same, y, x.grad, refusal(lambda: Add.apply(leaf(t, 1.0)))[:40]


@both
def returning_an_input_gives_a_tensor_of_its_own(t):
    class Same(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(t, 1.0)
    y = Same.apply(x)
    y.backward()
    return y is x, y.grad_fn.name(), x.grad, x.is_leaf


@both
def returning_a_view_keeps_the_memory(t):
    class Flat(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view(-1)

        @staticmethod
        def backward(ctx, g):
            return g.view(2, 2) * 3

    x = t.ones(2, 2, requires_grad=True)
    y = Flat.apply(x)
    (y * y).sum().backward()
    return x.grad, y.data_ptr() == x.data_ptr()


@both
def needs_input_grad_says_which(t):
    seen = []

    class Own(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b, c):
            return a * b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            return g, None, None

    Own.apply(leaf(t, 1.0), t.tensor(2.0), 3).backward()
    return seen


@both
def once_differentiable_refuses_a_second_derivative(t):
    class Own(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @t.autograd.function.once_differentiable
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    x = leaf(t, 3.0)
    (g,) = t.autograd.grad(Own.apply(x), x, create_graph=True)
    Own.apply(x).backward()
    return g, x.grad, refusal(lambda: g.backward(), 70)


@both
def wrong_answers_of_backward_are_refused(t):
    def own(answer):
        class Own(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return answer(g)

        return refusal(lambda: Own.apply(leaf(t, 1.0, 2.0)).sum().backward(), 80)

    return own(lambda g: (g, g)), own(lambda g: g.sum().expand(5)), own(lambda g: (g, None)), own(lambda g: 3.0)[:9]


@both
def a_saved_tensor_that_was_written_to_is_refused(t):
    x = leaf(t, 1.0)
    h = x * 2
    y = cube(t).apply(h)
    h.add_(1)
    return refusal(lambda: y.backward())


@both
def jvp_of_ones_own(t):
    seen = []

    class Own(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.save_for_forward(x)
            ctx.save_for_backward(x)
            ctx.k = k
            return x**2 * k

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0] * ctx.k, None

        @staticmethod
        def jvp(ctx, x_t, _):
            (x,) = ctx.saved_tensors
            seen.append(_)
            return 2 * x * x_t * ctx.k

    fw = t.autograd.forward_ad
    with fw.dual_level():
        x = fw.make_dual(t.tensor(3.0), t.tensor(2.0))
        return fw.unpack_dual(Own.apply(x, 5) * x).tangent, seen


test_a_program_says_the_same_on_both = both.test()


def test_without_a_jvp_backward_is_transposed_also_through_several_outputs() -> None:
    class Own(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx, g, h):
            (x,) = ctx.saved_tensors
            return g * 2 * x + h * 3 * x**2

    _, tangents = engine.func.jvp(lambda x: Own.apply(x), (engine.tensor(2.0),), (engine.tensor(10.0),))
    assert [t.item() for t in tangents] == [40.0, 120.0]
    second = engine.func.hessian(lambda x: Own.apply(x)[1].sum())(engine.tensor([2.0]))
    assert second.tolist() == [[12.0]]


def test_saved_tensor_hooks_also_see_what_a_function_saves() -> None:
    seen = []
    x = leaf(engine, 2.0)
    with engine.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t.item()) or t, lambda t: t):
        y = cube(engine).apply(x)
    y.backward()
    assert (seen, x.grad.item()) == ([2.0], 12.0)


def test_a_function_without_backward_says_so() -> None:
    class Half(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x / 2

    with pytest.raises(NotImplementedError, match="backward"):
        Half.apply(leaf(engine, 1.0)).backward()
    assert issubclass(GraphError, RuntimeError)
