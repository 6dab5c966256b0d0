"""PyTorch's `torch.distributed` as one process sees it: there is no group, and to ask for one is refused.

Training scripts ask these questions before they go their way alone.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn

from engine.errors import Unsupported


def is_available() -> bool:
    """Whether several processes can train together: not here.

    >>> engine.distributed.is_available()
    False
    """
    return False


def is_initialized() -> bool:
    """Whether a group was started.

    >>> engine.distributed.is_initialized()
    False
    """
    return False


def is_torchelastic_launched() -> bool:
    """Whether `torchrun` started this process.

    >>> engine.distributed.is_torchelastic_launched()
    False
    """
    return "TORCHELASTIC_RUN_ID" in os.environ


def get_rank(group: Any = None) -> int:
    """The number of this process in its group; the only one is 0, and -1 where it belongs to none.

    >>> engine.distributed.get_rank()
    0
    """
    return 0 if group is None else -1


def get_world_size(group: Any = None) -> int:
    """The number of processes in the group.

    >>> engine.distributed.get_world_size()
    1
    """
    return 1 if group is None else -1


def init_process_group(*arguments: Any, **named: Any) -> NoReturn:
    """Refused: this engine trains in one process.

    >>> engine.distributed.init_process_group("gloo")
    Traceback (most recent call last):
    engine.errors.Unsupported: init_process_group: expected one process, got a group. ...
    """
    raise Unsupported("init_process_group", "one process", "a group", "Start the script without torchrun.")


def destroy_process_group(group: Any = None) -> None:
    """Nothing is left to end.

    >>> engine.distributed.destroy_process_group()
    """
