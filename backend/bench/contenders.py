"""Who takes part: the same step by the engine, eager and compiled, by PyTorch, eager and compiled, and by JAX.

PyTorch and JAX are looked up by name when a bench starts: the distribution needs neither.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import engine
from backend.bench.problem import Problem, Workload

Weights = dict[str, Any]
STEPS = 5
"""Steps whose losses are compared before anything is measured."""


@dataclass
class Running:
    """A step that is ready: `call()` does `steps` of them. losses: of the first steps, to compare."""

    call: Callable[[], Any]
    losses: list[float]
    steps: int = 1
    note: str = ""
    problem: Problem | None = None


class Absent(Exception):
    """Why a contender does not take part, in one sentence."""


def start_of(workload: Workload) -> Weights:
    """First weights that every contender begins with."""
    engine.manual_seed(0)
    state = workload.build(engine).model.state_dict()
    return {name: value.detach().numpy().copy() for name, value in state.items()}


def ready(t: Any, workload: Workload, weights: Weights) -> Problem:
    """The problem in library t with these first weights."""
    problem = workload.build(t)
    problem.model.load_state_dict({name: t.from_numpy(value.copy()) for name, value in weights.items()})
    t.manual_seed(1)
    return problem


def first(step: Callable[[Any, Any], Any], problem: Problem) -> list[float]:
    """The losses of the first steps."""
    return [float(step(problem.x, problem.y).detach()) for _ in range(STEPS)]


def eager(t: Any, workload: Workload, weights: Weights) -> Running:
    """The step as it was written."""
    p = ready(t, workload, weights)
    return Running(lambda: p.step(p.x, p.y), first(p.step, p), problem=p)


def engine_eager(workload: Workload, weights: Weights, threads: int) -> Running:
    """Ours, op by op."""
    return eager(engine, workload, weights)


def engine_compiled(workload: Workload, weights: Weights, threads: int) -> Running:
    """Ours, as a table of native kernels."""
    p = ready(engine, workload, weights)
    step = engine.compile(p.step, threads=threads)
    losses = first(step, p)
    step.wait()
    step(p.x, p.y)
    if workload.steps == 1:
        return Running(lambda: step(p.x, p.y), losses, note=step.tier, problem=p)
    batches = [(p.x, p.y)] * workload.steps
    return Running(lambda: step.run(batches), losses, workload.steps, step.tier, p)


def torch_eager(workload: Workload, weights: Weights, threads: int) -> Running:
    """PyTorch, op by op."""
    return eager(library("torch", threads), workload, weights)


def torch_compiled(workload: Workload, weights: Weights, threads: int) -> Running:
    """PyTorch with its model compiled by torch.compile."""
    torch = library("torch", threads)
    torch.compiler.reset()
    p = ready(torch, workload, weights)
    compiled = Problem(torch.compile(p.model), p.x, p.y, p.loss, p.optimizer, p.noisy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        losses = first(compiled.step, compiled)
    return Running(lambda: compiled.step(p.x, p.y), losses, problem=p)


def jax_jit(workload: Workload, weights: Weights, threads: int) -> Running:
    """JAX: a step written by hand and compiled by jit, for W1 to W3."""
    library("jax", threads)
    from backend.bench.jax_steps import STEPS_OF

    if workload.name not in STEPS_OF:
        raise Absent(f"{workload.name} is not written for JAX.")
    call, losses = STEPS_OF[workload.name](workload.build(engine), weights, STEPS)
    return Running(call, losses)


def library(name: str, threads: int) -> Any:
    """A library that may be missing, told how many threads to use. Raises: Absent."""
    if importlib.util.find_spec(name) is None:
        raise Absent(f"{name} is not installed.")
    found = importlib.import_module(name)
    if name == "torch":
        found.set_num_threads(threads)
    return found


CONTENDERS: dict[str, Callable[[Workload, Weights, int], Running]] = {
    "engine": engine_eager,
    "compiled": engine_compiled,
    "torch": torch_eager,
    "torch.compile": torch_compiled,
    "jax": jax_jit,
}


def prepare(names: list[str], workload: Workload, threads: int) -> tuple[dict[str, Running], dict[str, str]]:
    """Those who take part, and why the others do not."""
    weights = start_of(workload)
    running: dict[str, Running] = {}
    absent: dict[str, str] = {}
    for name in names:
        try:
            running[name] = CONTENDERS[name](workload, weights, threads)
        except Absent as why:
            absent[name] = str(why)
        except Exception as error:  # one contender that fails must not end the bench: the report says what happened
            absent[name] = f"failed: {type(error).__name__}: {str(error).strip().splitlines()[:1]}"
    return running, absent


def disagreement(found: Running, truth: Running) -> float:
    """The largest relative difference of the first losses."""
    pairs = zip(found.losses, truth.losses, strict=True)
    return max(abs(a - b) / max(abs(b), 1e-6) for a, b in pairs)
