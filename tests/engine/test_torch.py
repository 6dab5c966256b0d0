"""PyTorch is the oracle: values, dtypes, gradients, promotion, in-place rules and worked examples, side by side."""

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import CASES, arrays, run, tensors

import engine
from engine.errors import EngineError
from engine.ops import Case, Op
from engine.tensor import wrap

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
F = torch.nn.functional


def window(case: dict[str, Any]) -> dict[str, Any]:
    names = {"kernel": "kernel_size", "ceil": "ceil_mode", "pad": "count_include_pad"}
    return {names.get(k, k): v for k, v in case.items()}


def average(x: Any, **attrs: Any) -> Any:
    pool = getattr(F, f"avg_pool{len(attrs['kernel'])}d")
    return pool(x, **{k: v for k, v in window(attrs).items() if k != "dilation"})


def over(name: str) -> Callable[..., Any]:
    return lambda x, dim, keepdim=False: getattr(torch, name)(
        x, dim=tuple(range(x.ndim)) if dim is None else dim, keepdim=keepdim
    )


def padded(x: Any, widths: Any, value: float = 0.0) -> Any:
    return F.pad(x, [n for pair in reversed(widths) for n in pair], value=value)


def put(x: Any, v: Any, key: Any, accumulate: bool = False) -> Any:
    places = torch.arange(x.shape[0])[key[0] if isinstance(key[0], slice) else torch.from_numpy(key[0])]
    return torch.index_put(x, (places,), v, accumulate)


ORACLE: dict[str, Callable[..., Any]] = {
    "clone": torch.clone,
    "as_strided": lambda x, layout, own, total: x.as_strided(*layout),
    "where": torch.where,
    "clamp": torch.clamp,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
    "hardtanh": F.hardtanh,
    "amax": over("amax"),
    "amin": over("amin"),
    "sum": over("sum"),
    "mean": over("mean"),
    "logsumexp": over("logsumexp"),
    "reshape": lambda x, shape: x.reshape(shape),
    "expand": lambda x, shape: x.expand(shape),
    "permute": torch.permute,
    "cat_with": lambda *xs, dim: torch.cat(xs, dim),
    "pad_constant": padded,
    "index": lambda x, key: x[key],
    "take": lambda x, key: x[tuple(torch.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)],
    "gather": lambda x, index, dim: torch.gather(x, dim, index),
    "linear": F.linear,
    "einsum_op": lambda *xs, equation: torch.einsum(equation, *xs),
    "convolution": lambda x, w, b=None, **attrs: getattr(F, f"conv{x.ndim - 2}d")(x, w, b, **attrs),
    "max_pool": lambda x, **attrs: getattr(F, f"max_pool{len(attrs['kernel'])}d")(x, **window(attrs)),
    "avg_pool": average,
    "filled": lambda x, value: x * 0 + value,
    "index_put": put,
    "squared_distance": F.mse_loss,
    "cross_entropy_op": F.cross_entropy,
    "bce_with_logits": lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
}
OUR_OWN = {"floor_divide", "polygamma", "restride", "copy_from"}
"""Called in another way by PyTorch, or without a gradient there: `test_op_db.py` compares them."""
COMPARED = [
    p
    for p in CASES
    if p.values[0].name not in OUR_OWN and (p.values[0].name in ORACLE or hasattr(torch, p.values[0].name))
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("op", "case"), COMPARED)
def test_values_and_gradients_equal_pytorchs(op: type[Op], case: Case, dtype: str) -> None:
    ours = tensors(case, dtype)
    theirs = [torch.from_numpy(a).requires_grad_(a.dtype.kind == "f") for a in arrays(case, dtype)]
    y, z = run(op, case, ours), ORACLE.get(op.name, getattr(torch, op.name, None))(*theirs, **case.attrs)
    tolerance = {"rtol": 2e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-12}
    if op.name == "digamma":  # PyTorch's trigamma is right to nine digits
        tolerance["rtol"] = max(tolerance["rtol"], 1e-8)
    assert str(z.dtype).removeprefix("torch.") == y.dtype.name
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **tolerance)
    assert y.requires_grad == z.requires_grad
    if z.requires_grad:
        g = np.asarray(np.random.default_rng(3).normal(size=z.shape), dtype)
        y.backward(wrap(g))
        z.backward(torch.from_numpy(g))
        for a, b in zip(ours, theirs, strict=True):
            if b.grad is not None:
                np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **tolerance)


NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
OPERANDS: list[Any] = [*((name, shape) for name in NAMES for shape in ((2,), ())), True, 3, 2.5]


@pytest.mark.parametrize("operation", ["mul", "div", "lt"])
def test_promotion_follows_pytorchs_table(operation: str) -> None:
    for a, b in itertools.product(OPERANDS, OPERANDS):
        if isinstance(a, tuple) or isinstance(b, tuple):
            ours, theirs = (getattr(m, operation)(*(made(m, x) for x in (a, b))) for m in (engine_, torch_))
            assert ours.dtype.name == str(theirs.dtype).removeprefix("torch."), f"{operation} of {a} and {b}"


class engine_:  # noqa: N801
    mul, div, lt = (staticmethod(f) for f in (lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a < b))
    ones = staticmethod(lambda shape, name: engine.ones(shape, dtype=name))


class torch_(engine_):  # noqa: N801
    ones = staticmethod(lambda shape, name: torch.ones(shape, dtype=getattr(torch, name)))


def made(library: Any, operand: Any) -> Any:
    return library.ones(operand[1], operand[0]) if isinstance(operand, tuple) else operand


KINKS = {
    "relu at 0": lambda t, x: t.relu(x * 0),
    "abs at 0": lambda t, x: t.abs(x * 0),
    "sign": lambda t, x: t.sign(x),
    "clamp at its bounds": lambda t, x: t.clamp(x, min=-1, max=2),
    "amax with ties": lambda t, x: t.amax(x * 0 + 1),
    "max() with ties": lambda t, x: (x * 0 + 1).max(),
    "max(dim) with ties": lambda t, x: (x * 0 + 1).reshape(2, 2).max(1)[0].sum(),
    "maximum with ties": lambda t, x: t.maximum(x, x),
    "0 ** 0": lambda t, x: (x * 0) ** 0.0,
    "a negative base": lambda t, x: x**3,
    "a negative base, tensor exponent": lambda t, x: x ** t.tensor([2.0, 3.0, 2.0, 3.0]),
    "exponent": lambda t, x: 2.0**x,
    "prod with a zero": lambda t, x: t.prod(x * t.tensor([1.0, 0.0, 1.0, 1.0])),
    "prod with two zeros": lambda t, x: t.prod(x * t.tensor([1.0, 0.0, 0.0, 1.0])),
    "norm at 0": lambda t, x: t.norm(x * 0),
    "std": lambda t, x: x.std(),
    "var of columns": lambda t, x: x.reshape(2, 2).var(0, correction=0).sum(),
    "norm 1": lambda t, x: t.norm(x, 1),
    "norm 3": lambda t, x: t.norm(x, 3),
    "norm inf": lambda t, x: t.norm(x, math.inf),
    "logsumexp with -inf": lambda t, x: t.logsumexp(t.where(x > 0, x, -math.inf), 0),
    "masked softmax": lambda t, x: x.masked_fill(x < 0, -math.inf).softmax(0).sum() + (x * x).sum(),
    "cumsum": lambda t, x: t.cumsum(x, 0),
    "sort": lambda t, x: x.sort(descending=True)[0] * t.arange(4),
    "topk": lambda t, x: x.topk(2)[0],
    "minimum": lambda t, x: t.minimum(x, -x),
    "fancy get": lambda t, x: x[[0, 0, 3]],
    "boolean get": lambda t, x: x[x > 0],
    "roll and flip": lambda t, x: t.roll(x, 1).flip(0) * t.arange(4),
    "repeat": lambda t, x: x.repeat(2, 3),
    "stack": lambda t, x: t.stack([x, x * 2], 1),
    "split": lambda t, x: x.split(3)[0] * 3 + x.chunk(2)[1].sum(),
    "expand": lambda t, x: x.expand(3, 4) * t.arange(4),
    "tril": lambda t, x: t.tril(x.reshape(2, 2)),
    "einsum": lambda t, x: t.einsum("i,j->ij", x, x),
    "scatter": lambda t, x: t.zeros(3, 4).scatter_add(0, t.tensor([[0, 1, 2, 0]]), x.reshape(1, 4)) * 2,
    "narrow": lambda t, x: x.narrow(0, 1, 2) * x.unsqueeze(0).squeeze(0)[1:3],
    "atan2": lambda t, x: t.atan2(x, x + 3),
    "remainder": lambda t, x: x % 0.7,
    "lerp": lambda t, x: t.lerp(x, x * 2, 0.3),
}


