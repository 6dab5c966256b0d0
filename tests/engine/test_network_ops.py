"""Network operations at their edges: odd sizes, strides over kernels, empty batches, masks of nothing."""

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import engine
from engine.errors import EngineError

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
F, T = engine.nn.functional, torch.nn.functional


def numbers(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape) * scale


def leaves(arrays: tuple[np.ndarray, ...]) -> tuple[list[Any], list[Any]]:
    ours = [engine.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in arrays]
    return ours, [torch.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in arrays]


def floats(values: Any, kind: type) -> list[Any]:
    values = values if isinstance(values, tuple) else (values,)
    return [v for v in values if isinstance(v, kind) and v.is_floating_point()]


def alike(name: str, *arrays: np.ndarray, second: bool = True, **options: Any) -> None:
    """F.name and PyTorch's agree in values, gradients, and gradients of gradients."""
    ours, theirs = leaves(arrays)
    mine = {k: engine.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    other = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about even filters and grids of one place
        ys, zs = getattr(F, name)(*ours, **mine), getattr(T, name)(*theirs, **other)
    ys, zs = (v if isinstance(v, tuple) else (v,) for v in (ys, zs))
    for y, z in zip(ys, zs, strict=True):
        assert tuple(y.shape) == tuple(z.shape)
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-11, err_msg=name)
    if not any(z.requires_grad for z in zs):
        return
    g = [numbers(*z.shape, seed=7) for z in floats(zs, torch.Tensor)]
    wanted = [t.requires_grad for t in theirs]
    ours, theirs = ([t for t, w in zip(ts, wanted, strict=True) if w] for ts in (ours, theirs))
    more = {"create_graph": second, "allow_unused": True}
    a = engine.autograd.grad(floats(ys, engine.Tensor), ours, [engine.from_numpy(np.asarray(v)) for v in g], **more)
    b = torch.autograd.grad(floats(zs, torch.Tensor), theirs, [torch.from_numpy(np.asarray(v)) for v in g], **more)
    equal(a, b, name)
    if second:
        deeper(a, b, ours, theirs, f"{name}, second derivative")


def deeper(a: Any, b: Any, ours: list[Any], theirs: list[Any], what: str) -> None:
    """The slopes of the summed squares of gradients; no dependence and zeros mean the same."""
    found = []
    for library, gradients, inputs in ((engine, a, ours), (torch, b, theirs)):
        squares = [(g * g).sum() for g in gradients if g is not None and g.requires_grad]
        total = sum(squares[1:], squares[0]) if squares else None
        nothing = [None] * len(inputs)
        found.append(library.autograd.grad(total, inputs, allow_unused=True) if squares else nothing)
    equal(*found, what)


def equal(a: Any, b: Any, what: str) -> None:
    for x, y in zip(a, b, strict=True):
        if x is None or y is None:
            left = x if y is None else y
            assert left is None or not left.detach().numpy().any(), what
        else:
            np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-8, atol=1e-10, err_msg=what)


def shape(n: int, *lead: int) -> tuple[int, ...]:
    return (*lead, *(7, 6, 5)[:n])


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"stride": 4},
        {"stride": 2, "padding": 2, "dilation": 2},
        {"padding": "same"},
        {"padding": "same", "dilation": 2},
        {"padding": "valid"},
    ],
    ids=str,
)
def test_convolutions_of_odd_sizes(n: int, options: dict[str, Any]) -> None:
    for groups, batch, kernel in itertools.product((1, 2), ((2,), (), (0,)), ((2, 3, 2), (3, 1, 1))):
        x = numbers(*shape(n, *batch, 4))
        weight, bias = numbers(6, 4 // groups, *kernel[:n], seed=1), numbers(6, seed=2)
        alike(f"conv{n}d", x, weight, bias, groups=groups, **options)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 3},
        {"stride": 3, "output_padding": 2, "padding": 1},
        {"dilation": 3, "output_padding": 2},
        {"stride": 2, "dilation": 2, "padding": 2, "output_padding": 1, "groups": 2},
    ],
    ids=str,
)
def test_transposed_convolutions_of_odd_sizes(n: int, options: dict[str, Any]) -> None:
    for batch in ((2,), (), (0,)):
        groups = options.get("groups", 1)
        alike(
            f"conv_transpose{n}d",
            *(numbers(*batch, 4, *(3, 4, 2)[:n]), numbers(4, 6 // groups, *(3, 2, 2)[:n], seed=1), numbers(6, seed=2)),
            **options,
        )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_pools_with_strides_over_kernels_and_ceiling(n: int) -> None:
    for stride, padding, ceil in itertools.product((1, 2, 5), (0, 1), (False, True)):
        words = {"kernel_size": 3, "stride": stride, "padding": padding, "ceil_mode": ceil}
        for batch in ((2, 3), (3,), (0, 3)):
            x = numbers(*shape(n, *batch))
            alike(f"max_pool{n}d", x, **words)
            alike(f"max_pool{n}d", x, **words, return_indices=True)
            alike(f"avg_pool{n}d", x, **words)
            alike(f"avg_pool{n}d", x, **words, count_include_pad=False)
        if n > 1:
            alike(f"avg_pool{n}d", numbers(*shape(n, 1, 2)), **words, divisor_override=5)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_adaptive_and_power_pools(n: int) -> None:
    for out in (1, 2, 5, 9):
        for batch in ((2, 3), (3,)):
            alike(f"adaptive_avg_pool{n}d", numbers(*shape(n, *batch)), output_size=out)
            alike(f"adaptive_max_pool{n}d", numbers(*shape(n, *batch)), output_size=out, return_indices=True)
    alike(f"lp_pool{n}d", np.abs(numbers(*shape(n, 2, 3))) + 0.1, norm_type=3, kernel_size=2, stride=3)
    if n > 1:
        alike(f"adaptive_avg_pool{n}d", numbers(*shape(n, 2, 3)), output_size=(None, *(2, 3)[: n - 1]))


def test_equal_numbers_in_a_window_give_their_slope_to_the_first_of_them() -> None:
    for n in (1, 2, 3):
        x = np.ones(shape(n, 1, 1))
        for words in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1, "dilation": 1}):
            alike(f"max_pool{n}d", x, **words)
            alike(f"max_pool{n}d", x, **words, return_indices=True)


