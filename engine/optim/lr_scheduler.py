"""The schedules under PyTorch's path: `engine.optim.lr_scheduler.StepLR`."""

from engine.optim.schedule import (
    ConstantLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from engine.optim.schedule_compound import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from engine.optim.schedule_cycle import CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from engine.optim.schedule_function import LambdaLR, MultiplicativeLR

_LRScheduler = LRScheduler  # the name that older programs derive from

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
