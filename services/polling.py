import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Final, TypeVar

T = TypeVar("T")

_FIRST_PAUSE: Final = timedelta(milliseconds=50)
_LONGEST_PAUSE: Final = timedelta(milliseconds=400)


def poll(
    look: Callable[[], T | None], patience: timedelta | None, *, stopping: Event | None = None
) -> T | None:
    """Return the first truthy answer of `look`, with growing pauses between the looks.

    None where `patience` runs out (None: it never does), or once `stopping` is set.
    """
    deadline = time.monotonic() + patience.total_seconds() if patience is not None else None
    pause, stopping = _FIRST_PAUSE, stopping or Event()
    while not (found := look()):
        left = timedelta(seconds=deadline - time.monotonic()) if deadline is not None else pause
        if left <= timedelta(0) or stopping.wait(min(pause, left).total_seconds()):
            return None
        pause = min(pause * 2, _LONGEST_PAUSE)
    return found
