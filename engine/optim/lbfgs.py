"""L-BFGS: steps along the gradient turned by an approximate inverse Hessian, made of the last few steps.

Nocedal and Wright, Numerical Optimization, 2006: algorithm 7.4 (the direction), 3.5 and 3.6 (the line search).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from engine.array import module_of
from engine.autodiff import enable_grad
from engine.errors import ArgumentError
from engine.nn.settings import Between, checked
from engine.optim.optimizer import LearningRate, Optimizer, Parameters, State, given
from engine.tensor import wrap

Count = Annotated[int, Between(1, 2**31 - 1)]
Tolerance = Annotated[float, Between(0, 1e6)]
SUFFICIENT, CURVATURE = 1e-4, 0.9  # the two constants of Wolfe's conditions


class Point(NamedTuple):
    """What a step of length t along the direction finds: the loss, the gradient, its share along the direction."""

    t: float
    loss: float
    gradient: Any
    slope: float


@checked
class LBFGS(Optimizer):
    """Steps along the gradient turned by an approximate inverse Hessian; `step` needs a closure (Liu, Nocedal, 1989).

    One group only. `line_search_fn="strong_wolfe"` looks for a good length of every step.

    >>> weight = nn.Parameter(engine.tensor([3.0]))
    >>> newton = optim.LBFGS([weight], line_search_fn="strong_wolfe")
    """

    def __init__(
        self,
        params: Parameters,
        lr: LearningRate = 1.0,
        max_iter: Count = 20,
        max_eval: Count | None = None,
        tolerance_grad: Tolerance = 1e-7,
        tolerance_change: Tolerance = 1e-9,
        history_size: Count = 100,
        line_search_fn: Literal["strong_wolfe"] | None = None,
    ) -> None:
        super().__init__(params, given(locals()) | {"max_eval": max_iter * 5 // 4 if max_eval is None else max_eval})
        if len(self.param_groups) != 1:
            raise ArgumentError("LBFGS", "one group of parameters", len(self.param_groups), field="params")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to `max_iter` steps; `closure` computes the loss and its gradients anew. Hands back the first loss."""
        if closure is None:
            raise ArgumentError(
                "LBFGS.step", "a closure that computes the loss and its gradients", "none", field="closure"
            )
        group = self.param_groups[0]
        lr, calm, still = float(group["lr"]), group["tolerance_grad"], group["tolerance_change"]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first = closure()
        loss, slope, calls = float(first), self._slope(), 1
        state["func_evals"] += 1
        if _largest(slope) <= calm:
            return first
        for turn in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(state, slope)
            state |= {"d": wrap(direction), "prev_flat_grad": wrap(slope), "prev_loss": loss}
            begin = state["n_iter"] == 1
            length = min(1.0, 1.0 / float(abs(slope).sum())) * lr if begin else lr
            along, before = float(slope @ direction), loss
            state["t"] = length
            if along > -still:
                break
            if group["line_search_fn"]:
                look = self._looker(closure, direction)
                point, used = strong_wolfe(look, Point(0.0, loss, slope, along), length, _largest(direction),
                                           group["max_eval"] - calls)  # fmt: skip
                state["t"] = length = point.t
                self._move(length, direction)
                loss, slope, calls = point.loss, point.gradient, calls + used
                state["func_evals"] += used
            else:
                self._move(length, direction)
                if turn < group["max_iter"]:
                    with enable_grad():
                        loss = float(closure())
                    slope, calls = self._slope(), calls + 1
                    state["func_evals"] += 1
            done = calls >= group["max_eval"] or _largest(slope) <= calm or _largest(direction) * length <= still
            if done or abs(loss - before) < still:
                break
        return first

    def _direction(self, state: State, slope: Any) -> Any:
        """Minus the gradient times the approximate inverse Hessian (the two-loop recursion)."""
        if state["n_iter"] == 1:
            state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
            return -slope
        self._remember(state, slope - state["prev_flat_grad"].array, state["d"].array * state["t"])
        past = [(y.array, s.array, float(ro)) for y, s, ro in zip(*_history(state), strict=True)]
        turned, shares = -slope, []
        for y, s, ro in reversed(past):
            shares.append(float(s @ turned) * ro)
            turned = turned - shares[-1] * y
        turned = turned * float(state["H_diag"])
        for (y, s, ro), share in zip(past, reversed(shares), strict=True):
            turned = turned + (share - float(y @ turned) * ro) * s
        return turned

    def _remember(self, state: State, change: Any, step: Any) -> None:
        """Keep the last pairs (change of the gradient, step) whose curvature is positive."""
        curvature = float(change @ step)
        if curvature > 1e-10:
            for kept, value in zip(_history(state), (wrap(change), wrap(step), 1.0 / curvature), strict=True):
                if len(kept) == self.param_groups[0]["history_size"]:
                    kept.pop(0)
                kept.append(value)
            state["H_diag"] = curvature / float(change @ change)

    def _slope(self) -> Any:
        """All gradients as one array of one axis; 0 where there is none."""
        arrays = [p.array for p in self.param_groups[0]["params"]]
        slopes = [None if p.grad is None else p.grad.array for p in self.param_groups[0]["params"]]
        xp = module_of(arrays[0])
        parts = [xp.zeros_like(a) if g is None else g for a, g in zip(arrays, slopes, strict=True)]
        return xp.concatenate([part.reshape(-1) for part in parts])

    def _move(self, length: float, direction: Any) -> None:
        """Add a step to the parameters."""
        start = 0
        for parameter in self.param_groups[0]["params"]:
            end = start + parameter.array.size
            parameter.array += (direction[start:end] * length).reshape(parameter.array.shape)
            parameter.changed()
            start = end

    def _looker(self, closure: Callable[[], Any], direction: Any) -> Callable[[float], Point]:
        """What a step of some length would find; the parameters are put back."""
        parameters = self.param_groups[0]["params"]
        held = [p.array.copy() for p in parameters]

        def look(t: float) -> Point:
            self._move(t, direction)
            with enable_grad():
                loss = float(closure())
            gradient = self._slope()
            for parameter, values in zip(parameters, held, strict=True):
                parameter.array[...] = values
                parameter.changed()
            return Point(t, loss, gradient, float(gradient @ direction))

        return look


