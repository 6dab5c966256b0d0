"""PyTorch's `torch.backends.cpu`."""


def get_cpu_capability() -> str:
    """What NumPy was built for is NumPy's own affair.

    >>> engine.backends.cpu.get_cpu_capability()
    'DEFAULT'
    """
    return "DEFAULT"
