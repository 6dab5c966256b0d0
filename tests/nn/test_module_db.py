"""PyTorch's database of modules against the engine: keys, values, gradients of inputs and parameters, second
derivatives, text, refusals.

`pytest tests/nn/test_module_db.py -k "LSTM or Conv2d"` for a few; `-m full` for every sample instead of a seeded few.
"""

import pickle
import random
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.errors import EngineError

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
pytest.importorskip("expecttest", reason="PyTorch's databases need it: pip install '.[oracle]'")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

OURS = [info for info in module_db if info.module_cls.__module__.startswith("torch.nn.")]
DIFFERENCES = (Path(__file__).parents[2] / "docs/manual/differences.md").read_text()
ROWS = DIFFERENCES.partition("## Layers that are absent")[2].partition("\n## ")[0]
ABSENT = {name: row for row in ROWS.splitlines() for name in re.findall(r"`([^`]+)`", row.partition(" | ")[0])}
INFOS = [pytest.param(info, id=info.module_cls.__name__) for info in OURS if info.module_cls.__name__ not in ABSENT]


@pytest.fixture(params=[3, pytest.param(None, marks=pytest.mark.full, id="all")])
def count(request: pytest.FixtureRequest) -> int | None:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def translate(value: Any, grad: bool = True, known: dict[int, Any] | None = None) -> Any:
    """A value of PyTorch's world as one of the engine's, with memory of its own; a tensor given twice stays one."""
    known = {} if known is None else known
    if isinstance(value, torch.Tensor):
        if id(value) not in known:
            ours = engine.tensor(value.detach().numpy().copy())
            known[id(value)] = ours.requires_grad_() if grad and value.requires_grad else ours
        return known[id(value)]
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return encoder_layer(value)
    if isinstance(value, torch.dtype):
        return getattr(engine, str(value).removeprefix("torch."))
    if isinstance(value, dict):
        return {k: translate(v, grad, known) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(translate(v, grad, known) for v in value)
    if callable(value) and hasattr(torch.nn.functional, getattr(value, "__name__", "")):
        return getattr(engine.nn.functional, value.__name__)
    return value


def encoder_layer(theirs: Any) -> Any:
    settings = {"dropout": theirs.dropout.p, "batch_first": theirs.self_attn.batch_first}
    settings |= {"norm_first": theirs.norm_first, "bias": theirs.linear1.bias is not None}
    bend = "relu" if theirs.activation_relu_or_gelu == 1 else "gelu"
    sizes = theirs.linear1.in_features, theirs.self_attn.num_heads, theirs.linear1.out_features
    return engine.nn.TransformerEncoderLayer(*sizes, activation=bend, **settings).double()


def tensors(value: Any, kind: Any) -> list[Any]:
    if isinstance(value, kind):
        return [value]
    value = list(value.values()) if isinstance(value, dict) else value
    return [t for v in value for t in tensors(v, kind)] if isinstance(value, list | tuple) else []


def samples(info: Any, training: bool, count: int | None) -> list[Any]:
    torch.manual_seed(0)
    found = info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=training)
    if count is None or len(found) <= count:
        return found  # type: ignore[no-any-return]
    rng = random.Random(zlib.crc32(f"{info.name}{training}".encode()))
    return [found[0], *rng.sample(found[1:], count - 1)]


def built(info: Any, sample: Any, training: bool) -> tuple[Any, Any]:
    """Our module and theirs, of float64, in the same state."""
    given = sample.constructor_input
    theirs = info.module_cls(*given.args, **given.kwargs).double().train(training)
    ours = getattr(engine.nn, info.module_cls.__name__)(*translate(given.args, False), **translate(given.kwargs, False))
    ours = ours.double().train(training)
    if info.is_lazy:
        assert repr(ours) == repr(theirs)
        assert not any(hasattr(v, "numpy") and v.array.size for v in ours.state_dict().values() if v.ndim)
        theirs(*sample.forward_input.args, **sample.forward_input.kwargs)
        ours(*translate(sample.forward_input.args), **translate(sample.forward_input.kwargs))
        assert type(ours).__name__ == type(theirs).__name__
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: engine.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return ours, theirs


def same(ours: Any, theirs: Any, what: str) -> None:
    assert (ours is None) == (theirs is None), what
    if theirs is not None:
        assert tuple(ours.shape) == tuple(theirs.shape), what
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch."), what
        got, expected = ours.detach().numpy(), theirs.detach().numpy(force=True)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9, err_msg=what)


def is_random(module: Any, sample: Any) -> bool:
    """Whether PyTorch's module draws numbers: then only shapes can be compared."""
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        results.append(tensors(module(*sample.forward_input.args, **sample.forward_input.kwargs), torch.Tensor))
    return any(not torch.equal(a, b) for a, b in zip(*results, strict=True))


