"""The names of torchvision that tutorials use: `sys.modules["torchvision"] = engine.vision`."""

from engine.vision import datasets as datasets
from engine.vision import transforms as transforms
from engine.vision import utils as utils

__version__ = "0.28.0"