@pytest.mark.parametrize("n", [2, 3])
def test_fractional_pools_stand_where_the_samples_say(n: int) -> None:
    for kernel, out in ((1, 3), (2, 3), (3, 1)):
        samples = np.random.default_rng(3).random((2, 3, n))
        words = {"kernel_size": kernel, "output_size": out, "_random_samples": samples, "return_indices": True}
        alike(f"fractional_max_pool{n}d", numbers(*shape(n, 2, 3)), **words)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling_undoes_pooling(n: int) -> None:
    x = numbers(*shape(n, 2, 3))
    indices = getattr(T, f"max_pool{n}d")(torch.from_numpy(x), 2, 2, return_indices=True)[1].numpy()
    alike(f"max_unpool{n}d", numbers(*indices.shape), indices, kernel_size=2, output_size=x.shape[2:])


MODES = [(1, "linear"), (2, "bilinear"), (3, "trilinear"), (2, "bicubic")]


@pytest.mark.parametrize(
    ("n", "mode"), [*MODES, *((n, m) for n in (1, 2, 3) for m in ("nearest", "nearest-exact", "area"))]
)
def test_interpolation_to_any_size(n: int, mode: str) -> None:
    corners = (False, True) if (n, mode) in MODES else (None,)
    for align in corners:
        for size in (1, 4, 13):
            alike("interpolate", numbers(*shape(n, 2, 3)), size=size, mode=mode, align_corners=align)
        for scale, again in itertools.product((0.6, 1.0, 2.3), (None, True)):
            words = {"scale_factor": scale, "mode": mode, "align_corners": align, "recompute_scale_factor": again}
            alike("interpolate", numbers(*shape(n, 2, 3)), **words)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("align", [False, True])
def test_shrinking_without_aliasing(mode: str, align: bool) -> None:
    for size in ((3, 2), (9, 4), (1, 11)):
        alike(
            "interpolate", numbers(1, 2, 7, 8), size=size, mode=mode, antialias=True, align_corners=align, second=False
        )


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
def test_grids_that_point_outside(mode: str, padding: str, align: bool) -> None:
    words = {"mode": mode, "padding_mode": padding, "align_corners": align}
    alike("grid_sample", numbers(2, 3, 4, 5), numbers(2, 3, 6, 2, seed=1, scale=1.5), **words, second=mode != "bicubic")
    if mode != "bicubic":
        alike("grid_sample", numbers(1, 2, 3, 4, 2), numbers(1, 2, 3, 2, 3, seed=1, scale=1.5), **words, second=False)
    alike("affine_grid", numbers(2, 2, 3), size=(2, 1, 3, 1), align_corners=align)
    alike("affine_grid", numbers(2, 3, 4), size=(2, 1, 3, 1, 2), align_corners=align)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_frames_of_every_kind_and_rank(mode: str) -> None:
    for n in (1, 2, 3):
        for widths in ((1, 2, 0, 3, 2, 1), (0, 0, 2, 0, 1, 1), (-1, 2, 1, -2, 0, 0)):
            if mode in ("constant", "replicate") or min(widths[: 2 * n]) >= 0:
                for lead in ((2, 3), (3,)):
                    alike("pad", numbers(*shape(n, *lead)), pad=widths[: 2 * n], mode=mode)
    alike("pad", numbers(2, 3), pad=(1, 1, 2, 0), value=4.0)


