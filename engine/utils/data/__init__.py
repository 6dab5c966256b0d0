"""PyTorch's path `torch.utils.data`, for the names of `engine.data`."""

from engine.data import BatchSampler as BatchSampler
from engine.data import ChainDataset as ChainDataset
from engine.data import ConcatDataset as ConcatDataset
from engine.data import DataLoader as DataLoader
from engine.data import Dataset as Dataset
from engine.data import IterableDataset as IterableDataset
from engine.data import RandomSampler as RandomSampler
from engine.data import Sampler as Sampler
from engine.data import SequentialSampler as SequentialSampler
from engine.data import StackDataset as StackDataset
from engine.data import Subset as Subset
from engine.data import SubsetRandomSampler as SubsetRandomSampler
from engine.data import TensorDataset as TensorDataset
from engine.data import WeightedRandomSampler as WeightedRandomSampler
from engine.data import default_collate as default_collate
from engine.data import default_convert as default_convert
from engine.data import get_worker_info as get_worker_info
from engine.data import random_split as random_split
from engine.utils.data import dataloader as dataloader
from engine.utils.data import dataset as dataset
from engine.utils.data import sampler as sampler
