"""PyTorch's `torch.backends.openmp`: not used by this engine."""


def is_available() -> bool:
    """Always False: the engine computes with NumPy or CuPy.

    >>> engine.backends.openmp.is_available()
    False
    """
    return False