def scalar(lib: Any, outputs: list[Any], seed: int) -> Any:
    """One number that depends on everything."""
    rng = np.random.default_rng(seed)
    make = engine.tensor if lib is engine else torch.tensor
    return sum(((y * make(rng.normal(size=tuple(y.shape)))).sum() for y in outputs), make(0.0, dtype=lib.float64))


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("info", INFOS)
def test_a_module_is_that_of_pytorch(info: Any, training: bool, count: int | None) -> None:
    if not training and not info.train_and_eval_differ:
        return
    for number, sample in enumerate(samples(info, training, count)):
        given, what = sample.forward_input, f"{info.name} {number} {sample.desc} {sample.constructor_input.kwargs}"
        ours, theirs = built(info, sample, training)
        assert repr(ours) == repr(theirs).replace("torch.", "engine."), what
        drawn = training and is_random(theirs, sample)
        ours, theirs = built(info, sample, training) if training else (ours, theirs)
        args, kwargs = translate(given.args), translate(given.kwargs)
        ys, ts = ours(*args, **kwargs), theirs(*given.args, **given.kwargs)
        got, expected = tensors(ys, engine.Tensor), tensors(ts, torch.Tensor)
        assert [tuple(y.shape) for y in got] == [tuple(t.shape) for t in expected], what
        if drawn:
            continue
        for i, (y, t) in enumerate(zip(got, expected, strict=True)):
            same(y, t, f"{what}: output {i}")
            assert y.requires_grad == t.requires_grad, what
        for key, value in theirs.state_dict().items():
            same(ours.state_dict()[key], value, f"{what}: {key} afterwards")
        mine = [t for t in tensors([args, kwargs], engine.Tensor) if t.requires_grad] + list(ours.parameters())
        others = [t for t in tensors([given.args, given.kwargs], torch.Tensor) if t.requires_grad]
        others += list(theirs.parameters())
        compare_gradients(
            info, [y for y in got if y.requires_grad], [t for t in expected if t.requires_grad], mine, others, what
        )


def along_simplex(scores: Any, g: Any) -> Any:
    """The part of a gradient that keeps probabilities summing to 1: PyTorch gives the rest of CTC's another value."""
    slope = g.detach().numpy()
    return slope - np.exp(scores.detach().numpy()) * slope.sum(-1, keepdims=True)


def compare_gradients(
    info: Any, got: list[Any], expected: list[Any], mine: list[Any], others: list[Any], what: str
) -> None:
    if not got:
        return
    twice = info.supports_gradgrad
    first = engine.autograd.grad(scalar(engine, got, 0), mine, create_graph=twice, allow_unused=True)
    wanted = torch.autograd.grad(scalar(torch, expected, 0), others, create_graph=twice, allow_unused=True)
    if info.module_cls is torch.nn.CTCLoss:
        first = [engine.tensor(along_simplex(mine[0], first[0]))]
        wanted, twice = [torch.tensor(along_simplex(mine[0], wanted[0]))], False
    for i, (g, w) in enumerate(zip(first, wanted, strict=True)):
        if g is not None or (w is not None and w.abs().max() > 0):
            same(g, w if w is not None else torch.zeros(tuple(g.shape), dtype=torch.float64), f"{what}: gradient {i}")
    ours = [g for g in first if g is not None and g.requires_grad]
    theirs = [w for w in wanted if w is not None and w.requires_grad]
    if not twice or len(ours) != len(theirs) or not ours:
        return
    try:
        expected_second = torch.autograd.grad(scalar(torch, theirs, 1), others, allow_unused=True)
    except RuntimeError as said:
        if "not implemented" not in str(said):
            raise
        return  # only the engine has it
    second = engine.autograd.grad(scalar(engine, ours, 1), mine, allow_unused=True)
    for i, (g, w) in enumerate(zip(second, expected_second, strict=True)):
        zero = torch.zeros(tuple(others[i].shape), dtype=torch.float64)
        mine_or_zero = engine.zeros(tuple(others[i].shape), dtype=engine.float64) if g is None else g
        same(mine_or_zero, zero if w is None else w, f"{what}: second derivative {i}")


def refusal(info: Any, sample: Any) -> tuple[Exception | None, bool]:
    """What our module says to a sample of errors, and whether it says so in forward."""
    given, built = sample.constructor_input, False
    try:
        module = getattr(engine.nn, info.module_cls.__name__)(*translate(given.args), **translate(given.kwargs))
        built = True
        module = module if isinstance(module, engine.nn.NLLLoss) else module.double()
        module(*translate(sample.forward_input.args), **translate(sample.forward_input.kwargs))
    except EngineError as said:
        return said, built
    return None, built


@pytest.mark.parametrize("info", [p for p in INFOS if p.values[0].module_error_inputs_func])
def test_what_pytorch_refuses_is_refused(info: Any) -> None:
    for error in info.module_error_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=True, training=False
    ):
        said, late = refusal(info, error.module_error_input)
        # What PyTorch notices in forward, and the engine when the module is built, is a bad argument there.
        same_time = late == (error.error_on == ModuleErrorEnum.FORWARD_ERROR)
        assert isinstance(said, error.error_type if same_time else ValueError), f"{info.name}: {error.error_regex}"


@pytest.mark.parametrize("info", INFOS)
def test_a_module_goes_through_pickle(info: Any) -> None:
    sample = samples(info, False, 1)[0]
    ours, _ = built(info, sample, False)
    again = pickle.loads(pickle.dumps(ours))
    assert repr(again) == repr(ours)
    assert all(
        np.array_equal(a.numpy(), b.numpy())
        for a, b in zip(ours.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_what_pytorch_has_and_the_engine_has_not_is_a_short_table() -> None:
    missing = {name for name in torch.nn.modules.__all__ if not hasattr(engine.nn, name)}
    print("absent from engine.nn:", *(f"\n  {name}: {ABSENT.get(name)}" for name in sorted(missing)))
    assert missing <= set(ABSENT)
    assert not [
        info for info in module_db if info not in OURS and not re.match(r"torch\.ao", info.module_cls.__module__)
    ]
