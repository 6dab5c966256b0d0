"""Examples to learn from: datasets, splits, loaders. One file for each source; `DATASETS` lists them."""

from engine.data import cifar10, csv, mnist, plane
from engine.data.download import Progress, download
from engine.data.source import DATASETS, Arrays, Card, DataShape, Source, Split
from engine.data.table import Table, parse_table

__all__ = [
    "DATASETS",
    "Arrays",
    "Card",
    "DataShape",
    "Progress",
    "Source",
    "Split",
    "Table",
    "cifar10",
    "csv",
    "download",
    "mnist",
    "parse_table",
    "plane",
]
