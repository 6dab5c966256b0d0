"""Examples to learn from: datasets, splits, loaders. One file for each source; `DATASETS` lists them."""

from engine.data import cifar10, csv, mnist, plane
from engine.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from engine.data.download import Progress, download
from engine.data.loader import DataLoader, default_collate
from engine.data.source import DATASETS, Arrays, Card, DataShape, Source, Split
from engine.data.table import Table, parse_table

__all__ = [
    "DATASETS",
    "Arrays",
    "Card",
    "ConcatDataset",
    "DataLoader",
    "DataShape",
    "Dataset",
    "Progress",
    "Source",
    "Split",
    "Subset",
    "Table",
    "TensorDataset",
    "cifar10",
    "csv",
    "default_collate",
    "download",
    "mnist",
    "parse_table",
    "plane",
    "random_split",
]
