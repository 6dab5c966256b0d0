"""PyTorch's own table of optimisers and settings (`optim_db`): steps, states and refusals beside PyTorch's.

What PyTorch has and this engine has not, or does otherwise, is a row of the
manual's page of differences.
"""

import functools
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import optim
from engine.errors import EngineError

torch = pytest.importorskip("torch", reason="the oracle is not installed")
common = pytest.importorskip("torch.testing._internal.common_optimizers", reason="the oracle has no optim_db")

DIFFERENCES = (Path(__file__).parents[2] / "docs/manual/differences.md").read_text()


def table(heading: str) -> dict[str, str]:
    """Names in backticks and their reasons, of the table under a heading of the manual's page of differences."""
    lines = DIFFERENCES.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    return {name: row[-1].strip() for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


ABSENT, OTHERWISE = table("Optimisers that are absent"), table("Optimisers that differ")
# PyTorch iterates in bfloat16, which has eight bits: equal to about two decimal places.
ROUGH = {"Muon": 2e-2, "ASGD": 1e-8}  # ASGD keeps its rate in float32
SHAPES = ((3, 4), (4, 2), (5, 5))

INFOS = {info.optim_cls.__name__: info for info in common.optim_db}
CASES = [
    (name, number)
    for name, info in INFOS.items()
    if name not in ABSENT
    for number in range(len(info.optim_inputs_func(device="cpu")))
]
ERRORS = [
    (name, number)
    for name, info in INFOS.items()
    if name not in ABSENT
    for number in range(len(info.optim_error_inputs_func("cpu", torch.float32)))
]


def ours(value: Any) -> Any:
    """PyTorch's tensors, in any nest, as the engine's."""
    if isinstance(value, torch.Tensor):
        return engine.tensor(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: ours(v) for k, v in value.items()}
    return type(value)(map(ours, value)) if isinstance(value, list | tuple) else value


def theirs(value: Any) -> Any:
    if isinstance(value, engine.Tensor):
        return torch.tensor(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: theirs(v) for k, v in value.items()}
    return type(value)(map(theirs, value)) if isinstance(value, list | tuple) else value


def first_values(dtype: str) -> list[Any]:
    draw = np.random.default_rng(3)
    return [draw.normal(size=shape).astype(dtype) for shape in SHAPES]


def loss_of(lib: Any, parameters: list[Any]) -> Any:
    """A bowl with bends, so that gradients change their size and sign."""
    return sum(((p * p).sum() + lib.sin(p * 3.0).sum() for p in parameters), start=0.0)


def stepper(lib: Any, optimizer: Any, parameters: list[Any]) -> Callable[[], Any]:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = loss_of(lib, parameters)
        loss.backward()
        return loss

    return functools.partial(optimizer.step, closure)


class Pair:
    """One setting of one optimiser, ours and PyTorch's, on the same parameters."""

    def __init__(self, name: str, number: int, dtype: str = "float64") -> None:
        self.name, self.dtype = name, dtype
        self.kwargs = INFOS[name].optim_inputs_func(device="cpu")[number].kwargs
        values = first_values(dtype)
        self.mine = [engine.nn.Parameter(engine.tensor(v)) for v in values]
        self.other = [torch.nn.Parameter(torch.tensor(v)) for v in values]
        self.ours, self.theirs = self.fresh_ours(), self.fresh_theirs()

    def fresh_ours(self) -> Any:
        return getattr(optim, self.name)(self.mine, **ours(self.kwargs))

    def fresh_theirs(self) -> Any:
        kwargs = {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in self.kwargs.items()}
        return getattr(torch.optim, self.name)(self.other, **kwargs)

    def step(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns about its own casts of tensors with history
            stepper(engine, self.ours, self.mine)()
            stepper(torch, self.theirs, self.other)()

    def compare(self) -> None:
        rough = ROUGH.get(self.name, 1e-6 if self.name == "LBFGS" else 1e-9)
        near = {"rtol": rough if self.dtype == "float64" else max(rough, 2e-4), "atol": max(rough * 1e-2, 1e-12)}
        if self.dtype == "float32":
            near["atol"] = max(near["atol"], 1e-5)
        for a, b in zip(self.mine, self.other, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), **near)
        a, b = self.ours.state_dict(), self.theirs.state_dict()
        assert a["param_groups"] == ours(b["param_groups"]) or self.kwargs_have_tensors()
        assert set(a["state"]) == set(b["state"])
        if self.name != "LBFGS":
            for number, memory in b["state"].items():
                assert set(a["state"][number]) == set(memory)
                for key, value in memory.items():
                    found = a["state"][number][key]
                    assert tuple(found.shape) == tuple(value.shape), key
                    np.testing.assert_allclose(found.numpy(), value.numpy(), **near, err_msg=key)

    def kwargs_have_tensors(self) -> bool:
        return any(isinstance(v, torch.Tensor | tuple) for v in self.kwargs.values())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "number"), CASES)