@pytest.mark.parametrize("name", KINKS)
def test_at_kinks_and_corners_the_gradient_is_pytorchs(name: str) -> None:
    start = [-1.0, 2.0, 0.5, -0.25]
    found = []
    for library in (engine, torch):
        x = library.tensor(start, requires_grad=True)
        y = KINKS[name](library, x)
        y.sum().backward()
        found.append((y.tolist(), x.grad.tolist()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5, atol=1e-6)


LOSSES = {
    "cross_entropy": lambda F, t, x: F.cross_entropy(x, t.tensor([0, 2])),
    "cross_entropy ignored": lambda F, t, x: F.cross_entropy(x, t.tensor([0, -100]), reduction="sum"),
    "cross_entropy weighted": lambda F, t, x: F.cross_entropy(x, t.tensor([0, 2]), t.tensor([1.0, 2.0, 3.0])),
    "cross_entropy smoothed": lambda F, t, x: F.cross_entropy(x, t.tensor([0, 2]), label_smoothing=0.2),
    "cross_entropy smoothed and weighted": lambda F, t, x: F.cross_entropy(
        x, t.tensor([0, 2]), t.tensor([1.0, 2.0, 3.0]), label_smoothing=0.2
    ),
    "cross_entropy of chances": lambda F, t, x: F.cross_entropy(x, t.tensor([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])),
    "cross_entropy of images": lambda F, t, x: F.cross_entropy(x.reshape(1, 2, 3), t.tensor([[0, 1, 1]])),
    "nll": lambda F, t, x: F.nll_loss(F.log_softmax(x, 1), t.tensor([1, 1]), reduction="none"),
    "mse sum": lambda F, t, x: F.mse_loss(x, t.ones(2, 3), reduction="sum"),
    "l1": lambda F, t, x: F.l1_loss(x, t.ones(2, 3)),
    "smooth l1": lambda F, t, x: F.smooth_l1_loss(x, t.ones(2, 3), beta=0.5),
    "huber": lambda F, t, x: F.huber_loss(x, t.ones(2, 3), delta=0.5),
    "bce with logits": lambda F, t, x: F.binary_cross_entropy_with_logits(x, t.ones(2, 3) * 0.25),
    "bce with weights": lambda F, t, x: F.binary_cross_entropy_with_logits(
        x, t.ones(2, 3) * 0.25, pos_weight=t.tensor([1.0, 2.0, 3.0])
    ),
    "bce": lambda F, t, x: F.binary_cross_entropy(t.sigmoid(x), t.ones(2, 3) * 0.25),
    "layer_norm": lambda F, t, x: F.layer_norm(x, (3,), t.tensor([1.0, 2.0, 3.0]), t.ones(3)) * x,
    "batch_norm": lambda F, t, x: F.batch_norm(x, t.zeros(3), t.ones(3), t.tensor([1.0, 2.0, 3.0]), training=True) * x,
    "batch_norm in use": lambda F, t, x: F.batch_norm(x, t.ones(3), t.ones(3) * 2) * x,
    "mish": lambda F, t, x: F.mish(x),
    "selu": lambda F, t, x: F.selu(x),
    "softsign": lambda F, t, x: F.softsign(x),
    "hardswish": lambda F, t, x: F.hardswish(x),
    "logsigmoid": lambda F, t, x: F.logsigmoid(x),
    "glu": lambda F, t, x: F.glu(x.reshape(3, 2)),
    "adaptive pool": lambda F, t, x: F.adaptive_avg_pool2d(t.arange(30.0).reshape(1, 1, 5, 6) * x[0, 0], (2, 4)),
    "max_pool2d in a row": lambda F, t, x: F.max_pool2d(x.reshape(1, 1, 1, 6), (1, 2)),
    "conv1d": lambda F, t, x: F.conv1d(x.reshape(1, 1, 6), t.ones(2, 1, 3) * x[0, 1], padding=1),
    "conv_transpose2d": lambda F, t, x: F.conv_transpose2d(
        x.reshape(1, 1, 2, 3), t.ones(1, 2, 3, 3), stride=2, padding=1, output_padding=1
    ),
    "pad": lambda F, t, x: F.pad(x, (1, 2)) * 2,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_layers_as_functions_equal_pytorchs(name: str) -> None:
    found = []
    for library, functional in ((engine, engine.nn.functional), (torch, F)):
        x = library.tensor([[-1.0, 2.0, 0.5], [0.3, -0.25, 1.5]], requires_grad=True)
        y = LOSSES[name](functional, library, x)
        y.sum().backward()
        found.append((y.tolist(), x.grad.tolist()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=2e-5, atol=1e-6)


STEPS: list[Callable[[Any, Any, Any], Any]] = [
    lambda t, x, y: y.mul_(2),
    lambda t, x, y: y[1:].add_(1),
    lambda t, x, y: y.reshape(2, 2)[0].mul_(3),
    lambda t, x, y: y.__setitem__(0, x[1] * 2),
    lambda t, x, y: y.__setitem__(t.tensor([0, 2]), t.tensor([5.0, 6.0])),
    lambda t, x, y: y.__setitem__(y > 1, 0.5),
    lambda t, x, y: y.reshape(2, 2).t()[1].copy_(x[:2]),
    lambda t, x, y: y.sigmoid_(),
    lambda t, x, y: y.sub_(x),
    lambda t, x, y: y[:2].exp_(),
    lambda t, x, y: y.detach().add_(1),
    lambda t, x, y: (y * y).sum().backward(retain_graph=True),
    lambda t, x, y: y.zero_(),
]


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_of_writes_and_views_end_as_in_pytorch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = [STEPS[i] for i in rng.integers(0, len(STEPS), 4)]
    found = []
    for library in (engine, torch):
        x = library.tensor([0.5, -1.0, 2.0, 0.25], requires_grad=True)
        y = x * 1.5
        window = y[1:3]
        try:
            for step in chosen:
                step(library, x, y)
            ((y * y).sum() + window.sum() * 3).backward()
            found.append(("value", y.tolist(), window.tolist(), x.grad.tolist()))
        except RuntimeError:
            found.append(("refused",))
    assert found[0][0] == found[1][0], f"steps {rng}"
    for a, b in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


REFUSALS: dict[str, Callable[[Any], Any]] = {
    "a leaf is written to": lambda t: t.ones(2, requires_grad=True).add_(1),
    "a view of a leaf is written to": lambda t: t.ones(2, requires_grad=True)[0].add_(1),
    "an integer asks for gradients": lambda t: t.tensor([1, 2]).requires_grad_(),
    "a vector starts a backward": lambda t: (t.ones(2, requires_grad=True) * 2).backward(),
    "nothing was recorded": lambda t: t.ones(()).backward(),
    "the inner sizes differ": lambda t: t.ones(2, 3) @ t.ones(2, 3),
    "the shapes do not broadcast": lambda t: t.ones(2, 3) + t.ones(2),
    "the sizes do not match": lambda t: t.ones(2, 3).reshape(4),
    "numpy() of what needs gradients": lambda t: t.ones(2, requires_grad=True).numpy(),
    "item() of a vector": lambda t: t.ones(2).item(),
    "a float is written into integers": lambda t: t.tensor([1, 2]).add_(0.5),
    "a dim is out of range": lambda t: t.ones(2).sum(3),
    "an index is out of range": lambda t: t.ones(2)[5],
    "a step goes backwards": lambda t: t.ones(3)[::-1],
    "the graph was freed": lambda t: twice(t),
    "dtypes differ in a product": lambda t: t.ones(2, 2) @ t.ones(2, 2, dtype=t.float64),
}


def twice(library: Any) -> None:
    y = (library.ones(2, requires_grad=True) ** 2).sum()
    y.backward()
    y.backward()


@pytest.mark.parametrize("name", REFUSALS)
def test_what_pytorch_refuses_is_refused_with_the_same_class(name: str) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        REFUSALS[name](torch)
    with warnings.catch_warnings(), pytest.raises(type(theirs.value)) as ours:
        REFUSALS[name](engine)
    assert isinstance(ours.value, EngineError)
