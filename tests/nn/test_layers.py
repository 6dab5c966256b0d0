"""Laws over the registry of layers, and PyTorch's own values and gradients."""

from typing import Any, get_args

import numpy as np
import pytest

import engine
from engine.array import Abstract
from engine.errors import ArgumentError, EngineError, ShapeError
from engine.nn.module import LAYERS, Family, Module, abstract_parameters, defaults, form_settings
from engine.rng import Generator
from engine.tensor import Tensor, wrap

IMAGE = (4, 6, 6)
PICTURES = """
    Conv2d ConvTranspose2d MaxPool2d AvgPool2d LPPool2d AdaptiveAvgPool2d AdaptiveMaxPool2d BatchNorm2d InstanceNorm2d
    GroupNorm LocalResponseNorm Dropout2d Flatten Softmax2d Upsample PixelShuffle PixelUnshuffle ChannelShuffle
    ConstantPad2d ZeroPad2d ReflectionPad2d ReplicationPad2d CircularPad2d
"""
SHAPES: dict[str, tuple[int, ...]] = dict.fromkeys(PICTURES.split(), IMAGE)
REQUIRED: dict[str, dict[str, Any]] = {"Unflatten": {"unflattened_size": [2, 4]}, "LocalResponseNorm": {"size": 2}}
BATCH = 5
NAMES = list(LAYERS)
OURS_ALONE = {"Add", "Concatenate"}
RANDOM = {"Dropout", "Dropout2d", "AlphaDropout", "RReLU"}