def test_steps_and_states_are_those_of_pytorch(name: str, number: int, dtype: str) -> None:
    pair = Pair(name, number, dtype)
    for _ in range(2 if name == "LBFGS" and dtype == "float32" else 6):
        pair.step()
        pair.compare()


@pytest.mark.parametrize("name", [n for n in INFOS if n not in ABSENT])
def test_a_state_moves_to_pytorch_and_back(name: str) -> None:
    pair = Pair(name, 0)
    for _ in range(3):
        pair.step()
    mine, other = pair.ours.state_dict(), pair.theirs.state_dict()
    pair.ours, pair.theirs = pair.fresh_ours(), pair.fresh_theirs()
    pair.ours.load_state_dict(ours(other))
    pair.theirs.load_state_dict(theirs(mine))
    for _ in range(2):
        pair.step()
        pair.compare()


@pytest.mark.parametrize(("name", "number"), ERRORS)
def test_what_pytorch_refuses_is_refused_with_the_same_class(name: str, number: int) -> None:
    case = INFOS[name].optim_error_inputs_func("cpu", torch.float32)[number]
    reason = next((why for words, why in OTHERWISE.items() if words in case.error_regex and words not in INFOS), None)
    if reason is not None:
        pytest.skip(reason)
    given, kwargs = case.optimizer_error_input.params, ours(case.optimizer_error_input.kwargs)
    given = [engine.nn.Parameter(engine.zeros(1, 1))] if given is None else parameters_of(given)
    with pytest.raises(case.error_type) as caught:
        getattr(optim, name)(given, **kwargs)
    assert isinstance(caught.value, EngineError | TypeError)


def parameters_of(value: Any) -> Any:
    """PyTorch's parameters in any nest as ours, one for one."""
    known: dict[int, Any] = {}

    def turn(part: Any) -> Any:
        if isinstance(part, torch.Tensor):
            return known.setdefault(id(part), engine.nn.Parameter(engine.tensor(part.detach().numpy())))
        if isinstance(part, dict):
            return {k: turn(v) for k, v in part.items()}
        return type(part)(map(turn, part)) if isinstance(part, list | tuple) else part

    return turn(value)


def test_one_parameter_twice_in_a_group_is_warned_of() -> None:
    weight = engine.nn.Parameter(engine.zeros(1))
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([weight, weight], lr=0.1)


def test_the_list_of_what_is_absent_is_true(capsys: pytest.CaptureFixture[str]) -> None:
    absent = {name for name in INFOS if not hasattr(optim, name)}
    with capsys.disabled():
        for name, why in ABSENT.items():
            print(f"\n  torch.optim.{name}: {why}", end="")
    assert absent == set(ABSENT)
    assert {n for n in torch.optim.__all__ if n[0].isupper()} <= absent | set(optim.__all__)


@pytest.mark.parametrize("name", [n for n in INFOS if n not in ABSENT])
def test_signatures_and_printing_are_those_of_pytorch(name: str) -> None:
    import inspect

    mine, other = (inspect.signature(getattr(lib, name).__init__) for lib in (optim, torch.optim))
    assert [(p.name, p.kind) for p in mine.parameters.values()] == [(p.name, p.kind) for p in other.parameters.values()]
    assert all(mine.parameters[n].default == p.default for n, p in other.parameters.items())
    pair = Pair(name, 0)
    assert repr(pair.ours).replace(".0\n", "\n") == repr(pair.theirs).replace(".0\n", "\n")
