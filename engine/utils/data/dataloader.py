"""PyTorch's path `torch.utils.data.dataloader`."""

from engine.data import DataLoader as DataLoader
from engine.data import default_collate as default_collate
from engine.data import default_convert as default_convert
from engine.data import get_worker_info as get_worker_info
