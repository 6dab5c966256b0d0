"""PyTorch's `torch.amp`: mixed precision, which this engine does not do, refused clearly or switched off."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

from engine.array import cuda_count
from engine.errors import Unsupported


class autocast(ContextDecorator):  # noqa: N801
    """`with autocast("cuda", enabled=False):` changes nothing; switched on, it is refused where it would do something.

    As in PyTorch, "cuda" without a CUDA device warns and is switched off.

    >>> with engine.autocast("cpu", enabled=False): pass
    """

    def __init__(
        self, device_type: str = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if enabled and device_type == "cuda" and not cuda_count():
            warnings.warn("autocast('cuda') is switched off: there is no CUDA device", stacklevel=2)
        elif enabled:
            raise Unsupported("autocast", "enabled=False", "enabled=True", "Numbers keep the type that you give them.")

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was changed."""


class GradScaler:
    """Scales losses for float16 gradients; here switched off: `scale` gives the loss itself, `step` steps.

    >>> scaler = engine.amp.GradScaler("cpu", enabled=False)
    >>> scaler.scale(engine.tensor(2.0)), scaler.get_scale()
    (tensor(2.), 1.0)
    """

    def __init__(self, device: str = "cuda", init_scale: float = 65536.0, enabled: bool = True, **_: Any) -> None:
        if enabled and device == "cuda" and not cuda_count():
            warnings.warn("GradScaler is switched off: there is no CUDA device", stacklevel=2)
        elif enabled:
            raise Unsupported(
                "GradScaler", "enabled=False", "enabled=True", "Numbers keep the type that you give them."
            )

    def scale(self, outputs: Any) -> Any:
        """The loss itself."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Nothing to undo."""

    def step(self, optimizer: Any, *arguments: Any, **named: Any) -> Any:
        """The optimiser's step."""
        step: Callable[..., Any] = optimizer.step
        return step(*arguments, **named)

    def update(self, new_scale: Any = None) -> None:
        """Nothing to update."""

    def get_scale(self) -> float:
        """Always 1."""
        return 1.0

    def is_enabled(self) -> bool:
        """Always False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Empty."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to load."""
