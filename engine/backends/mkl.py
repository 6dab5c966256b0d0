"""PyTorch's `torch.backends.mkl`: not used by this engine."""


def is_available() -> bool:
    """Always False: the engine computes with NumPy or CuPy.

    >>> engine.backends.mkl.is_available()
    False
    """
    return False
