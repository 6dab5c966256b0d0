"""How parameters learn: optimisers (`OPTIMIZERS`) and learning-rate schedules (`SCHEDULES`)."""

from engine.optim import lr_scheduler, swa_utils
from engine.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from engine.optim.adaptive import ASGD, Adadelta, Adagrad, RMSprop, Rprop
from engine.optim.lbfgs import LBFGS
from engine.optim.matrix import Adafactor, Muon
from engine.optim.optimizer import OPTIMIZERS, Optimizer
from engine.optim.schedule import SCHEDULES
from engine.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]
