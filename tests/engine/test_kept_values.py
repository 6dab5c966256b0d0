"""What a rule does not read may be written to: the gradients that are wanted decide which values are kept."""

import pytest

import engine


def start(*shape: int) -> engine.Tensor:
    """Tensors with history, as in the middle of a network."""
    return (engine.rand(*shape, generator=engine.Generator().manual_seed(0)) + 1.0).requires_grad_() * 1.0


@pytest.mark.parametrize("op", [lambda x: x / 8, lambda x: x**2, lambda x: x * 3, lambda x: x.lerp(x * 0, 0.5)])
def test_an_output_may_be_written_to_where_only_the_input_is_read(op) -> None:
    x = start(3)
    y = op(x)
    y.masked_fill_(engine.tensor([True, False, False]), -1e9)
    y.sum().backward()


def test_an_input_divided_by_a_number_may_be_written_to() -> None:
    x = start(3)
    y = x / 2
    x.mul_(0)
    y.sum().backward()


def test_a_value_that_a_gradient_reads_may_not_be_written_to() -> None:
    x, power = start(3), start(3)
    y = x**power
    y.mul_(2)
    with pytest.raises(RuntimeError, match="inplace"):
        y.sum().backward()
