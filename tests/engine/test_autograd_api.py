"""The autograd API: each program runs on PyTorch and on the engine, and must say the same."""

import pytest
from twin import Programs, leaf, refusal

import engine
from engine.errors import GraphError

both = Programs()


# ------------------------------------------------------------------------------------------------ backward, grad
@both
def backward_takes_a_gradient_and_inputs(t):
    x, w = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    (x * w).backward(t.tensor([1.0, 10.0]), inputs=[w])
    return x.grad, w.grad


@both
def inputs_may_be_inner_tensors(t):
    x = leaf(t, 3.0)
    y = x * 2
    (y * y).backward(inputs=[y], retain_graph=True)
    return y.grad, x.grad


@both
def backward_of_several_outputs_with_weights(t):
    x = leaf(t, 3.0)
    t.autograd.backward([x * 2, x * x], [t.tensor(10.0), t.tensor(1.0)])
    return x.grad


@both
def a_graph_that_saved_nothing_may_be_walked_twice(t):
    x = leaf(t, 1.0)
    y = x + 1
    y.backward()
    y.backward()
    return x.grad


@both
def create_graph_gives_gradients_of_gradients(t):
    x = leaf(t, 2.0)
    out = []
    y = x**5
    for _ in range(4):
        (y,) = t.autograd.grad(y, x, create_graph=True)
        out.append(y)
    return out


@both
def batched_gradients_are_rows(t):
    x = leaf(t, 1.0, 2.0, 3.0)
    return t.autograd.grad(x**2, x, t.eye(3), is_grads_batched=True)


@both
def unused_inputs_are_none_or_zeros(t):
    x, w = leaf(t, 1.0), leaf(t, 2.0, 3.0)
    return (
        t.autograd.grad(x * 2, [x, w], allow_unused=True),
        t.autograd.grad(x * 2, [x, w], materialize_grads=True),
        refusal(lambda: t.autograd.grad(x * 2, w, allow_unused=False, materialize_grads=True)) != "no error",
    )


@both
def a_gradient_edge_stands_for_a_tensor(t):
    x = leaf(t, 3.0)
    y = x * 2
    edge = t.autograd.graph.get_gradient_edge(y)
    return t.autograd.grad(y * y, edge), edge.output_nr, t.autograd.grad(edge, x, t.tensor(1.0))


@both
def refusals_have_pytorchs_words_and_classes(t):
    x = leaf(t, 1.0, 2.0)
    y = x * x
    y.sum().backward()
    z = (x * x).exp()
    w = z * 2
    z.add_(1)
    return [
        refusal(lambda: y.backward(t.ones(2))),
        refusal(lambda: (x * 2).backward()),
        refusal(lambda: (x * 2).backward(t.ones(3))),
        refusal(lambda: t.ones(2).sum().backward()),
        refusal(lambda: t.autograd.grad(x.sum(), t.ones(2))),
        refusal(lambda: t.autograd.grad(x.sum(), leaf(t, 1.0))),
        refusal(lambda: w.sum().backward()),
        refusal(lambda: x.add_(1)),
        refusal(lambda: x[0].add_(1)),
        refusal(lambda: t.ones(2).retain_grad()),
        refusal(lambda: t.ones(2).register_hook(print)),
        refusal(lambda: (x * 2).register_post_accumulate_grad_hook(print)),
        refusal(lambda: t.ones(2, dtype=t.int64).requires_grad_())[:12],
        refusal(lambda: setattr(x * 2, "requires_grad", False)),
    ]


def test_a_write_that_spoils_a_gradient_is_named_with_shape_versions_and_both_operations() -> None:
    x = leaf(engine, 1.0, 2.0)
    y = x.exp()
    z = y * y
    y.add_(1)
    with pytest.raises(GraphError) as caught:
        z.sum().backward()
    for fact in ("float32 [2]", "ExpBackward0", "MulBackward0", "version 0", "version 1"):
        assert fact in str(caught.value)


