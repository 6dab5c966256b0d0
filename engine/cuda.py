"""PyTorch's `torch.cuda`: what can be asked of the graphics processors."""

from engine.array import cuda_count
from engine.array import synchronize as synchronize
from engine.rng import manual_seed


def is_available() -> bool:
    """Whether a CUDA device can be used (CuPy and a driver are there)."""
    return cuda_count() > 0


def device_count() -> int:
    """The number of CUDA devices."""
    return cuda_count()


def manual_seed_all(seed: int) -> None:
    """Seed the generator that every device uses."""
    manual_seed(seed)
