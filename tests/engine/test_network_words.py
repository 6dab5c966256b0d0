"""Network operations called with a seed, with `inplace=`, and with PyTorch's older words."""

import numpy as np

import engine

F = engine.nn.functional


def test_dropout_under_one_seed_repeats_and_keeps_whole_channels() -> None:
    x = engine.ones(8, 6, 3, 2)
    drawn = []
    for _ in range(2):
        engine.manual_seed(5)
        drawn.append(
            [f(x, 0.5, True).numpy() for f in (F.dropout, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout)]
        )
    for a, b in zip(*drawn, strict=True):
        np.testing.assert_array_equal(a, b)
    for whole in (drawn[0][1], drawn[0][3]):
        assert (whole == whole[:, :, :1, :1]).all()
    assert set(np.unique(drawn[0][0])) == {0.0, 2.0}


def test_alpha_dropout_keeps_mean_and_spread() -> None:
    engine.manual_seed(0)
    x = F.selu(engine.randn(200, 500))
    y = F.alpha_dropout(x, 0.3, True)
    assert abs(float(y.mean()) - float(x.mean())) < 0.02
    assert abs(float(y.std()) - float(x.std())) < 0.02


def test_functions_write_into_their_input_when_asked() -> None:
    for name, more in (
        ("relu", ()),
        ("leaky_relu", (0.2,)),
        ("elu", ()),
        ("threshold", (0.1, 5.0)),
        ("dropout", (0.5, False)),
    ):
        x = engine.tensor([-1.0, 2.0])
        expected = getattr(F, name)(engine.tensor([-1.0, 2.0]), *more).numpy()
        assert getattr(F, name)(x, *more, inplace=True) is x
        np.testing.assert_array_equal(x.numpy(), expected)
    x = engine.tensor([-1.0, 2.0])
    assert F.relu_(x) is x
    assert x.tolist() == [0.0, 2.0]


def test_older_words_for_reductions_are_heard() -> None:
    x, y = engine.tensor([1.0, 2.0]), engine.tensor([0.0, 0.0])
    assert F.mse_loss(x, y, None, False).shape == (2,)
    assert F.mse_loss(x, y, size_average=False).item() == 5.0
    assert F.mse_loss(x, y, None, None, "sum").item() == 5.0
