"""Parametrizations that PyTorch knows: weight norm, spectral norm, orthogonal matrices."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

from typing import Any

import numpy as np

from engine import functions
from engine.autodiff import no_grad
from engine.counted import eye
from engine.errors import ArgumentError, Unsupported
from engine.nn.module import Module
from engine.nn.parametrize import register_parametrization
from engine.nn.reweighted import as_matrix, first_vectors, norm_but, unit
from engine.tensor import Tensor, wrap


class _WeightNorm(Module):
    """Length times direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        """g * v / |v|."""
        return weight_v * (weight_g / norm_but(weight_v, self.dim))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """The length and the weight itself."""
        return norm_but(weight, self.dim), weight.clone()


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn a weight's length and direction apart (Salimans and Kingma, 2016).

    >>> list(nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value."""

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise OutOfAxes("spectral_norm(dim)", f"an axis of a weight with {weight.ndim}", dim)
        if n_power_iterations <= 0:
            raise ArgumentError("spectral_norm(n_power_iterations)", "at least 1", n_power_iterations)
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, n_power_iterations
        if weight.ndim > 1:
            u, v = first_vectors(weight, self.dim, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    def forward(self, weight: Any) -> Any:
        """weight / sigma."""
        if weight.ndim == 1:
            return unit(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    self._u.copy_(unit(matrix.mv(self._v), self.eps))
                    self._v.copy_(unit(matrix.t().mv(self._u), self.eps))
        return weight / functions.dot(self._u.clone(), matrix.mv(self._v.clone()))

    def right_inverse(self, value: Any) -> Any:
        """The value itself."""
        return value


class OutOfAxes(ArgumentError, IndexError):
    """An axis that a weight does not have."""


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Hold a weight's largest singular value at 1 (Miyato et al., 2018).

    >>> list(nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'parametrizations.weight.original', 'parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    axis = (1 if type(module).__name__.startswith("ConvTranspose") else 0) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(getattr(module, name), n_power_iterations, axis, eps))
    return module


class _Orthogonal(Module):
    """A matrix with orthonormal columns (or rows, where it is wide), made of any matrix A.

    matrix_exp and cayley: of the antisymmetric part of A, times `base`, the first value. householder: a product of
    reflections whose vectors are the columns of A below the diagonal, times `base` too.
    """

    def __init__(self, weight: Any, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Any) -> Any:
        """The orthogonal matrix."""
        wide = x.shape[-2] < x.shape[-1]
        tall = x.transpose(-2, -1) if wide else x
        q = _reflected(tall) if self.orthogonal_map == "householder" else self._turned(tall)
        q = q if getattr(self, "base", None) is None else self.base @ q
        return q.transpose(-2, -1) if wide else q

    def _turned(self, tall: Any) -> Any:
        rows, columns = tall.shape[-2:]
        lower = tall.tril()
        if rows != columns:
            lower = functions.cat([lower, lower.new_zeros((*tall.shape[:-2], rows, rows - columns))], -1)
        skew = lower - lower.transpose(-2, -1)
        if self.orthogonal_map == "matrix_exp":
            return functions.matrix_exp(skew)[..., :columns]
        one = eye(rows, dtype=tall.dtype)
        return functions.linalg_solve(one + skew * -0.5, one + skew * 0.5)[..., :columns]

    def right_inverse(self, value: Tensor) -> Any:
        """What leads to the nearest orthogonal matrix of a value, which becomes the base."""
        if "base" not in self._buffers:
            if self.orthogonal_map != "householder":
                raise Unsupported("orthogonal: assigning a value with use_trivialization=False")
            return _reflections(value)
        turned = value.array.shape[-2] < value.array.shape[-1]
        tall = value.array.swapaxes(-2, -1) if turned else value.array
        q, r = np.linalg.qr(tall, mode="complete")
        count = tall.shape[-1]
        q[..., :count] *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
        self.base = wrap(np.ascontiguousarray(q))
        start = np.zeros(tall.shape, tall.dtype)
        start -= np.eye(*tall.shape[-2:], dtype=tall.dtype)
        return wrap(start.swapaxes(-2, -1) if turned else start)


def _reflected(tall: Any) -> Any:
    """The first columns of the product of reflections I - tau v v^T, v the columns with 1 on the diagonal."""
    rows, columns = tall.shape[-2:]
    lower = tall.tril(-1) + eye(rows, columns, dtype=tall.dtype)
    q = eye(rows, columns, dtype=tall.dtype)
    for place in reversed(range(columns)):
        v = lower[..., place : place + 1]
        q = q - v * (2.0 / (v * v).sum((-2,), True)) @ (v.transpose(-2, -1) @ q)
    signs = tall.diagonal(0, -2, -1).sign()
    return q * signs.detach().unsqueeze(-2)


def _reflections(value: Tensor) -> Tensor:
    """The vectors of the reflections that make the nearest orthogonal matrix, with signs on the diagonal."""
    turned = value.array.shape[-2] < value.array.shape[-1]
    a = np.array(value.array.swapaxes(-2, -1) if turned else value.array)
    flat = a.reshape((-1, *a.shape[-2:]))
    for matrix in flat:
        _factored(matrix)
    return wrap(np.ascontiguousarray(a.swapaxes(-2, -1) if turned else a))


def _factored(matrix: Any) -> None:
    """QR by reflections, in place: vectors below the diagonal, on it the sign of R's."""
    for place in range(matrix.shape[1]):
        column = matrix[place:, place].copy()
        size = np.linalg.norm(column)
        end = -size if column[0] >= 0 else size
        column[0] -= end
        if column[0] != 0:
            v = column / column[0]
            matrix[place:, place + 1 :] -= np.outer(v * (2 / (v @ v)), v @ matrix[place:, place + 1 :])
            matrix[place + 1 :, place] = v[1:]
        matrix[place, place] = 1.0 if end >= 0 else -1.0


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Hold a matrix orthogonal (or its columns or rows orthonormal) while it learns.

    orthogonal_map: "matrix_exp" (the default for square matrices), "cayley", or "householder" (Lezcano-Casado, 2019).

    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
    >>> (layer.weight @ layer.weight.T - engine.eye(3)).abs().max().item() < 1e-5
    True
    """
    weight = getattr(module, name)
    if weight.ndim < 2:
        raise ArgumentError("orthogonal", "a matrix or a batch of matrices", f"{weight.ndim} dims")
    chosen = orthogonal_map or ("matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder")
    if chosen not in ("matrix_exp", "cayley", "householder"):
        raise ArgumentError("orthogonal(orthogonal_map)", "matrix_exp, cayley or householder", chosen)
    register_parametrization(module, name, _Orthogonal(weight, chosen, use_trivialization), unsafe=True)
    return module
