"""PyTorch's path `torch.utils.data.dataset`."""

from engine.data import ChainDataset as ChainDataset
from engine.data import ConcatDataset as ConcatDataset
from engine.data import Dataset as Dataset
from engine.data import IterableDataset as IterableDataset
from engine.data import StackDataset as StackDataset
from engine.data import Subset as Subset
from engine.data import TensorDataset as TensorDataset
from engine.data import random_split as random_split
