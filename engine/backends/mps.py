"""PyTorch's `torch.backends.mps`: not used by this engine."""


def is_available() -> bool:
    """Always False: the engine computes with NumPy or CuPy.

    >>> engine.backends.mps.is_available()
    False
    """
    return False


def is_built() -> bool:
    """Always False.

    >>> engine.backends.mps.is_built()
    False
    """
    return False
