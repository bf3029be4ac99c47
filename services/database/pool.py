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

OnChange = Callable[[PoolFigure, int], object]

_EVENTS: Final = {
    "connect": (PoolFigure.OPEN, 1),
    "close": (PoolFigure.OPEN, -1),
}
_LENT: Final = "lent"


class WatchedPool(QueuePool):
    """A pool that calls one watcher with each change of a figure, in the thread that changed it."""

    _on_change: OnChange = staticmethod(lambda *_: None)

    def watch(self, on_change: OnChange) -> None:
        """Report every change from now on; call it before the first connection is opened."""
        self._on_change = on_change
        on_change(PoolFigure.LIMIT, self.size() + self._max_overflow)
        for name, change in _EVENTS.items():
            event.listen(self, name, lambda *_, change=change: on_change(*change))
        event.listen(self, "checkout", self._lend)
        event.listen(self, "checkin", self._take_back)

    def _lend(self, _: object, entry: ConnectionPoolEntry, __: object) -> None:
        entry.record_info[_LENT] = True  # type: ignore[index] # None for one that has left the pool alone
        self._on_change(PoolFigure.IN_USE, 1)

    def _take_back(self, _: object, entry: ConnectionPoolEntry) -> None:
        # Also called for what was never lent: where connecting or the ping before lending failed.
        if (entry.record_info or {}).pop(_LENT, False):
            self._on_change(PoolFigure.IN_USE, -1)

    def _do_get(self) -> ConnectionPoolEntry:
        self._on_change(PoolFigure.WAITED_FOR, 1)
        try:
            return super()._do_get()
        finally:
            self._on_change(PoolFigure.WAITED_FOR, -1)
