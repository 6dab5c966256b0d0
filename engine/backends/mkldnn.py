"""PyTorch's `torch.backends.mkldnn`: not used by this engine."""


def is_available() -> bool:
    """Always False: the engine computes with NumPy or CuPy.

    >>> engine.backends.mkldnn.is_available()
    False
    """
    return False
