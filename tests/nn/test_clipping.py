"""Gradients made shorter."""

import numpy as np
import pytest

import engine
from engine.errors import ArgumentError
from engine.nn import Parameter
from engine.nn.clipping import clip_grad_norm_, clip_grad_value_
from engine.rng import Generator


def _parameters() -> list[Parameter]:
    draw = Generator(2)
    parameters = [Parameter(engine.zeros(*shape)) for shape in ((3, 4), (5,))]
    for parameter in parameters:
        parameter.grad = engine.tensor(draw.normal(tuple(parameter.shape)).astype(np.float32))
    return [*parameters, Parameter(engine.zeros(2))]


@pytest.mark.parametrize(("longest", "kind"), [(0.5, 2.0), (100.0, 2.0), (0.5, 1.0), (0.5, float("inf"))])
def test_gradients_are_clipped_together_as_in_pytorch(longest: float, kind: float) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    ours = _parameters()
    theirs = [torch.nn.Parameter(torch.zeros(*p.shape)) for p in ours]
    for p, t in zip(ours[:2], theirs[:2], strict=True):
        t.grad = torch.tensor(p.grad.numpy().copy())
    norm = clip_grad_norm_(ours, longest, kind)
    assert norm.item() == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, longest, kind).item(), rel=1e-5)
    for p, t in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(p.grad.numpy(), t.grad.numpy(), rtol=1e-5)


def test_numbers_of_a_gradient_are_held_between_bounds() -> None:
    parameters = _parameters()
    clip_grad_value_(parameters, 0.3)
    assert np.abs(parameters[0].grad.numpy()).max() == np.float32(0.3)
    assert parameters[2].grad is None


def test_gradients_that_share_one_number_are_clipped_too() -> None:
    weight = Parameter(engine.ones(4))
    weight.sum().backward()
    clip_grad_norm_(weight, 1.0)
    assert weight.grad.tolist() == pytest.approx([0.5] * 4, rel=1e-5)


def test_gradients_that_are_not_finite_are_told_on_request() -> None:
    weight = Parameter(engine.ones(1))
    weight.grad = engine.tensor([float("inf")])
    with pytest.raises(ArgumentError, match="learning rate"):
        clip_grad_norm_(weight, 1.0, error_if_nonfinite=True)


def test_clipping_is_found_where_pytorch_has_it() -> None:
    assert engine.nn.utils.clip_grad_norm_ is clip_grad_norm_
