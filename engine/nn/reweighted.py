"""Weights made of other parameters before every call: weight norm and spectral norm, in PyTorch's older form."""

from __future__ import annotations

from typing import Any

from engine import functions
from engine.autodiff import no_grad
from engine.errors import ArgumentError
from engine.nn import functional, init
from engine.nn.module import Module
from engine.nn.parameter import Parameter


def norm_but(weight: Any, dim: int | None) -> Any:
    """The length of the parts of a weight along one axis, or of the whole, in a shape that divides it."""
    if dim is None or dim == -1:
        return (weight * weight).sum().sqrt()
    axes = tuple(i for i in range(weight.ndim) if i != dim % weight.ndim)
    return (weight * weight).sum(axes, True).sqrt()


class WeightNorm:
    """Computes a weight from its length g and its direction v before every call."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """g * v / |v|."""
        length, direction = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return direction * (length / norm_but(direction, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn a weight's length and direction apart (Salimans and Kingma, 2016).

    >>> list(nn.utils.weight_norm(nn.Linear(2, 3), "weight").state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    rule, weight = WeightNorm(name, dim), getattr(module, name)
    _refuse_twice(module, WeightNorm, name)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_but(weight.detach(), rule.dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, rule.compute_weight(module))
    module.register_forward_pre_hook(rule)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make a weight an ordinary parameter again.

    >>> list(nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3))).state_dict())
    ['bias', 'weight']
    """
    rule = _taken(module, WeightNorm, name)
    weight = rule.compute_weight(module).detach()
    for part in (name, f"{name}_g", f"{name}_v"):
        delattr(module, part)
    setattr(module, name, Parameter(weight))
    return module


class SpectralNorm:
    """Divides a weight by its largest singular value, which a power iteration follows."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ArgumentError("spectral_norm(n_power_iterations)", "at least 1", n_power_iterations)
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Any:
        """weight / sigma."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(unit(matrix.t().mv(u), self.eps))
                    u.copy_(unit(matrix.mv(v), self.eps))
        return weight / functions.dot(u.clone(), matrix.mv(v.clone()))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def as_matrix(weight: Any, dim: int) -> Any:
    """A weight with axis `dim` as rows and all others as columns."""
    turned = weight if dim == 0 else weight.movedim(dim, 0)
    return turned.reshape((turned.shape[0], -1))


def unit(vector: Any, eps: float) -> Any:
    """A vector at length 1."""
    return functional.normalize(vector, dim=0, eps=eps)


def first_vectors(weight: Any, dim: int, eps: float) -> tuple[Any, Any]:
    """Random directions, and what a few power iterations make of them."""
    matrix = as_matrix(weight.detach(), dim)
    u, v = (unit(init.normal_(side.clone()), eps) for side in (matrix[:, 0], matrix[0]))
    for _ in range(15):
        v = unit(matrix.t().mv(u), eps)
        u = unit(matrix.mv(v), eps)
    return u, v


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Hold a weight's largest singular value at 1 (Miyato et al., 2018).

    >>> list(nn.utils.spectral_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    axis = (1 if type(module).__name__.startswith("ConvTranspose") else 0) if dim is None else dim
    rule, weight = SpectralNorm(name, n_power_iterations, axis, eps), getattr(module, name)
    _refuse_twice(module, SpectralNorm, name)
    u, v = first_vectors(weight, axis, eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(rule)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make a weight an ordinary parameter again.

    >>> list(nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 3))).state_dict())
    ['bias', 'weight']
    """
    rule = _taken(module, SpectralNorm, name)
    weight = rule.compute_weight(module, False).detach()
    for part in ("", "_orig", "_u", "_v"):
        delattr(module, name + part)
    module.register_parameter(name, Parameter(weight))
    return module


def _refuse_twice(module: Module, kind: type, name: str) -> None:
    if any(
        isinstance(h.call, kind) and getattr(h.call, "name", None) == name for h in module._forward_pre_hooks.values()
    ):
        raise Again(kind.__name__, f"a parameter without one, {name!r} has one already")


def _taken(module: Module, kind: type, name: str) -> Any:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook.call, kind) and getattr(hook.call, "name", None) == name:
            del module._forward_pre_hooks[key]
            return hook.call
    raise Again(kind.__name__, f"one on {name!r} of {type(module).__name__}", "none")


class Again(ArgumentError, RuntimeError):
    """A rule that is there already, or not there."""
