"""Changes to images on their way to a network, under torchvision's names.

Every transform takes a tensor (..., channels, height, width), an `Image`, or an image of Pillow, and hands back the
same kind. Random ones draw from the engine's generator, so `manual_seed` repeats them.
"""

from engine.data.transforms.colour import ColorJitter, Grayscale, RandomErasing, RandomGrayscale
from engine.data.transforms.conversion import ConvertImageDtype, Normalize, PILToTensor, ToPILImage, ToTensor
from engine.data.transforms.kind import Compose, InterpolationMode, Lambda, RandomApply, RandomChoice, RandomOrder
from engine.data.transforms.place import (
    CenterCrop,
    Pad,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
)

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToPILImage",
    "ToTensor",
]
