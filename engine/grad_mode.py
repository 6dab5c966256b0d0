"""Whether history is recorded: as `with` blocks, and as decorators of functions, methods and generators."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, TypeVar

from engine.graph import Mode, Recorder, current_mode, reset_mode, set_mode
from engine.ops.op import Op
from engine.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


class _Inference(Recorder):
    """Marks what is made in inference mode."""

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        output.__dict__["_inference"] = True


_INFERENCE = _Inference()


def _mode(on: bool) -> Mode:
    """This thread's mode with history on or off; inference mode cannot be left by switching it on."""
    recorders = current_mode().recorders
    return Mode(on and _INFERENCE not in recorders, recorders)


class _GradMode:
    """`with no_grad():`, `@no_grad()` and `@no_grad`."""

    on: bool

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None or not callable(function) else cls()(function)

    def __init__(self, *_: object) -> None:
        self._tokens: list[Any] = []

    def _inside(self) -> Mode:
        return _mode(self.on)

    def __enter__(self) -> None:
        self._tokens.append(set_mode(self._inside()))

    def __exit__(self, *_: object) -> None:
        reset_mode(self._tokens.pop())

    def __call__(self, function: F) -> F:
        return _decorated(function, self._inside)  # type: ignore[no-any-return]


def _decorated(function: Any, mode: Callable[[], Mode]) -> Any:
    """The function, or every step of the generator, in that mode."""

    def call(step: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        token = set_mode(mode())
        try:
            return step(*arguments, **named)
        finally:
            reset_mode(token)

    @wraps(function)
    def inside(*arguments: Any, **named: Any) -> Any:
        return call(function, *arguments, **named)

    @wraps(function)
    def generated(*arguments: Any, **named: Any) -> Generator[Any, Any, Any]:
        steps = call(function, *arguments, **named)
        try:
            given = call(steps.send, None)
            while True:
                try:
                    answer = yield given
                except GeneratorExit:
                    call(steps.close)
                    raise
                except BaseException as thrown:
                    given = call(steps.throw, thrown)
                else:
                    given = call(steps.send, answer)
        except StopIteration as end:
            return end.value

    return generated if inspect.isgeneratorfunction(function) else inside


class no_grad(_GradMode):  # noqa: N801
    """No history inside: results do not require gradients, and leaves may be written to.

    >>> x = engine.tensor(2.0, requires_grad=True)
    >>> with engine.no_grad(): y = x * 2
    >>> y.requires_grad
    False
    """

    on = False


class enable_grad(_GradMode):  # noqa: N801
    """History inside, also within `no_grad`.

    >>> x = engine.tensor(2.0, requires_grad=True)
    >>> with engine.no_grad(), engine.enable_grad(): y = x * 2
    >>> y.requires_grad
    True
    """

    on = True


class inference_mode(_GradMode):  # noqa: N801
    """No history, and results are marked as such: `is_inference()`; `enable_grad` inside does not switch it on.

    >>> with engine.inference_mode(): y = engine.tensor(1.0, requires_grad=True) * 2
    >>> y.is_inference(), y.requires_grad
    (True, False)
    """

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
        self.on = not mode

    def _inside(self) -> Mode:
        others = tuple(r for r in current_mode().recorders if r is not _INFERENCE)
        return Mode(self.on, others if self.on else (*others, _INFERENCE))


class set_grad_enabled:  # noqa: N801
    """Record history or not; works at once, as a `with` block, and as a decorator.

    >>> with engine.set_grad_enabled(False): engine.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        self._on, self._before = mode, current_mode()
        set_mode(_mode(mode))

    def __enter__(self) -> None:
        """The mode was already set."""

    def __exit__(self, *_: object) -> None:
        set_mode(self._before)

    def __call__(self, function: F) -> F:
        set_mode(self._before)
        return _decorated(function, lambda: _mode(self._on))  # type: ignore[no-any-return]


def is_grad_enabled() -> bool:
    """Whether ops are recorded now.

    >>> engine.is_grad_enabled()
    True
    """
    return current_mode().grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on.

    >>> engine.is_inference_mode_enabled()
    False
    """
    return _INFERENCE in current_mode().recorders


def is_inference(t: Tensor) -> bool:
    """Whether a tensor was computed in inference mode.

    >>> engine.tensor(1.0).is_inference()
    False
    """
    return "_inference" in t.__dict__


setattr(Tensor, "is_inference", is_inference)  # noqa: B010
