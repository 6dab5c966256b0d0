"""The layers and losses as functions, under PyTorch's names: `import engine.nn.functional as F`.

Every one is an operation of the registry, or a composition of such; here stand only their names, by family, and what
PyTorch's functions can besides: `inplace=`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from engine.functions import TABLE
from engine.inplace import inplace as written

Approximation = Literal["none", "tanh"]
Call = Callable[..., Any]

FAMILIES = {
    "linear": "linear bilinear",
    "convolution": """
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc fold""",
    "pooling": """
        max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
        avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d adaptive_max_pool1d_with_indices
        adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices lp_pool1d lp_pool2d lp_pool3d
        max_unpool1d max_unpool2d max_unpool3d fractional_max_pool2d fractional_max_pool3d
        fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices""",
    "normalisation": """
        batch_norm instance_norm layer_norm group_norm rms_norm local_response_norm normalize""",
    "shape": """
        pad interpolate upsample upsample_nearest upsample_bilinear grid_sample affine_grid pixel_shuffle
        pixel_unshuffle channel_shuffle""",
    "embedding": "embedding_bag one_hot",
    "activation": """
        prelu glu gelu softplus softsign logsigmoid tanhshrink tanh sigmoid softmin softmax log_softmax hardshrink
        softshrink gumbel_softmax""",
    "attention": "scaled_dot_product_attention multi_head_attention_forward",
    "loss": """
        mse_loss half_mse_loss l1_loss smooth_l1_loss huber_loss cross_entropy linear_cross_entropy nll_loss
        binary_cross_entropy binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss
        hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss
        soft_margin_loss cosine_embedding_loss triplet_margin_loss triplet_margin_with_distance_loss ctc_loss""",
    "distance": "cosine_similarity pairwise_distance pdist",
}
"""What is called here as it stands in the registry."""

WITH_INPLACE = """
    relu leaky_relu rrelu elu celu selu silu mish hardtanh relu6 hardsigmoid hardswish threshold dropout dropout1d
    dropout2d dropout3d alpha_dropout feature_alpha_dropout"""
"""Those that can write into their input: the last parameter `inplace` is added here."""

TWINS = "relu leaky_relu rrelu elu celu selu hardtanh threshold"
"""Those that have a name for it: `relu_(x)` is `relu(x, inplace=True)`."""

OTHER_NAMES = {"unfold": "im2col", "embedding": "embedded"}
"""Names that mean something else among the methods of tensors."""


def _able_in_place(call: Call) -> Call:
    """The function with a last parameter `inplace`."""
    known = inspect.signature(call)
    given = list(known.parameters.values())
    places = [p for p in given if p.kind is p.POSITIONAL_OR_KEYWORD]
    flag = inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False)

    def f(*arguments: Any, inplace: bool = False, **named: Any) -> Any:
        if len(arguments) > len(places):
            *arguments, inplace = arguments  # type: ignore[assignment]
        if not inplace:
            return call(*arguments, **named)
        input, *rest = arguments or (named.pop("input"),)
        return written(input, lambda old: call(old, *rest, **named))

    return _described(f, call, known.replace(parameters=[*places, flag, *given[len(places) :]]))


def _in_place(call: Call) -> Call:
    """The function that always writes into its input."""

    def f(input: Any, *arguments: Any, **named: Any) -> Any:
        return written(input, lambda old: call(old, *arguments, **named))

    return _described(f, call, inspect.signature(call))


def _described(f: Call, call: Call, signature: inspect.Signature) -> Call:
    f.__name__ = f.__qualname__ = call.__name__
    f.__doc__ = call.__doc__
    setattr(f, "__signature__", signature)  # noqa: B010
    return f


def _functions() -> dict[str, Call]:
    plain = " ".join(FAMILIES.values()).split()
    found = {name: TABLE[name] for name in plain}
    found |= {name: TABLE[old] for name, old in OTHER_NAMES.items()}
    found |= {name: _able_in_place(TABLE[name]) for name in WITH_INPLACE.split()}
    return found | {f"{name}_": _in_place(TABLE[name]) for name in TWINS.split()}


__all__ = ["FAMILIES", "Approximation", *(found := _functions())]
globals().update(found)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
