"""What a run does and says."""

from engine.train.commands import Command
from engine.train.events import Ack, Changed, Event, Metrics, State
from engine.train.loop import Run, train

__all__ = ["Ack", "Changed", "Command", "Event", "Metrics", "Run", "State", "train"]