VARIANTS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Linear", {"out_features": 3, "bias": False}, (8,)),
    ("Linear", {"out_features": 3}, (3, 8)),
    ("Conv2d", {"out_channels": 6, "kernel_size": [3, 2], "stride": 2, "padding": [1, 0]}, IMAGE),
    ("Conv2d", {"out_channels": 8, "kernel_size": 3, "groups": 2, "dilation": 2, "bias": False}, IMAGE),
    ("Conv2d", {"out_channels": 2, "kernel_size": 3, "padding": "same"}, IMAGE),
    ("Conv2d", {"out_channels": 2, "kernel_size": 1, "padding": "valid"}, IMAGE),
    ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1}, IMAGE),
    ("MaxPool2d", {"kernel_size": 2, "stride": 1, "dilation": 2, "ceil_mode": True}, IMAGE),
    ("AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, IMAGE),
    ("AdaptiveAvgPool2d", {"output_size": [4, 3]}, IMAGE),
    ("AdaptiveAvgPool2d", {"output_size": 1}, IMAGE),
    ("BatchNorm1d", {"affine": False}, (8,)),
    ("BatchNorm1d", {"momentum": None}, (8,)),
    ("BatchNorm1d", {}, (8, 3)),
    ("BatchNorm2d", {"track_running_stats": False}, IMAGE),
    ("BatchNorm2d", {"bias": False}, IMAGE),
    ("LayerNorm", {"elementwise_affine": False}, IMAGE),
    ("LayerNorm", {"bias": False}, (8,)),
    ("GroupNorm", {"num_groups": 2}, IMAGE),
    ("PReLU", {"num_parameters": 4}, IMAGE),
    ("LeakyReLU", {"negative_slope": 0.3}, (8,)),
    ("ELU", {"alpha": 0.5}, (8,)),
    ("CELU", {"alpha": 0.5}, (8,)),
    ("GELU", {"approximate": "tanh"}, (8,)),
    ("Softplus", {"beta": 3.0}, (8,)),
    ("Hardtanh", {"min_val": -0.5, "max_val": 0.2}, (8,)),
    ("Softmax", {"dim": -1}, IMAGE),
    ("LogSoftmax", {"dim": 1}, IMAGE),
    ("Flatten", {"start_dim": 2}, IMAGE),
    ("Flatten", {"start_dim": 1, "end_dim": 2}, IMAGE),
    ("Unflatten", {"dim": 1, "unflattened_size": [-1, 4]}, (8,)),
    ("Conv2d", {"out_channels": 3, "kernel_size": 3, "padding": 2, "padding_mode": "reflect"}, IMAGE),
    ("Conv2d", {"out_channels": 3, "kernel_size": 4, "padding": "same", "padding_mode": "circular"}, IMAGE),
    ("ConvTranspose2d", {"out_channels": 3, "kernel_size": 3, "stride": 2, "output_padding": 1}, IMAGE),
    ("ConvTranspose2d", {"out_channels": 4, "kernel_size": [3, 2], "groups": 2, "dilation": 2, "padding": 1}, IMAGE),
    ("AvgPool2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True, "padding": 1}, IMAGE),
    ("LPPool2d", {"norm_type": 1.5, "kernel_size": 2, "stride": 1, "ceil_mode": True}, IMAGE),
    ("AdaptiveMaxPool2d", {"output_size": [4, None]}, IMAGE),
    ("InstanceNorm2d", {"affine": True, "track_running_stats": True}, IMAGE),
    ("RMSNorm", {"eps": 0.01}, (8,)),
    ("LocalResponseNorm", {"size": 3, "alpha": 0.1, "k": 2.0}, IMAGE),
    ("ConstantPad2d", {"padding": [1, -1, 2, 0], "value": 0.5}, IMAGE),
    ("ReflectionPad2d", {"padding": [1, 0, 2, 3]}, IMAGE),
    ("CircularPad2d", {"padding": [1, 0, 2, 3]}, IMAGE),
    ("Upsample", {"scale_factor": 1.5, "mode": "bilinear"}, IMAGE),
    ("Upsample", {"size": [4, 9], "mode": "bicubic", "align_corners": True}, IMAGE),
    ("GLU", {"dim": 1}, IMAGE),
    ("Softmin", {"dim": 1}, IMAGE),
]  # fmt: skip


def incoming(name: str) -> list[tuple[int, ...]]:
    """The shapes, without the batch axis, that a layer is tried on."""
    shape = SHAPES.get(name, (8,))
    return [shape, shape] if LAYERS[name].arity == "many" else [shape]


def built(name: str, **params: Any) -> Module:
    """A layer from its form's first values, as a drawing builds it."""
    cls = LAYERS[name]
    return cls(**{**cls.infer(*incoming(name)), **defaults(cls), **REQUIRED.get(name, {}), **params})


def _values(shape: tuple[int, ...], seed: int = 0) -> Any:
    return Generator(seed).normal(shape).astype(np.float32)


def _inputs(name: str) -> list[Tensor]:
    return [engine.tensor(_values((BATCH, *shape), i)) for i, shape in enumerate(incoming(name))]


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_is_built_from_its_form_and_computes(name: str) -> None:
    assert len(built(name)(*_inputs(name))) == BATCH


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_says_what_it_is(name: str) -> None:
    cls = LAYERS[name]
    assert cls.__name__ == name
    assert cls.family in get_args(Family)
    assert cls.__doc__
    assert len(cls.__doc__.splitlines()[0]) > 10
    assert repr(built(name)).startswith(name + "(")


@pytest.mark.parametrize("name", NAMES)
def test_shapes_alone_give_the_shape_of_the_values_and_take_no_memory(name: str) -> None:
    real = built(name)(*_inputs(name))
    with abstract_parameters():
        module = built(name)
        shape = module(*(wrap(Abstract((BATCH, *s))) for s in incoming(name)))
    assert isinstance(shape.array, Abstract)
    assert shape.shape == real.shape
    assert shape.dtype == real.dtype
    assert all(isinstance(t.array, Abstract) for t in [*module.parameters(), *module.buffers()])


@pytest.mark.parametrize("name", NAMES)
def test_a_state_goes_into_a_new_layer_and_makes_it_the_same(name: str) -> None:
    first, second = built(name), built(name)
    first(*_inputs(name))
    second.load_state_dict(first.state_dict())
    first.eval()
    second.eval()
    assert np.array_equal(first(*_inputs(name)).detach().numpy(), second(*_inputs(name)).detach().numpy())


@pytest.mark.parametrize("name", [n for n in NAMES if form_settings(LAYERS[n])])
def test_a_bad_setting_is_refused_by_its_name(name: str) -> None:
    for setting in form_settings(LAYERS[name]):
        with pytest.raises(ArgumentError) as caught:
            built(name, **{setting: object()})
        assert caught.value.field == setting
    with pytest.raises(ArgumentError) as caught:
        built(name, unheard_of=1)
    assert caught.value.field == "unheard_of"


@pytest.mark.parametrize("name", NAMES)
def test_a_forward_pass_changes_no_input(name: str) -> None:
    inputs = _inputs(name)
    before = [x.array.copy() for x in inputs]
    built(name)(*inputs)
    assert all(np.array_equal(x.array, b) for x, b in zip(inputs, before, strict=True))


def _oracle(module: Module, name: str, params: dict[str, Any]) -> Any:
    """PyTorch's layer with the same settings and the same values."""
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    fitting = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
    theirs = getattr(torch.nn, name)(**fitting)
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in module.state_dict().items()})
    return theirs


def _same_as_oracle(name: str, params: dict[str, Any], shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    params = {**LAYERS[name].infer(shape), **params}
    engine.manual_seed(0)
    ours = LAYERS[name](**params)
    theirs = _oracle(ours, name, params)
    for training in (True, False):
        ours.train(training and name not in RANDOM)
        theirs.train(training and name not in RANDOM)
        values = _values((BATCH, *shape))
        x, tx = engine.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
        y, ty = ours(x), theirs(tx)
        np.testing.assert_allclose(y.detach().numpy(), ty.detach().numpy(), rtol=1e-4, atol=1e-5)
        weights = _values(tuple(y.shape), 9)
        y.backward(engine.tensor(weights))
        ty.backward(torch.tensor(weights))
        np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-3, atol=1e-5)
        for (key, p), (tkey, tp) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert key == tkey
            np.testing.assert_allclose(p.grad.numpy(), tp.grad.numpy(), rtol=1e-3, atol=1e-4)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for key, value in ours.state_dict().items():
        np.testing.assert_allclose(value.numpy(), state[key].numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in OURS_ALONE])
