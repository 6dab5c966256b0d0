"""PyTorch's database of operations against the engine: values, dtypes, gradients, variants, refusals.

`pytest tests/engine/test_op_db.py -k "cumprod or sort"` for a few; `-m full` for every sample instead of a seeded few.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from oracle import (
    ABSENT,
    DIFFERENT,
    Untranslatable,
    absent,
    close,
    compare,
    differs,
    function_of,
    op_db,
    sample_inputs,
    tensors_in,
    torch,
    translate,
    translated,
    weights,
)

import engine
from engine.autograd import forward_ad
from engine.tensor import Tensor

WANTED = [op for op in op_db if not absent(op.name) and not differs(op.name, op.variant_test_name)]
OPS = [pytest.param(op, id=op.formatted_name) for op in WANTED]
SEEN = {"float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool"}
EVERYDAY = {"float32", "float64", "int64", "bool"}
# Numbers drawn at random, or memory that nobody has written to: only shapes and dtypes can be compared.
DRAWN = {
    "bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial", "normal", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "uniform", "empty", "empty_like", "empty_permuted", "empty_strided",
    "new_empty", "new_empty_strided", "nn.functional.alpha_dropout", "nn.functional.dropout", "nn.functional.dropout2d",
    "nn.functional.dropout3d", "nn.functional.feature_alpha_dropout", "nn.functional.rrelu", "resize_", "resize_as_",
    "svd_lowrank", "pca_lowrank",
}  # fmt: skip


def drawn(op: Any, sample: Any) -> bool:
    """Whether chance decides about the numbers."""
    if op.name.startswith("nn.functional.fractional_max_pool"):
        return sample.kwargs.get("_random_samples") is None
    dropped = sample.args[9] if op.name == "nn.functional.multi_head_attention_forward" else 0
    return op.name in DRAWN or max(dropped, sample.kwargs.get("dropout_p", 0)) > 0


@contextmanager
def quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def both(op: Any, sample: Any, f: Callable[..., Any], grad: bool = False) -> tuple[Any, Any, list[Any], list[Any]]:
    """(our result, theirs, our inputs, theirs) of one sample."""
    theirs = (sample.input, *sample.args)
    ours = copies(theirs, grad)
    named = {k: copies((v,), grad)[0] for k, v in sample.kwargs.items()}
    with quietly():
        expected = op(*theirs, **sample.kwargs)
        got = f(*ours, **named)
    return got, expected, tensors_in([*ours, named]), tensors_in([*theirs, sample.kwargs], torch.Tensor)


def copies(values: Any, grad: bool) -> Any:
    return translate(tuple(copied(v) for v in values), grad)


def copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(copied(v) for v in value)
    return value


@pytest.fixture(params=["", pytest.param("all", marks=pytest.mark.full)])
def count(request: pytest.FixtureRequest) -> int | None:
    """How many samples of each kind: a few, or (marked full) all."""
    return None if request.param else 3


def usable(op: Any, dtype: Any, grad: bool, count: int | None) -> Iterator[Any]:
    for sample in sample_inputs(op, dtype, grad, count):
        try:
            translate((sample.input, sample.args, sample.kwargs))
        except Untranslatable:
            continue
        yield sample


@pytest.mark.parametrize("op", OPS)
def test_values_shapes_and_dtypes_are_pytorchs(op: Any, count: int | None) -> None:
    f = function_of(op)
    for dtype in sorted(op.supported_dtypes("cpu"), key=str):
        name = str(dtype).removeprefix("torch.")
        if name not in (EVERYDAY if count else SEEN) or differs(op.name, name):
            continue
        for sample in usable(op, dtype, False, count):
            got, expected, ours, theirs = both(op, sample, f)
            compare(
                *invariant(op, sample, got, expected), f"{op.full_name} on {sample.summary()}", not drawn(op, sample)
            )
            if not op.name.endswith("_") and not drawn(op, sample):
                for a, b in zip(ours, theirs, strict=True):
                    close(a, b, "an input was changed")
            if name == "float64" and isinstance(sample.input, torch.Tensor) and sample.input.ndim > 1:
                noncontiguous(op, sample, f)


def noncontiguous(op: Any, sample: Any, f: Callable[..., Any]) -> None:
    scattered = sample.noncontiguous()
    with quietly():
        got = f(*translate((scattered.input, *scattered.args)), **translate(scattered.kwargs))
        expected = op(sample.input, *sample.args, **sample.kwargs)
    what = f"{op.full_name} on {sample.summary()}, not contiguous"
    compare(*invariant(op, sample, got, expected), what, not drawn(op, sample))


@pytest.mark.parametrize("op", [p for p in OPS if p.values[0].supports_autograd])
def test_gradients_of_both_orders_and_forward_mode_are_pytorchs(op: Any, count: int | None) -> None:
    if torch.float64 not in op.supported_backward_dtypes("cpu"):
        pytest.skip("PyTorch has no float64 gradient")
    if differs(op.name, "gradient"):
        pytest.skip(differs(op.name, "gradient"))
    f = function_of(op)
    for sample in usable(op, torch.float64, True, count and count + 1):
        what = f"{op.full_name} on {sample.summary()}"
        got, expected, ours, theirs = both(op, sample, f, grad=True)
        got, expected = processed(sample, got, expected)
        ys = [y for y in tensors_in(expected, torch.Tensor) if y.dtype.is_floating_point]
        zs = [z for z in tensors_in(got) if z.is_floating_point()]
        assert [z.requires_grad for z in zs] == [y.requires_grad for y in ys], f"{what}: requires_grad"
        pairs = [(z, y) for z, y in zip(zs, ys, strict=True) if y.requires_grad]
        leaves = [(a, b) for a, b in zip(ours, theirs, strict=True) if b.requires_grad]
        if not pairs or not leaves or drawn(op, sample):
            continue
        w = weights([y for _, y in pairs])
        deeper = op.supports_gradgrad and not differs(op.name, "second")
        if any(y.dtype == torch.float16 for _, y in pairs):
            continue  # the weights themselves are rounded on the way back
        first = slopes(pairs, leaves, w, deeper)
        for i, (a, b) in enumerate(first):
            same(a, b, f"{what}: gradient {i}")
        if deeper:
            second(first, leaves, what)
        if op.supports_forward_ad and not differs(op.name, "forward"):
            forward(op, sample, f, [b for _, b in first], w, what)


GAUGED = {"linalg.eigh", "linalg.svd", "svd"}
"""Eigenvectors and singular vectors may have either sign: what PyTorch's own samples make of them is compared."""


