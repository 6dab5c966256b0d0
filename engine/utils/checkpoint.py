"""PyTorch's `torch.utils.checkpoint`, by its names."""

from engine.checkpoint import CheckpointError as CheckpointError
from engine.checkpoint import checkpoint as checkpoint
from engine.checkpoint import checkpoint_sequential as checkpoint_sequential
