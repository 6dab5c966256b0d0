"""How parameters learn: optimisers (`OPTIMIZERS`) and learning-rate schedules (`SCHEDULES`)."""

from engine.optim import lr_scheduler
from engine.optim.adam import Adam, AdamW
from engine.optim.adaptive import Adagrad, RMSprop
from engine.optim.optimizer import OPTIMIZERS, Optimizer
from engine.optim.schedule import SCHEDULES
from engine.optim.sgd import SGD

__all__ = ["OPTIMIZERS", "SCHEDULES", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