def test_values_gradients_and_state_are_those_of_pytorch(name: str) -> None:
    settings = {n: s.suggested for n, s in form_settings(LAYERS[name]).items() if s.suggested is not None}
    _same_as_oracle(name, {**settings, **REQUIRED.get(name, {})}, incoming(name)[0])


@pytest.mark.parametrize(("name", "params", "shape"), VARIANTS)
def test_other_settings_agree_with_pytorch_too(name: str, params: dict[str, Any], shape: tuple[int, ...]) -> None:
    _same_as_oracle(name, params, shape)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in OURS_ALONE])
def test_settings_are_named_and_preset_as_in_pytorch(name: str) -> None:
    import inspect

    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    theirs = inspect.signature(getattr(torch.nn, name).__init__).parameters
    ours = inspect.signature(inspect.unwrap(LAYERS[name].__init__)).parameters
    for setting, parameter in ours.items():
        assert setting in theirs
        assert parameter.default == theirs[setting].default
    assert [n for n in theirs if n in ours] == list(ours)


@pytest.mark.parametrize(
    ("name", "shapes", "words"),
    [
        ("Linear", [IMAGE], "Flatten"),
        ("Conv2d", [(8,)], "channels, height, width"),
        ("MaxPool2d", [(8,)], "before Flatten"),
        ("BatchNorm1d", [IMAGE], "BatchNorm2d"),
        ("BatchNorm2d", [(8,)], "BatchNorm1d"),
        ("Dropout2d", [(8,)], "Use Dropout"),
        ("Add", [(8,), (7,)], r"\[8\].*\[7\]"),
        ("Concatenate", [(8,), IMAGE], "as many axes"),
        ("Linear", [(8,), (8,)], "one input"),
        ("Add", [(8,)], "two inputs"),
    ],
)
def test_an_input_that_does_not_fit_is_explained(name: str, shapes: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        LAYERS[name].infer(*shapes)


def test_a_billion_neurons_take_no_memory_to_check() -> None:
    with abstract_parameters():
        layer = engine.nn.Linear(10**9, 10**9)
    assert layer.weight.numel() == 10**18


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: engine.nn.Linear(4), "out_features"),
        (lambda: engine.nn.Linear(4, 0), "out_features"),
        (lambda: engine.nn.Linear(4, 2.5), "out_features"),
        (lambda: engine.nn.Linear(4, True), "out_features"),
        (lambda: engine.nn.Conv2d(3, 4, 0), "kernel_size"),
        (lambda: engine.nn.Conv2d(3, 4, 3, groups=2), "groups"),
        (lambda: engine.nn.Conv2d(3, 4, 3, padding="some"), "padding"),
        (lambda: engine.nn.MaxPool2d(2, padding=2), "padding"),
        (lambda: engine.nn.Dropout(1.5), "p"),
        (lambda: engine.nn.Dropout(float("nan")), "p"),
        (lambda: engine.nn.GroupNorm(3, 4), "num_groups"),
        (lambda: engine.nn.BatchNorm2d(4, eps=-1.0), "eps"),
    ],
)
def test_values_that_make_no_layer_are_refused(build: Any, field: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        build()
    assert caught.value.field == field


def test_sizes_that_do_not_multiply_are_refused() -> None:
    with pytest.raises(EngineError):
        engine.nn.Unflatten(1, [3, 3])(engine.zeros(2, 8))


def test_joining_along_the_batch_is_refused() -> None:
    with pytest.raises(ArgumentError) as caught:
        engine.nn.Concatenate(0)(engine.zeros(2, 3), engine.zeros(2, 3))
    assert caught.value.field == "dim"


def test_dropout_drops_its_share_while_training_only() -> None:
    layer, x = engine.nn.Dropout(0.25), engine.ones(100, 100)
    kept = layer(x).numpy()
    assert abs((kept == 0).mean() - 0.25) < 0.03
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1 / 0.75)}
    assert np.array_equal(layer.eval()(x).numpy(), x.numpy())


def test_dropout_draws_from_its_own_generator() -> None:
    layer, x = engine.nn.Dropout(0.5), engine.ones(50)
    layer.generator = Generator(4)
    first, second = layer(x).tolist(), layer(x).tolist()
    layer.generator = Generator(4)
    assert first != second
    assert layer(x).tolist() == first


def test_dropout2d_drops_whole_channels() -> None:
    y = engine.nn.Dropout2d(0.5)(engine.ones(20, 10, 3, 3)).numpy()
    assert set(np.unique(y.reshape(200, 9).sum(1))) == {0.0, 18.0}


def test_batch_norm_keeps_its_statistics_under_no_grad() -> None:
    layer = engine.nn.BatchNorm1d(3)
    with engine.no_grad():
        layer(engine.tensor(_values((10, 3)) + 5))
    assert layer.num_batches_tracked.item() == 1
    assert (layer.running_mean.numpy() > 0.1).all()


def test_a_batch_of_pictures_is_asked_for() -> None:
    with pytest.raises(ShapeError):
        engine.nn.BatchNorm2d(3)(engine.zeros(4, 3))
