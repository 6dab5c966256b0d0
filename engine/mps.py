"""PyTorch's `torch.mps`: Apple's graphics processors are not used by this engine."""


def is_available() -> bool:
    """Always False.

    >>> engine.mps.is_available()
    False
    """
    return False


def device_count() -> int:
    """Always 0.

    >>> engine.mps.device_count()
    0
    """
    return 0
