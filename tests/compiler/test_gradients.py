"""Steps that handle gradients themselves: gradients of gradients, of tensors that the step makes, filled with zeros."""

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import optim
from tests.compiler.steps import gap, mlp, rows, twins


def zeros_in_place(model, optimizer):
    """`zero_grad(set_to_none=False)`: gradients stay where they lie."""

    def step(x, y):
        optimizer.zero_grad(set_to_none=False)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def two_backward_passes(model, optimizer):
    """Two losses, one after the other, into gradients that were filled with zeros."""

    def step(x, y):
        optimizer.zero_grad(set_to_none=False)
        out = model(x)
        first, second = F.cross_entropy(out, y), out.abs().mean()
        first.backward(retain_graph=True)
        second.backward()
        optimizer.step()
        return first + second

    return step


def gradient_penalty(model, optimizer):
    """The gradient by a mixture that the step draws shall have the length 1. I. Gulrajani et al., 2017."""

    def step(x, y):
        optimizer.zero_grad()
        mixed = (engine.rand(len(x), 1) * x).requires_grad_(True)
        (slope,) = engine.autograd.grad(model(mixed).sum(), mixed, create_graph=True)
        loss = F.cross_entropy(model(x), y) + ((slope.norm(2, dim=1) - 1) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def adversarial(model, optimizer):
    """The loss where it grows fastest; what the first pass leaves behind is never used. I. Goodfellow et al., 2015."""

    def step(x, y):
        moved = x.clone().detach().requires_grad_(True)
        F.cross_entropy(model(moved), y).backward()
        moved = (x + 0.1 * moved.grad.sign()).detach()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(moved), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def latent_that_is_drawn(model, optimizer):
    """A place to start from, which is moved towards what is wanted before the model learns. A. Bora et al., 2017."""

    def step(x, y):
        place = engine.randn(5, 6, requires_grad=True)
        F.cross_entropy(model(place), y).backward()
        moved = (place - 0.5 * place.grad).detach()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(moved), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def second_derivatives(model, optimizer):
    """A network that is to solve a differential equation. M. Raissi et al., 2019."""

    def step(x, y):
        optimizer.zero_grad()
        place = x.clone().requires_grad_(True)
        u = model(place)
        (first,) = engine.autograd.grad(u, place, engine.ones_like(u), create_graph=True)
        (second,) = engine.autograd.grad(first, place, engine.ones_like(first), create_graph=True)
        loss = 0.1 * (second.sum(1) + u.sum(1)).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def follows_the_last_gradient(model, optimizer):
    """What the step before left behind is read before it is forgotten."""
    weight = model[0].weight

    def step(x, y):
        last = weight.grad
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if last is not None:
            loss = loss + 0.3 * (last * weight).sum()
        loss.backward()
        optimizer.step()
        return loss

    return step


def by_hand_with_the_last_gradient(model, optimizer):
    """No optimiser: the mean of this gradient and the last."""

    def step(x, y):
        last = [p.grad for p in model.parameters()]
        for p in model.parameters():
            p.grad = None
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        with engine.no_grad():
            for p, before in zip(model.parameters(), last, strict=True):
                p -= 0.1 * (p.grad if before is None else (p.grad + before) / 2)
        return loss

    return step


STEPS = (
    follows_the_last_gradient,
    by_hand_with_the_last_gradient,
    zeros_in_place,
    two_backward_passes,
    gradient_penalty,
    adversarial,
    latent_that_is_drawn,
    second_derivatives,
)


@pytest.mark.parametrize("way", ["single", "native", "many"])
@pytest.mark.parametrize("make", STEPS)
def test_steps_that_handle_gradients_themselves_are_compiled(make, way):
    a, b = twins(mlp)
    plain = make(a, optim.SGD(a.parameters(), 0.1, momentum=0.9))
    compiled = engine.compile(make(b, optim.SGD(b.parameters(), 0.1, momentum=0.9)))
    batches = [rows() for _ in range(10)]
    engine.manual_seed(4)
    wanted = [plain(*batch).item() for batch in batches]
    engine.manual_seed(4)
    found = []
    for batch in batches[:5] if way == "many" else batches:
        found.append(compiled(*batch).item())
        if way != "single":
            compiled.wait()
    found += compiled.run(batches[len(found) :]).tolist()
    assert compiled.tier == "native" if way != "single" else compiled.tier != "eager", compiled.why()
    assert found == pytest.approx(wanted, rel=1e-4)
    assert gap(a, b) < 1e-5


@pytest.mark.parametrize("other", [lambda w, x: w.data * 0.9, lambda w, x: x.mT[:, :3] * 0.5])
def test_a_parameter_that_is_given_other_memory_has_it_after_each_step(other):
    """A replay would not give it any: such a step stays eager. Memory that is written to in place is the same one."""
    found = []
    for compiled in (False, True):
        engine.manual_seed(1)
        w = engine.randn(6, 3, requires_grad=True)

        def step(x, y, w=w):
            w.data = other(w, x)
            w.data *= 0.5
            w.grad = None
            loss = F.cross_entropy(x @ w, y)
            loss.backward()
            return loss

        step = engine.compile(step) if compiled else step
        found.append([(step(*rows()).item(), w.grad.sum().item(), w.sum().item()) for _ in range(6)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_gradients_of_an_argument_stay_where_somebody_sees_them():
    """An argument's gradient is added to at each step, as it would be without a program."""
    model = mlp()

    def step(x):
        loss = model(x).square().sum()
        loss.backward()
        return loss

    compiled = engine.compile(step)
    x = engine.randn(2, 6).requires_grad_(True)
    for _ in range(4):
        compiled(x)
    once = engine.autograd.grad(model(x).square().sum(), x)[0]
    np.testing.assert_allclose(x.grad.numpy(), 4 * once.numpy(), rtol=1e-5)
