"""PyTorch's path `torch.utils.data.sampler`."""

from engine.data import BatchSampler as BatchSampler
from engine.data import RandomSampler as RandomSampler
from engine.data import Sampler as Sampler
from engine.data import SequentialSampler as SequentialSampler
from engine.data import SubsetRandomSampler as SubsetRandomSampler
from engine.data import WeightedRandomSampler as WeightedRandomSampler
