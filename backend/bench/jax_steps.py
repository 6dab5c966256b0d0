"""W1, W2 and W3 as somebody writes them for JAX: one jitted function from weights and batch to weights and loss."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from backend.bench.problem import Problem

Found = tuple[Callable[[], Any], list[float]]


def _looped(step: Callable[..., Any], state: Any, problem: Problem, count: int) -> Found:
    """Calls of a jitted step that carry the state on, and the first losses."""
    jax = importlib.import_module("jax")
    x, y = jax.numpy.asarray(problem.x.numpy()), jax.numpy.asarray(problem.y.numpy())
    jitted, held = jax.jit(step, donate_argnums=0), [state]

    def call() -> Any:
        held[0], loss = jitted(held[0], x, y)
        return loss.block_until_ready()

    return call, [float(call()) for _ in range(count)]


def _linear(weights: dict[str, Any], name: str, x: Any) -> Any:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _entropy(jax: Any, scores: Any, y: Any) -> Any:
    logs = jax.nn.log_softmax(scores)
    return -jax.numpy.take_along_axis(logs, y[:, None], 1).mean()


def w1(problem: Problem, weights: dict[str, Any], count: int) -> Found:
    """Plain gradient descent."""
    jax = importlib.import_module("jax")

    def loss(w: Any, x: Any, y: Any) -> Any:
        for name in ("0", "2", "4"):
            x = jax.numpy.tanh(_linear(w, name, x))
        return ((x - y) ** 2).mean()

    def step(w: Any, x: Any, y: Any) -> Any:
        value, slopes = jax.value_and_grad(loss)(w, x, y)
        return jax.tree.map(lambda a, g: a - 0.03 * g, w, slopes), value

    return _looped(step, jax.tree.map(jax.numpy.array, weights), problem, count)


def w2(problem: Problem, weights: dict[str, Any], count: int) -> Found:
    """Adam."""
    jax = importlib.import_module("jax")

    def loss(w: Any, x: Any, y: Any) -> Any:
        for name in ("0", "2"):
            x = jax.nn.relu(_linear(w, name, x))
        return _entropy(jax, _linear(w, "4", x), y)

    def moved(a: Any, m: Any, v: Any, n: Any) -> Any:
        return a - 1e-3 * (m / (1 - 0.9**n)) / (jax.numpy.sqrt(v / (1 - 0.999**n)) + 1e-8)

    def step(state: Any, x: Any, y: Any) -> Any:
        w, m, v, n = state
        value, slopes = jax.value_and_grad(loss)(w, x, y)
        m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, slopes)
        v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, slopes)
        return (jax.tree.map(lambda a, m, v: moved(a, m, v, n + 1), w, m, v), m, v, n + 1), value

    first = jax.tree.map(jax.numpy.array, weights)
    zeros = [jax.tree.map(jax.numpy.zeros_like, first) for _ in range(2)]
    return _looped(step, (first, *zeros, jax.numpy.float32(0)), problem, count)


def w3(problem: Problem, weights: dict[str, Any], count: int) -> Found:
    """Convolutions, momentum."""
    jax = importlib.import_module("jax")

    def maps(w: Any, name: str, x: Any) -> Any:
        kinds = ("NCHW", "OIHW", "NCHW")
        x = jax.lax.conv_general_dilated(x, w[f"{name}.weight"], (1, 1), "VALID", dimension_numbers=kinds)
        x = jax.nn.relu(x + w[f"{name}.bias"][:, None, None])
        return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(w: Any, x: Any, y: Any) -> Any:
        x = maps(w, "3", maps(w, "0", x)).reshape(len(x), -1)
        return _entropy(jax, _linear(w, "9", jax.nn.relu(_linear(w, "7", x))), y)

    def step(state: Any, x: Any, y: Any) -> Any:
        w, run = state
        value, slopes = jax.value_and_grad(loss)(w, x, y)
        run = jax.tree.map(lambda r, g: 0.9 * r + g, run, slopes)
        return (jax.tree.map(lambda a, r: a - 0.001 * r, w, run), run), value

    first = jax.tree.map(jax.numpy.array, weights)
    return _looped(step, (first, jax.tree.map(jax.numpy.zeros_like, first)), problem, count)


STEPS_OF: dict[str, Callable[[Problem, dict[str, Any], int], Found]] = {"W1": w1, "W2": w2, "W3": w3}
