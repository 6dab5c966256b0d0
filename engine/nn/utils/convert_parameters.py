"""PyTorch's path to parameters as a vector."""

from engine.nn.vector import parameters_to_vector, vector_to_parameters

__all__ = ["parameters_to_vector", "vector_to_parameters"]