def test_patches_and_their_adjoint() -> None:
    for kernel, dilation, padding, stride in itertools.product((1, (2, 3)), (1, 2), (0, 1), (1, 3)):
        words = {"kernel_size": kernel, "dilation": dilation, "padding": padding, "stride": stride}
        for lead in ((2, 3), (3,), (0, 3)):
            alike("unfold", numbers(*lead, 6, 7), **words)
        columns = T.unfold(torch.zeros(2, 3, 6, 7), **words)
        alike("fold", numbers(*columns.shape), output_size=(6, 7), **words)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_classes_that_are_ignored_everywhere(reduction: str) -> None:
    for space, smoothing, weighted, ignored in itertools.product(
        ((), (3,), (2, 3)), (0.0, 0.2), (False, True), (1, -100)
    ):
        x = numbers(4, 5, *space)
        target = np.random.default_rng(1).integers(0, 5, (4, *space))
        target[0] = ignored
        weight = np.abs(numbers(5, seed=2)) if weighted else None
        words = {"ignore_index": ignored, "weight": weight, "reduction": reduction}
        alike("cross_entropy", x, target, label_smoothing=smoothing, **words)
        alike("nll_loss", x, target, **words)
    alike("cross_entropy", numbers(4, 5), np.full(4, -100), reduction=reduction)
    alike("cross_entropy", numbers(0, 5), np.zeros(0, np.int64), reduction=reduction)
    alike("cross_entropy", numbers(5), np.array(3), reduction=reduction, label_smoothing=0.1)
    alike("cross_entropy", numbers(4, 5, 2), np.abs(numbers(4, 5, 2, seed=3)), reduction=reduction, label_smoothing=0.3)


def attended(q: np.ndarray, k: np.ndarray, v: np.ndarray, **words: Any) -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        alike("scaled_dot_product_attention", q, k, v, **words)


def test_attention_with_masks_of_every_kind() -> None:
    q, k, v = numbers(2, 4, 3, 8), numbers(2, 4, 5, 8, seed=1), numbers(2, 4, 5, 6, seed=2)
    seen = np.random.default_rng(5).random((3, 5)) > 0.4
    seen[1] = False
    for words in ({}, {"is_causal": True}, {"attn_mask": seen}, {"attn_mask": numbers(2, 1, 3, 5)}, {"scale": 0.3}):
        attended(q, k, v, **words)
    attended(q, k[:, :2], v[:, :2], enable_gqa=True)


def test_a_query_that_may_see_nothing_gives_zeros_and_no_nan() -> None:
    q, k, v = (engine.from_numpy(numbers(2, 3, 4, seed=s)).requires_grad_() for s in range(3))
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=engine.zeros(3, 3, dtype=engine.bool))
    y.sum().backward()
    assert not y.detach().numpy().any()
    assert all(np.isfinite(t.grad.numpy()).all() for t in (q, k, v))


@pytest.mark.parametrize("training", [False, True])
def test_batch_norm_moves_its_running_figures(training: bool) -> None:
    for space in ((), (5,), (3, 4), (2, 3, 2)):
        found = []
        for library, functional in ((engine, F), (torch, T)):
            x = library.from_numpy(numbers(6, 3, *space)).requires_grad_()
            mean, var = library.from_numpy(numbers(3, seed=1)), library.from_numpy(np.abs(numbers(3, seed=2)))
            y = functional.batch_norm(x, mean, var, None, library.from_numpy(numbers(3, seed=3)), training, 0.3)
            (y * y * y).sum().backward()
            found.append([t.detach().numpy() for t in (y, x.grad, mean, var)])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


def test_norms_have_second_derivatives() -> None:
    w, b = numbers(6, seed=1), numbers(6, seed=2)
    x = numbers(4, 6, 3)
    alike("group_norm", x, num_groups=3, weight=w, bias=b)
    alike("layer_norm", x, normalized_shape=(6, 3), weight=numbers(6, 3, seed=4), bias=numbers(6, 3, seed=5))
    alike("rms_norm", x, normalized_shape=(3,), weight=numbers(3, seed=4))
    alike("instance_norm", x, weight=w, bias=b)
    alike("local_response_norm", x, size=4, alpha=0.5)
    alike("batch_norm", x, running_mean=None, running_var=None, weight=w, bias=b, training=True)


