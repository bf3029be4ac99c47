from collections.abc import Callable
from enum import StrEnum
from typing import Final

from sqlalchemy import QueuePool, event
from sqlalchemy.pool import ConnectionPoolEntry


class PoolFigure(StrEnum):
    """What is counted of a pool's connections."""

    OPEN = "open"
    IN_USE = "in_use"
    WAITED_FOR = "waited_for"
    LIMIT = "limit"


MEANINGS: Final = {
    PoolFigure.OPEN: "Connections to the database that are open.",
    PoolFigure.IN_USE: "Connections to the database that are in use.",
    PoolFigure.WAITED_FOR: "Threads that wait for a connection to the database.",
    PoolFigure.LIMIT: "Connections to the database that may be open.",
}

Told = Callable[[PoolFigure, int], object]

_EVENTS: Final = {
    "connect": (PoolFigure.OPEN, 1),
    "close": (PoolFigure.OPEN, -1),
    "checkout": (PoolFigure.IN_USE, 1),
    "checkin": (PoolFigure.IN_USE, -1),
}


class WatchedPool(QueuePool):
    """A pool that tells one watcher by how much a figure changed, in whatever thread it did."""

    _told: Told = staticmethod(lambda *_: None)

    def watch(self, told: Told) -> None:
        """Tell every change from now on; to be called before the first connection is opened."""
        self._told = told
        told(PoolFigure.LIMIT, self.size() + self._max_overflow)
        for name, change in _EVENTS.items():
            event.listen(self, name, lambda *_, change=change: told(*change))

    def _do_get(self) -> ConnectionPoolEntry:
        self._told(PoolFigure.WAITED_FOR, 1)
        try:
            return super()._do_get()
        finally:
            self._told(PoolFigure.WAITED_FOR, -1)
