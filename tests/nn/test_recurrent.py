"""RNN, LSTM and GRU beside PyTorch's: every option, packed sequences, what they refuse."""

from typing import Any

import numpy as np
import pytest

import engine
from engine.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
theirs_rnn = torch.nn.utils.rnn

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": 2}),
    ("GRU", {}),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"num_layers": 3},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
    {"bias": False, "batch_first": True},
]


def both(name: str, settings: dict[str, Any]) -> tuple[Any, Any]:
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(3, 5, **settings).double()
    ours = getattr(engine.nn, name)(3, 5, **settings).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def flat(result: Any) -> list[Any]:
    kinds = (engine.Tensor, torch.Tensor)
    return [result] if isinstance(result, kinds) else [t for r in result for t in flat(r)]


def agree(ours: Any, theirs: Any) -> None:
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-8, atol=1e-10)


def states(name: str, settings: dict[str, Any], *rows: int) -> list[np.ndarray]:
    count = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    sizes = [settings.get("proj_size") or 5, 5] if name == "LSTM" else [5]
    return [values(count, *rows, n) for n in sizes]


def given(lib: Any, arrays: list[np.ndarray]) -> Any:
    made = [lib.tensor(a, requires_grad=True) for a in arrays]
    return made[0] if len(made) == 1 else tuple(made)