def _history(state: State) -> tuple[list[Any], list[Any], list[Any]]:
    return state["old_dirs"], state["old_stps"], state["ro"]


def _largest(array: Any) -> float:
    return float(abs(array).max())


def strong_wolfe(look: Callable[[float], Point], start: Point, t: float, reach: float, most: int) -> tuple[Point, int]:
    """A step that lowers the loss and flattens the slope enough, and how many times the loss was computed."""

    def too_high(p: Point) -> bool:
        return p.loss > start.loss + SUFFICIENT * p.t * start.slope

    def flat(p: Point) -> bool:
        return abs(p.slope) <= -CURVATURE * start.slope

    most = max(most, 0)
    before, point, turns, bracket = start, look(t), 0, None
    while turns < most:
        if too_high(point) or (turns > 1 and point.loss >= before.loss):
            bracket = [before, point]
        elif flat(point):
            return point, turns + 1
        elif point.slope >= 0:
            bracket = [before, point]
        if bracket:
            break
        bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, look(_cubic(before, point, bounds))
        turns += 1
    bracket = bracket or [start, point]
    low, high = sorted(bracket, key=lambda p: p.loss)
    stuck = False
    while turns < most and abs(high.t - low.t) * reach >= 1e-9:
        first, last = sorted((low, high), key=lambda p: p.t)
        t, stuck = _inside(_cubic(bracket[0], bracket[1], (first.t, last.t)), first.t, last.t, stuck)
        point, turns = look(t), turns + 1
        ordered = bracket[0] is low
        if too_high(point) or point.loss >= low.loss:
            bracket = [low, point] if ordered else [point, low]
            low, high = sorted(bracket, key=lambda p: p.loss)
            continue
        if flat(point):
            low = point
            break
        if point.slope * (high.t - low.t) >= 0:
            high = low
        low = point
        bracket = [low, high] if ordered else [high, low]
    return low, turns + 1


def _inside(t: float, first: float, last: float, stuck: bool) -> tuple[float, bool]:
    """Keep away from the ends of the bracket, so that it shrinks; whether the next trial must move away."""
    margin = 0.1 * (last - first)
    if min(last - t, t - first) >= margin:
        return t, False
    if stuck or t >= last or t <= first:
        return (last - margin if abs(t - last) < abs(t - first) else first + margin), False
    return t, True


def _cubic(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """The lowest point of the cubic through two points and their slopes, held between bounds (equation 3.59)."""
    low, high = (a, b) if a.t <= b.t else (b, a)
    if low.t == high.t:
        return (bounds[0] + bounds[1]) / 2
    d1 = low.slope + high.slope - 3 * (low.loss - high.loss) / (low.t - high.t)
    square = d1**2 - low.slope * high.slope
    if not square >= 0:
        return (bounds[0] + bounds[1]) / 2
    d2 = math.sqrt(square)
    t = high.t - (high.t - low.t) * ((high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2))
    return min(max(t, bounds[0]), bounds[1])
