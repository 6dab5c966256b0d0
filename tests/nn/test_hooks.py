"""Hooks of modules: order, arguments, what they may change, as in PyTorch."""

from typing import Any

import numpy as np
import pytest

import engine
from engine.nn.hooks import register_module_watcher
from engine.nn.modules import module as module_room

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")


def told(lib: Any) -> list[str]:
    """What the hooks of a small model say, in their order."""
    heard: list[str] = []
    say = lambda text, answer=None: lambda *_: heard.append(text) or answer
    model = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Tanh())
    everywhere = lib.nn.modules.module
    handles = [
        everywhere.register_module_forward_pre_hook(say("any before")),
        everywhere.register_module_forward_hook(say("any after")),
        everywhere.register_module_full_backward_hook(say("any backward")),
        everywhere.register_module_full_backward_pre_hook(say("any backward before")),
    ]
    for name, part in model.named_modules():
        part.register_forward_pre_hook(say(f"{name} before 1"))
        part.register_forward_pre_hook(say(f"{name} before 2"), prepend=True)
        part.register_forward_hook(say(f"{name} after 1"))
        part.register_forward_hook(say(f"{name} after 2"), prepend=True)
        part.register_forward_hook(lambda m, args, kwargs, out, n=name: heard.append(f"{n} {kwargs}"), with_kwargs=True)
        part.register_full_backward_hook(say(f"{name} backward 1"))
        part.register_full_backward_hook(say(f"{name} backward 2"), prepend=True)
        part.register_full_backward_pre_hook(say(f"{name} backward before"))
    model(lib.ones(1, 2, requires_grad=True)).sum().backward()
    for handle in handles:
        handle.remove()
    return heard


def test_hooks_are_called_in_the_order_of_pytorch() -> None:
    heard = told(engine)
    assert heard == told(torch)
    assert len(heard) == 3 * (2 * 2 + 1 + 3 + 4)


def slopes(lib: Any, hooked: Any) -> list[Any]:
    """Gradients of a Bilinear layer whose hooks see, and change, several inputs at once."""
    first, second = lib.ones(1, 2, requires_grad=True), lib.ones(1, 3)
    layer = lib.nn.Bilinear(2, 3, 2)
    with lib.no_grad():
        for p in layer.parameters():
            p.fill_(0.5)
    hooked(layer)
    layer(first, second).sum().backward()
    return [first.grad.tolist(), layer.weight.grad.tolist()]


@pytest.mark.parametrize(
    "hooked",
    [
        lambda m: m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 3, gi[1])),
        lambda m: m.register_full_backward_pre_hook(lambda m, go: (go[0] * 2,)),
        lambda m: m.register_forward_hook(lambda m, args, out: out * 4),
        lambda m: m.register_forward_pre_hook(lambda m, args: (args[0] * 2, args[1])),
        lambda m: m.register_forward_pre_hook(lambda m, a, k: ((a[0] * 2, a[1]), k), with_kwargs=True),
    ],
)
def test_what_hooks_return_takes_the_place_of_what_they_saw(hooked: Any) -> None:
    assert slopes(engine, hooked) == slopes(torch, hooked)


def test_backward_hooks_see_the_gradients_of_all_inputs_and_outputs() -> None:
    class Two(engine.nn.Module):
        def forward(self, a: Any, b: Any, c: Any) -> Any:
            return a * b, a + b * 3

    seen: list[Any] = []
    module = Two()
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    a, b = engine.tensor([2.0], requires_grad=True), engine.tensor([[5.0]], requires_grad=True)
    x, y = module(a, b, engine.ones(1))
    (x.sum() + y.sum() * 10).backward()
    ((ga, gb, gc),), ((gx, gy),) = zip(*seen, strict=True)
    assert (ga.item(), gb.item(), gc, gx.item(), gy.item()) == (15.0, 32.0, None, 1.0, 10.0)
    assert (a.grad.item(), b.grad.item(), gb.shape) == (15.0, 32.0, (1, 1))


def test_hooks_that_are_always_called_hear_of_errors() -> None:
    class Broken(engine.nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    heard: list[Any] = []
    module = Broken()
    module.register_forward_hook(lambda m, args, out: heard.append(out), always_call=True)
    module.register_forward_hook(lambda m, args, out: heard.append("never"))
    with pytest.raises(ValueError, match="no"):
        module(1)
    assert heard == [None]


def test_a_state_may_be_changed_on_its_way_out_and_in() -> None:
    layer = engine.nn.Linear(2, 1)
    layer.register_state_dict_post_hook(lambda m, state, prefix, _: state.update({prefix + "note": 1}))
    layer.register_state_dict_pre_hook(lambda m, prefix, keep: m.bias.data.fill_(7.0))
    state = layer.state_dict(prefix="x.")
    assert list(state) == ["x.weight", "x.bias", "x.note"]
    assert state["x.bias"].item() == 7.0

    def rename(module: Any, state: Any, prefix: str, *_: Any) -> None:
        state[prefix + "weight"] = state.pop(prefix + "old")

    heard: list[Any] = []
    model = engine.nn.Sequential(engine.nn.Linear(2, 1, bias=False))
    model[0].register_load_state_dict_pre_hook(rename)
    model.register_load_state_dict_post_hook(lambda m, keys: heard.append((m[0].weight.tolist(), keys)))
    given = {"0.old": engine.ones(1, 2), "extra": engine.ones(1)}
    model.load_state_dict(given, strict=False)
    assert list(given) == ["0.old", "extra"]
    assert heard[0][0] == [[1, 1]]
    assert heard[0][1].unexpected_keys == ["extra"]


def test_hooks_cost_nothing_where_there_are_none() -> None:
    assert module_room.Module is engine.nn.Module
    layer = engine.nn.Linear(2, 1)
    with layer.register_forward_hook(lambda *_: None):
        assert layer._forward_hooks
    assert not layer._forward_hooks
    assert np.isfinite(layer(engine.ones(2)).item())


def test_a_watcher_sees_every_call_with_the_hooks_inside() -> None:
    heard: list[str] = []

    class Watcher:
        def called(self, module: Any) -> None:
            heard.append(f"{type(module).__name__} called")

        def returned(self, module: Any) -> None:
            heard.append(f"{type(module).__name__} returned")

    model = engine.nn.Sequential(engine.nn.Linear(2, 2), engine.nn.Tanh())
    model[1].register_forward_hook(lambda *_: heard.append("hook"))
    with register_module_watcher(Watcher()):
        model(engine.ones(1, 2))
    model(engine.ones(1, 2))
    inside = ["Linear called", "Linear returned", "Tanh called", "hook", "Tanh returned"]
    assert heard == ["Sequential called", *inside, "Sequential returned", "hook"]