def invariant(op: Any, sample: Any, got: Any, expected: Any) -> tuple[Any, Any]:
    if op.name in POSITIONS and sample.input.dtype not in (torch.float32, torch.float64):
        return (got[0], expected[0]) if isinstance(expected, tuple) else (got.shape, tuple(expected.shape))
    return processed(sample, got, expected) if op.name in GAUGED else (got, expected)


POSITIONS = {"sort", "argsort", "topk", "kthvalue", "mode", "median", "nanmedian"}
"""Among equal elements any position is right (ours: the first): types that have many compare values alone."""


def processed(sample: Any, got: Any, expected: Any) -> tuple[Any, Any]:
    process = sample.output_process_fn_grad
    return (translated(process)(got), process(expected)) if process.__name__ != "<identity>" else (got, expected)


def slopes(pairs: Any, leaves: Any, w: list[np.ndarray], deeper: bool) -> list[tuple[Any, Any]]:
    zs, ys = zip(*pairs, strict=True)
    ours, theirs = zip(*leaves, strict=True)
    a = engine.autograd.grad(
        zs, ours, [engine.from_numpy(v) for v in w], create_graph=deeper, retain_graph=True, allow_unused=True
    )
    with quietly():
        b = torch.autograd.grad(
            ys, theirs, [torch.from_numpy(v) for v in w], create_graph=deeper, retain_graph=True, allow_unused=True
        )
    return list(zip(a, b, strict=True))


def same(a: Any, b: Any, what: str) -> None:
    """Equal gradients; none at all and zeros mean the same."""
    if a is None or b is None:
        left = a if b is None else b
        assert left is None or not left.detach().numpy().any(), f"{what}: {a} against {b}"
    else:
        compare(a.detach(), b.detach(), what)


def second(first: Any, leaves: Any, what: str) -> None:
    pairs = [(a, b) for a, b in first if b is not None and b.requires_grad]
    if not pairs:
        return
    assert all(a is not None for a, _ in pairs), f"{what}: a gradient is missing"
    if not any(a.requires_grad for a, _ in pairs):
        flat = [b for _, b in slopes_of_theirs(pairs, leaves)]
        assert all(g is None or not g.numpy(force=True).any() for g in flat), f"{what}: second derivatives are missing"
        return
    pairs = [(a, b) for a, b in pairs if a.requires_grad]
    for i, (a, b) in enumerate(slopes(pairs, leaves, weights([b for _, b in pairs], 1), False)):
        same(a, b, f"{what}: second derivative {i}")


def slopes_of_theirs(pairs: Any, leaves: Any) -> list[tuple[None, Any]]:
    found = torch.autograd.grad(
        [b for _, b in pairs], [b for _, b in leaves], [torch.ones_like(b) for _, b in pairs], allow_unused=True
    )
    return [(None, g) for g in found]


