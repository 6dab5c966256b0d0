"""Tensors print as PyTorch's do."""

import pytest

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")


@pytest.mark.parametrize(
    "data",
    [
        1.5,
        [1.0, 2.0],
        [[1.0, -2.5], [3.25, 4.0]],
        [1, -20],
        [True, False],
        [1e-6, 1.0],
        [1e9, 1.0],
        [float("nan"), 1.0],
    ],
)
def test_a_tensor_prints_as_in_pytorch(data: object) -> None:
    assert repr(engine.tensor(data)) == repr(torch.tensor(data))


def test_what_asks_for_gradients_says_so() -> None:
    assert repr(engine.tensor([1.0], requires_grad=True)) == repr(torch.tensor([1.0], requires_grad=True))
    assert repr(engine.tensor([1.0], requires_grad=True) * 2) == "tensor([2.], grad_fn=<MulBackward0>)"
    assert repr(engine.tensor([1.0], dtype=engine.float64)).replace("engine", "torch") == repr(
        torch.tensor([1.0], dtype=torch.float64)
    )
