"""What a run does and says."""

from engine.train.commands import Command
from engine.train.events import Ack, Changed, Computed, Event, Metrics, State
from engine.train.loop import Run, train

__all__ = ["Ack", "Changed", "Command", "Computed", "Event", "Metrics", "Run", "State", "train"]
