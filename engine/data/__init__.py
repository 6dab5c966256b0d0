"""Examples to learn from: datasets, samplers, loaders. One file for each source; `DATASETS` lists them."""

from engine.data import cifar10, csv, distributed, mnist, plane, transforms
from engine.data.collate import default_collate, default_convert
from engine.data.dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from engine.data.download import Progress, download
from engine.data.loader import DataLoader
from engine.data.picture import Image
from engine.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from engine.data.source import DATASETS, Arrays, Card, DataShape, Source, Split
from engine.data.table import Table, parse_table
from engine.data.worker import get_worker_info

__all__ = [
    "DATASETS",
    "Arrays",
    "BatchSampler",
    "Card",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "DataShape",
    "Dataset",
    "Image",
    "IterableDataset",
    "Progress",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Source",
    "Split",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "Table",
    "TensorDataset",
    "WeightedRandomSampler",
    "cifar10",
    "csv",
    "default_collate",
    "default_convert",
    "distributed",
    "download",
    "get_worker_info",
    "mnist",
    "parse_table",
    "plane",
    "random_split",
    "transforms",
]
