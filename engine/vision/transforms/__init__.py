"""torchvision's path `torchvision.transforms`, for the transforms of `engine.data.transforms`."""

from engine.data.transforms import *  # noqa: F403
from engine.data.transforms import InterpolationMode as InterpolationMode
from engine.vision.transforms import functional as functional
