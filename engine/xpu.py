"""PyTorch's `torch.xpu`: Intel's graphics processors are not used by this engine."""


def is_available() -> bool:
    """Always False.

    >>> engine.xpu.is_available()
    False
    """
    return False


def device_count() -> int:
    """Always 0.

    >>> engine.xpu.device_count()
    0
    """
    return 0
