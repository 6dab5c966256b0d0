"""PyTorch's `torch.backends.cudnn`: the switches that programs set. The engine does not use cuDNN."""

enabled = False
benchmark = False
deterministic = False
allow_tf32 = False


def is_available() -> bool:
    """Always False: the engine does not use cuDNN.

    >>> engine.backends.cudnn.is_available()
    False
    """
    return False


def version() -> None:
    """None: there is no cuDNN.

    >>> engine.backends.cudnn.version()
    """