def test_bags_that_are_empty_or_padded() -> None:
    numbers_in, offsets = np.array([1, 2, 2, 0, 3, 1]), np.array([0, 2, 2, 5])
    table = numbers(5, 3)
    for mode, pad in itertools.product(("sum", "mean", "max"), (None, 1, -4)):
        words = {"offsets": offsets, "mode": mode, "padding_idx": pad, "second": False}
        alike("embedding_bag", numbers_in, table, **words)
        alike("embedding_bag", numbers_in.reshape(2, 3), table, mode=mode, padding_idx=pad, second=False)
    alike(
        "embedding_bag",
        numbers_in,
        table,
        offsets=np.array([0, 4, 6]),
        mode="sum",
        include_last_offset=True,
        second=False,
    )
    for words in (
        {},
        {"padding_idx": 2},
        {"scale_grad_by_freq": True},
        {"padding_idx": -3, "scale_grad_by_freq": True},
    ):
        alike("embedding", numbers_in.reshape(3, 2), table, **words)


def test_sequences_are_aligned_as_in_pytorch() -> None:
    x = torch.from_numpy(numbers(7, 3, 4)).log_softmax(2).numpy()
    targets, sizes = np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]]), (3, 2, 0)
    for reduction, zero in itertools.product(("mean", "sum", "none"), (False, True)):
        words = {"input_lengths": (7, 5, 6), "target_lengths": sizes, "reduction": reduction, "zero_infinity": zero}
        alike("ctc_loss", x, targets, **words, second=False)
        alike("ctc_loss", x, np.array([1, 2, 2, 3, 1]), **words, second=False)
    impossible = {"input_lengths": (3, 5, 6), "target_lengths": sizes, "zero_infinity": True}
    alike("ctc_loss", x, targets, **impossible, second=False)


REFUSED = {
    "too few channels": lambda F, t: F.conv2d(t.ones(1, 2, 4, 4), t.ones(3, 3, 2, 2)),
    "a filter larger than the picture": lambda F, t: F.conv2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 3, 3)),
    "a class out of range": lambda F, t: F.cross_entropy(t.ones(2, 3), t.tensor([0, 3])),
    "a row out of range": lambda F, t: F.embedding(t.tensor([5]), t.ones(3, 2)),
    "targets for another batch": lambda F, t: F.cross_entropy(t.ones(2, 3), t.tensor([0])),
    "a chance above one": lambda F, t: F.dropout(t.ones(2), 1.5),
    "one value per channel": lambda F, t: F.batch_norm(t.ones(1, 3), None, None, training=True),
    "a word that is none": lambda F, t: F.mse_loss(t.ones(2), t.ones(2), reduction="total"),
    "more padding than half a window": lambda F, t: F.max_pool2d(t.ones(1, 1, 4, 4), 2, padding=2),
    "a frame wider than its picture": lambda F, t: F.pad(t.ones(1, 1, 3), (3, 0), mode="reflect"),
    "a last axis of another size": lambda F, t: F.layer_norm(t.ones(2, 3), (4,)),
    "groups that do not divide": lambda F, t: F.group_norm(t.ones(2, 3, 4), 2),
    "chances outside of [0, 1]": lambda F, t: F.binary_cross_entropy(t.ones(2) * 2, t.ones(2)),
    "a size and a scale": lambda F, t: F.interpolate(t.ones(1, 1, 4), size=2, scale_factor=2),
    "an unknown mode": lambda F, t: F.interpolate(t.ones(1, 1, 4), size=2, mode="magic"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_have_pytorchs_class_and_our_facts(what: str) -> None:
    with pytest.raises((RuntimeError, ValueError, IndexError, NotImplementedError)) as theirs:
        REFUSED[what](T, torch)
    with pytest.raises(EngineError) as ours:
        REFUSED[what](F, engine)
    assert isinstance(ours.value, theirs.type)
    assert ours.value.expected
    assert str(ours.value.got)


@pytest.mark.parametrize("channels", [0, 4])
def test_multi_head_attention_masks_and_added_keys(channels: int) -> None:
    e, heads = 8, 2
    q, k = numbers(3, 2, e), numbers(5, 2, channels or e, seed=1)
    words: dict[str, Any] = {
        "embed_dim_to_check": e, "num_heads": heads, "in_proj_bias": numbers(3 * e, seed=3), "add_zero_attn": True,
        "bias_k": numbers(1, 1, e, seed=4), "bias_v": numbers(1, 1, e, seed=5), "dropout_p": 0.0, "out_proj_bias": None,
        "key_padding_mask": np.array([[0, 1, 0, 0, 1], [0, 0, 0, 0, 1]], bool), "attn_mask": numbers(3, 5, seed=6),
        "out_proj_weight": numbers(e, e, seed=7),
    }  # fmt: skip
    if channels:
        words |= {f"{n}_proj_weight": numbers(e, c, seed=8) for n, c in (("q", e), ("k", channels), ("v", channels))}
        words |= {"use_separate_proj_weight": True, "in_proj_weight": None}
    else:
        words |= {"in_proj_weight": numbers(3 * e, e, seed=8)}
    for average in (True, False):
        alike("multi_head_attention_forward", q, k, k.copy(), **words, average_attn_weights=average, second=False)
