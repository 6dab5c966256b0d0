"""PyTorch's `torch.backends.cuda`."""

from types import SimpleNamespace

from engine.array import cuda_count

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False)


def is_built() -> bool:
    """Whether a CUDA device can be used.

    >>> engine.backends.cuda.is_built() == engine.cuda.is_available()
    True
    """
    return cuda_count() > 0
