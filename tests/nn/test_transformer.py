"""Transformers and attention beside PyTorch's, over their options."""

from itertools import product
from typing import Any

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")

pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")
FLAGS = [
    dict(zip(("batch_first", "norm_first", "bias"), values, strict=True)) for values in product([False, True], repeat=3)
]


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def both(name: str, *args: Any, **settings: Any) -> tuple[Any, Any]:
    torch.manual_seed(1)
    theirs = getattr(torch.nn, name)(*args, **settings).double()
    ours = getattr(engine.nn, name)(*args, **settings).double()
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def agree(call: Any, ours: Any, theirs: Any) -> None:
    """The same values, and the same gradients of all parameters."""
    results = []
    for lib, module in ((engine, ours), (torch, theirs)):
        module.zero_grad()
        y = call(lib, module)
        (y * y).sum().backward()
        results.append([y.detach().numpy(), *(p.grad.numpy() for p in module.parameters())])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_transformer_is_that_of_pytorch(flags: dict[str, bool], activation: str) -> None:
    layers = {"num_encoder_layers": 2, "num_decoder_layers": 1, "dim_feedforward": 6, "dropout": 0.0}
    ours, theirs = both("Transformer", 4, 2, activation=activation, **layers, **flags)
    first, second = (values(2, 5, 4), values(2, 3, 4)) if flags["batch_first"] else (values(5, 2, 4), values(3, 2, 4))

    def call(lib: Any, model: Any) -> Any:
        causal = model.generate_square_subsequent_mask(3).to(lib.float64)
        hidden = lib.tensor([[False] * 5, [False, False, True, True, True]])
        return model(
            lib.tensor(first),
            lib.tensor(second),
            tgt_mask=causal,
            src_key_padding_mask=hidden,
            memory_key_padding_mask=hidden,
        )

    agree(call, ours, theirs)


@pytest.mark.parametrize("settings", [
    {}, {"bias": False}, {"add_bias_kv": True, "add_zero_attn": True}, {"batch_first": True}, {"kdim": 3, "vdim": 5},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("how", [
    {}, {"need_weights": False}, {"average_attn_weights": False}, {"attn_mask": "causal"}, {"key_padding_mask": "last"},
], ids=str)  # fmt: skip
def test_attention_is_that_of_pytorch(settings: dict[str, Any], how: dict[str, Any]) -> None:
    ours, theirs = both("MultiheadAttention", 4, 2, **settings)
    turn = (lambda a: a.swapaxes(0, 1)) if settings.get("batch_first") else (lambda a: a)
    arrays = [
        turn(values(3, 2, 4)),
        turn(values(3, 2, settings.get("kdim", 4))),
        turn(values(3, 2, settings.get("vdim", 4))),
    ]

    def call(lib: Any, module: Any) -> Any:
        masks = {"causal": lib.ones(3, 3).triu(1).bool(), "last": lib.tensor([[False, False, True]] * 2)}
        given = {k: masks.get(v, v) for k, v in how.items()}
        output, weights = module(*map(lib.tensor, arrays), **given)
        assert (weights is None) == (how.get("need_weights") is False)
        return output if weights is None else lib.cat([output.flatten(), weights.flatten()])

    agree(call, ours, theirs)


def test_first_values_have_the_spread_of_pytorch() -> None:
    engine.manual_seed(1)
    torch.manual_seed(1)
    # wide enough that the spread of any parameter of one draw is that of another within a few per cent
    ours, theirs = engine.nn.Transformer(256, 4, 1, 1, 512), torch.nn.Transformer(256, 4, 1, 1, 512)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        a, b = p.detach().numpy(), q.detach().numpy()
        assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.15, abs=1e-6), name
        assert a.std() == pytest.approx(b.std(), rel=0.15, abs=1e-6), name


def test_a_mask_hides_what_comes_after() -> None:
    layer = engine.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    mask = engine.nn.Transformer.generate_square_subsequent_mask(5)
    x = engine.randn(1, 5, 4)
    short = layer(x[:, :3], mask[:3, :3])
    assert np.allclose(layer(x, mask)[:, :3].detach().numpy(), short.detach().numpy(), atol=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="divides 5"):
        engine.nn.MultiheadAttention(5, 2)
    model = engine.nn.Transformer(4, 2, 1, 1, 8)
    with pytest.raises(RuntimeError, match="as many examples"):
        model(engine.ones(3, 2, 4), engine.ones(3, 1, 4))
    with pytest.raises(RuntimeError, match="4 features"):
        model(engine.ones(3, 2, 4), engine.ones(3, 2, 5))
