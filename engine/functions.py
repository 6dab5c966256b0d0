"""Every op and composition as a function, by PyTorch's names: `from engine.functions import tanh, cat`."""

from __future__ import annotations

from typing import Any

from engine import methods
from engine.tensor import Tensor

TABLE: dict[str, Any] = dict(methods.CALLS)
TABLE |= {f"{name}_": getattr(Tensor, f"{name}_") for name in methods.twins()}
TABLE |= {name: getattr(Tensor, name) for name in ("detach", "fill_", "get_device", "as_strided_", "resize_as_")}
TABLE |= {"is_tensor": methods.is_tensor}


def __getattr__(name: str) -> Any:
    try:
        return TABLE[name]
    except KeyError:
        raise AttributeError(f"engine has no function {name!r}") from None


def __dir__() -> list[str]:
    return sorted(name for name, call in TABLE.items() if not getattr(call, "inner", False))