@both
def a_second_derivative_sees_a_later_write(t):
    x = leaf(t, 2.0)
    z = x * 1
    (g,) = t.autograd.grad(z * z * z, z, create_graph=True)
    z.add_(1)
    return refusal(lambda: g.backward())[:30]


# -------------------------------------------------------------------------------------------------------- hooks
@both
def hooks_run_in_pytorchs_order(t):
    seen = []
    x = leaf(t, 1.0)
    y = x * 2
    y.register_hook(lambda g: seen.append(("tensor", g)) or g * 10)
    y.retain_grad()
    y.grad_fn.register_prehook(lambda gs: seen.append(("pre", gs[0])))
    y.grad_fn.register_hook(lambda gi, go: seen.append(("post", gi[0], go[0])))
    x.register_hook(lambda g: seen.append(("leaf", g)) or g + 1)
    x.register_post_accumulate_grad_hook(lambda p: seen.append(("stored", p.grad)))
    (y * 3).backward()
    return seen, y.grad, x.grad


@both
def node_hooks_replace_gradients(t):
    x = leaf(t, 1.0)
    y = x * 2
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 5,))
    handle = y.grad_fn.register_hook(lambda gi, go: (gi[0] + 100, None))
    y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    return x.grad


@both
def accumulate_grad_nodes_have_hooks_and_their_variable(t):
    seen = []
    x = leaf(t, 1.0)
    y = x * 2
    end, index = y.grad_fn.next_functions[0]
    end.register_prehook(lambda gs: (gs[0] * 7,))
    end.register_hook(lambda gi, go: seen.append((len(gi), go[0])))
    y.backward()
    return end.variable is x, index, type(end).__name__, end.name(), end is y.grad_fn.next_functions[0][0], x.grad, seen


@both
def a_leafs_hook_also_acts_on_what_grad_returns(t):
    x = leaf(t, 1.0)
    x.register_hook(lambda g: g * 3)
    return t.autograd.grad(x * 2, x), x.grad


@both
def the_same_hook_registered_twice_is_removed_once(t):
    x = leaf(t, 1.0)

    def double(g):
        return g * 2

    first = x.register_hook(double)
    x.register_hook(double)
    (x * 1).backward()
    first.remove()
    (x * 1).backward()
    return x.grad


@both
def a_hook_under_create_graph_is_part_of_the_graph(t):
    x = leaf(t, 3.0)
    x.register_hook(lambda g: g * x)
    (g,) = t.autograd.grad(x * x, x, create_graph=True)
    return g, t.autograd.grad(g, x)


@both
def multi_hooks_wait_for_all_or_any(t):
    seen = []
    x, y, z = leaf(t, 1.0), leaf(t, 2.0), leaf(t, 3.0)
    t.autograd.graph.register_multi_grad_hook([x, y, z], lambda gs: seen.append([g is None for g in gs]))
    t.autograd.graph.register_multi_grad_hook([x, y], lambda g: seen.append("any"), mode="any")
    (x * y).backward()
    (x * y * z).backward()
    return sorted(map(str, seen))


@both
def retain_grad_survives_a_write_in_place(t):
    x = leaf(t, 1.0)
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.backward()
    return y.grad, x.grad, y.retains_grad, x.retains_grad


@both
def gradients_accumulate_without_sharing(t):
    a, b = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    (a + b).sum().backward()
    kept = a.grad
    (a + b).sum().backward()
    a.grad.mul_(5)
    return a.grad, b.grad, kept is a.grad


@both
def diamonds_and_repeated_use(t):
    x = leaf(t, 1.5)
    y = x
    for _ in range(30):
        y = y.sin() + y * 0.5
    y.backward()
    return x.grad


