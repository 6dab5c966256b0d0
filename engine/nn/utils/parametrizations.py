"""PyTorch's path to the parametrizations that it knows."""

from engine.nn.parametrizations import orthogonal, spectral_norm, weight_norm

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]