@pytest.mark.parametrize("batch", [True, False], ids=["batch", "single"])
@pytest.mark.parametrize("start", [True, False], ids=["state", "zeros"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("name", "kind"), KINDS, ids=str)
def test_values_and_gradients_are_those_of_pytorch(
    name: str, kind: dict[str, Any], options: dict[str, Any], start: bool, batch: bool
) -> None:
    settings = kind | options
    ours, theirs = both(name, settings)
    x = values(2, 6, 3) if settings.get("batch_first") and batch else values(6, 2, 3) if batch else values(6, 3)
    inputs, outputs = [], []
    for lib, module in ((engine, ours), (torch, theirs)):
        hx = [given(lib, states(name, settings, *([2] if batch else [])))] if start else []
        inputs.append([given(lib, [x]), *flat(hx)])
        outputs.append(flat(module(inputs[-1][0], *hx)))
    agree(*outputs)
    ours_sum, theirs_sum = (sum((y * y).sum() * (i + 1) for i, y in enumerate(ys)) for ys in outputs)
    ours_sum.backward()
    theirs_sum.backward()
    agree([t.grad for t in inputs[0]], [t.grad for t in inputs[1]])
    agree([p.grad for p in ours.parameters()], [p.grad for p in theirs.parameters()])


@pytest.mark.parametrize("lengths", [[6, 4, 4, 1], [2, 6, 1, 3], [5, 5, 5, 5]], ids=str)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize(("name", "kind"), KINDS, ids=str)
def test_sequences_of_different_lengths_are_walked_as_by_pytorch(
    name: str, kind: dict[str, Any], options: dict[str, Any], lengths: list[int]
) -> None:
    ours, theirs = both(name, kind | options)
    x, start = values(max(lengths), 4, 3), states(name, kind | options, 4)
    outputs, inputs = [], []
    for lib, module, rnn in ((engine, ours, engine.nn.utils.rnn), (torch, theirs, theirs_rnn)):
        inputs.append(given(lib, [x]))
        packed = rnn.pack_padded_sequence(inputs[-1], lengths, enforce_sorted=False)
        packed_out, last = module(packed, given(lib, start))
        padded, sizes = rnn.pad_packed_sequence(packed_out, total_length=7, padding_value=0.5)
        assert sizes.tolist() == lengths
        outputs.append([padded, *flat(last)])
    agree(*outputs)
    for ys in outputs:
        sum((y * y).sum() for y in ys).backward()
    agree([inputs[0].grad], [inputs[1].grad])
    agree([p.grad for p in ours.parameters()], [p.grad for p in theirs.parameters()])


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("shape", [(4, 3), (3,)], ids=str)
def test_single_steps_are_those_of_pytorch(name: str, shape: tuple[int, ...]) -> None:
    ours, theirs = both(name, {})
    agree(ours(engine.tensor(values(*shape))), theirs(torch.tensor(values(*shape))))
    hidden = [values(*shape[:-1], 5)] * (2 if name == "LSTMCell" else 1)
    agree(
        ours(engine.tensor(values(*shape)), given(engine, hidden)),
        theirs(torch.tensor(values(*shape)), given(torch, hidden)),
    )


def test_dropout_lies_between_the_layers_and_only_in_training() -> None:
    lstm = engine.nn.LSTM(3, 50, num_layers=2, dropout=1.0)
    output, _ = lstm(engine.ones(2, 1, 3))
    second = engine.nn.LSTM(50, 50)
    second.load_state_dict({k.replace("l1", "l0"): v for k, v in lstm.state_dict().items() if "l1" in k})
    agree([output], [torch.tensor(second(engine.zeros(2, 1, 50))[0].detach().numpy())])
    assert not np.array_equal(lstm.eval()(engine.ones(2, 1, 3))[0].detach().numpy(), output.detach().numpy())


def test_packing_and_padding_go_there_and_back_as_in_pytorch() -> None:
    rows = [values(n, 2) for n in (2, 4, 1)]
    packed = pack_sequence([engine.tensor(r) for r in rows], enforce_sorted=False)
    expected = theirs_rnn.pack_sequence([torch.tensor(r) for r in rows], enforce_sorted=False)
    assert isinstance(packed, PackedSequence)
    agree(list(packed), list(expected))
    agree(list(pad_packed_sequence(packed)), list(theirs_rnn.pad_packed_sequence(expected)))
    agree(unpack_sequence(packed), [torch.tensor(r) for r in rows])
    for settings in ({}, {"batch_first": True, "padding_value": 2.0}, {"padding_side": "left"}):
        ours = pad_sequence([engine.tensor(r) for r in rows], **settings)
        agree([ours], [theirs_rnn.pad_sequence([torch.tensor(r) for r in rows], **settings)])
    padded = pad_sequence([engine.tensor(r) for r in rows])
    agree(unpad_sequence(padded, engine.tensor([2, 4, 1])), [torch.tensor(r) for r in rows])
    assert packed.float().data.dtype == engine.float32
    assert packed.to("cpu").batch_sizes is packed.batch_sizes


@pytest.mark.parametrize(
    ("lengths", "words"), [([1, 2, 3], "decreasing"), ([4, 1], "one length"), ([3, 2, 0], "lengths from 1")], ids=str
)
def test_lengths_that_do_not_fit_are_refused(lengths: list[int], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        pack_padded_sequence(engine.zeros(3, 3, 1), lengths)


def test_a_wrong_input_or_state_is_refused_in_words() -> None:
    lstm = engine.nn.LSTM(3, 5)
    with pytest.raises(RuntimeError, match="Expected 3, got 4"):
        lstm(engine.zeros(2, 1, 4))
    with pytest.raises(RuntimeError, match="hidden size"):
        lstm(engine.zeros(2, 1, 3), (engine.zeros(1, 1, 4), engine.zeros(1, 1, 5)))
    with pytest.raises(RuntimeError, match="a sequence length larger than 0"):
        lstm(engine.zeros(0, 1, 3))
    with pytest.raises(RuntimeError, match="dims of hx"):
        lstm(engine.zeros(2, 1, 3), (engine.zeros(1, 5), engine.zeros(1, 5)))
    with pytest.raises(ValueError, match="less than hidden_size"):
        engine.nn.LSTM(3, 5, proj_size=5)


@pytest.mark.parametrize("lengths", [[70, 70], [150, 3], [200, 131]], ids=str)
@pytest.mark.parametrize("options", [{"proj_size": 2}, {"proj_size": 2, "bidirectional": True}], ids=str)
def test_long_sequences_that_are_walked_step_by_step(options: dict[str, Any], lengths: list[int]) -> None:
    ours, theirs = both("LSTM", options)
    inputs = []
    for module, rnn, lib in ((ours, engine.nn.utils.rnn, engine), (theirs, theirs_rnn, torch)):
        inputs.append(given(lib, [values(lengths[0], 2, 3)]))
        packed, _ = module(rnn.pack_padded_sequence(inputs[-1], lengths))
        (packed.data**2).sum().backward()
    agree([inputs[0].grad], [inputs[1].grad])
    agree([p.grad for p in ours.parameters()], [p.grad for p in theirs.parameters()])


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_work_does_not_grow_with_the_square_of_the_steps(name: str) -> None:
    def additions(steps: int) -> int:
        layer = getattr(engine.nn, name)(3, 5)
        with engine.derivative.Count() as count:  # what is recorded is walked step by step
            layer(engine.ones(steps, 2, 3))[0].sum().backward()
        return count.operations["add"]

    assert additions(900) < 9 * 2.5 * additions(100)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_gradients_have_gradients_through_time(name: str) -> None:
    ours, theirs = both(name, {})
    seconds = []
    for lib, module in ((engine, ours), (torch, theirs)):
        x = given(lib, [values(4, 2, 3)])
        (slope,) = lib.autograd.grad((module(x)[0] ** 2).sum(), x, create_graph=True)
        seconds.append(list(lib.autograd.grad((slope**2).sum(), [x, *module.parameters()], allow_unused=True)))
    agree([s for s in seconds[0] if s is not None], [s for s in seconds[1] if s is not None])


@pytest.mark.bench
def test_an_lstm_is_not_slow() -> None:
    import time

    def seconds(lib: Any) -> float:
        lstm, x = lib.nn.LSTM(32, 64), lib.randn(50, 16, 32)
        best = 1.0
        for _ in range(5):
            start = time.perf_counter()
            lstm(x)[0].sum().backward()
            best = min(best, time.perf_counter() - start)
        return best

    torch.set_num_threads(1)
    print(f"LSTM, 50 steps: {seconds(engine) * 1e3:.1f} ms, PyTorch {seconds(torch) * 1e3:.1f} ms")