# ------------------------------------------------------------------------------------------------------- modes
@both
def grad_mode_decorates_functions_methods_and_generators(t):
    x = leaf(t, 1.0)

    @t.no_grad()
    def steps():
        while True:
            got = yield (x * 2).requires_grad
            if got == "stop":
                return

    class Model:
        @t.no_grad
        def f(self, x):
            return (x * 2).requires_grad

        @t.enable_grad()
        def g(self, x):
            return (x * 2).requires_grad

        @t.set_grad_enabled(False)
        def h(self, x):
            return (x * 2).requires_grad

    stepping, model = steps(), Model()
    out = [next(stepping), (x * 2).requires_grad, stepping.send(None), (x * 2).requires_grad]
    with t.no_grad():
        out += [model.g(x), t.is_grad_enabled()]
    return [*out, model.f(x), model.h(x), t.is_grad_enabled()]


def test_one_block_may_be_entered_twice() -> None:
    block = engine.no_grad()
    with block, block:
        assert not engine.is_grad_enabled()
    assert engine.is_grad_enabled()


@both
def inference_mode_marks_its_results(t):
    x = leaf(t, 1.0)
    with t.inference_mode():
        y = x * 2
        with t.enable_grad():
            z = x * 3
        with t.inference_mode(False):
            w = x * 4
        inside = t.is_inference_mode_enabled()
    return y.requires_grad, y.is_inference(), z.requires_grad, w.requires_grad, inside, x.is_inference()


@both
def detach_shares_memory_and_cuts(t):
    x = leaf(t, 1.0, 2.0)
    y = x * 2
    z = y.detach()
    z[0] = 7
    w = x * 3
    w.detach_()
    return y, z.requires_grad, w.requires_grad, w.is_leaf, x.is_leaf, y.is_leaf, y._version


@both
def nodes_tell_what_they_saved(t):
    x, w = leaf(t, 2.0), leaf(t, 3.0)
    y = x * w
    z = y.exp()
    z.grad_fn.metadata["mine"] = 1
    names = [n if n is None else n.name() for n, _ in (y * t.tensor(1.0)).grad_fn.next_functions]
    return (
        (y.grad_fn._saved_self, y.grad_fn._saved_other, z.grad_fn._saved_result, z.grad_fn.metadata),
        (y.grad_fn.name(), [n.name() for n, _ in y.grad_fn.next_functions], names),
        refusal(lambda: (z.backward(), z.grad_fn._saved_result))[:30],
    )


@both
def saved_tensor_hooks_pack_and_unpack(t):
    seen = []
    x = leaf(t, 2.0)
    with t.autograd.graph.saved_tensors_hooks(lambda a: seen.append("pack") or (a * 10), lambda a: a / 10):
        y = x.exp() * x
    y.backward()
    with t.autograd.graph.save_on_cpu():
        z = (x * x).sin()
    z.backward()
    return x.grad, len(seen)


@both
def a_checkpoint_computes_again(t):
    from importlib import import_module

    checkpoint = import_module(f"{t.__name__}.utils.checkpoint").checkpoint
    calls = []
    x, w = leaf(t, 0.5), leaf(t, 2.0)

    def block(a, scale=1.0):
        calls.append(1)
        return (a * w).sin().exp() * scale

    y = checkpoint(block, x * 1, scale=3.0, use_reentrant=False)
    y = checkpoint(block, y, use_reentrant=False)
    before = len(calls)
    y.backward()
    return before, len(calls), x.grad, w.grad


@both
def dropout_in_a_checkpoint_is_drawn_again_alike(t):
    from importlib import import_module

    checkpoint = import_module(f"{t.__name__}.utils.checkpoint").checkpoint
    t.manual_seed(3)
    x = t.ones(50, requires_grad=True)
    y = checkpoint(lambda a: t.nn.functional.dropout(a.exp() * a, 0.5), x, use_reentrant=False)
    y.sum().backward()
    return ((y.detach() != 0) == (x.grad != 0)).all()


test_a_program_says_the_same_on_both = both.test()