def forward(op: Any, sample: Any, f: Callable[..., Any], gradients: list[Any], w: list[np.ndarray], what: str) -> None:
    """The output's move along v, weighted by w, is the gradient (for w) along v."""
    ours = copies((sample.input, *sample.args), True)
    named = {k: copies((v,), True)[0] for k, v in sample.kwargs.items()}
    leaves = [t for t in tensors_in([*ours, named]) if t.requires_grad]
    v = weights(leaves, 2)
    with forward_ad.dual_level(), quietly():
        duals = {id(t): forward_ad.make_dual(t.detach(), engine.from_numpy(d)) for t, d in zip(leaves, v, strict=True)}
        result = f(*swapped(ours, duals), **swapped(named, duals))
        result = translated(sample.output_process_fn_grad)(result)
        zs = [z for z in tensors_in(result) if z.is_floating_point()]
        moves = [forward_ad.unpack_dual(z).tangent for z in zs]
    moved = [m for m in moves if m is not None]
    if len(moved) == len(w):
        along = sum(float((m.detach().numpy() * x).sum()) for m, x in zip(moved, w, strict=True))
    else:
        along = sum(float((m.detach().numpy() * x).sum()) for m, x in zip(moves, w, strict=False) if m is not None)
    known = [(g.detach().numpy(force=True), d) for g, d in zip(gradients, v, strict=True) if g is not None]
    back = sum(float((g * d).sum()) for g, d in known)
    if np.isfinite(back):
        np.testing.assert_allclose(along, back, rtol=1e-6, atol=1e-8, err_msg=f"{what}: forward mode")


def swapped(value: Any, duals: dict[int, Tensor]) -> Any:
    if isinstance(value, Tensor):
        return duals.get(id(value), value)
    if isinstance(value, dict):
        return {k: swapped(v, duals) for k, v in value.items()}
    return type(value)(swapped(v, duals) for v in value) if type(value) in (list, tuple) else value


VARIANTS = [p for p in OPS if p.values[0].method_variant or p.values[0].inplace_variant]


@pytest.mark.parametrize("op", VARIANTS)
def test_methods_and_in_place_forms_do_the_same(op: Any, count: int | None) -> None:
    for variant in ("method_variant", "inplace_variant"):
        theirs = getattr(op, variant)
        if not theirs or differs(op.name, "in place" if variant == "inplace_variant" else "method"):
            continue
        name = getattr(theirs, "__name__", "<lambda>")
        ours = translated(theirs) if name == "<lambda>" else getattr(Tensor, name)
        for sample in usable(op, torch.float64, False, count):
            try:
                with quietly():
                    expected = theirs(copied(sample.input), *copied(list(sample.args)), **copy.deepcopy(sample.kwargs))
            except (RuntimeError, TypeError, IndexError, ValueError):
                continue  # PyTorch itself refuses this sample in place
            first, *rest = copies((sample.input, *sample.args), False)
            with quietly():
                got = ours(first, *rest, **translate(sample.kwargs))
            what = f"Tensor.{name} on {sample.summary()}"
            compare(*invariant(op, sample, got, expected), what, not drawn(op, sample))
            if variant == "inplace_variant":
                assert got is first, f"Tensor.{name} returns itself"


@pytest.mark.parametrize("op", [p for p in OPS if p.values[0].error_inputs_func])
def test_what_pytorch_refuses_is_refused_with_the_same_class(op: Any) -> None:
    if differs(op.name, "errors"):
        pytest.skip(differs(op.name, "errors"))
    f = function_of(op)
    with quietly():
        found = list(op.error_inputs("cpu"))
    for error in found:
        sample = error.sample_input
        try:
            ours = translate((sample.input, *sample.args), True)  # shared memory stays shared
            named = translate(sample.kwargs)
        except Untranslatable:
            continue
        what = f"{op.full_name} on {sample.summary()}: PyTorch says {error.error_regex}"
        with quietly():
            try:
                got = f(*ours, **named)
            except error.error_type:
                continue
            except Exception as other:
                raise AssertionError(f"{what}; refused with {type(other).__name__}: {other}") from other
        raise AssertionError(f"{what}; accepted, giving {got}")


def test_what_is_absent_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    names = list(dict.fromkeys(op.name for op in op_db))
    missing = [name for name in names if absent(name)]
    with capsys.disabled():
        print(f"\n{len(names) - len(missing)} of PyTorch's {len(names)} operations; the others, by reason:")
        for reason in dict.fromkeys(filter(None, map(absent, missing))):
            print(f"  {reason}: {', '.join(name for name in missing if absent(name) == reason)}")
    stale = [known for known in ABSENT if not any(n == known or n.startswith(known.rstrip("*")) for n in names)]
    assert not stale, "the manual lists what PyTorch does not have"
    assert not [entry for entry in DIFFERENT if entry.partition(":")[0] not in names]
    assert len(names) - len(missing) > 230


@pytest.mark.parametrize("name", sorted({op.name for op in op_db if absent(op.name)}))
def test_what_is_listed_as_absent_is_absent(name: str) -> None:
    room: Any = engine
    for part in name.split("."):
        if not hasattr(room, part):
            return
        room = getattr(room, part)
    assert not callable(room), f"the engine has {name}: strike it from the table of absences"
