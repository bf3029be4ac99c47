import threading

from sqlalchemy import Connection, Engine, event


class OpenTransactions:
    """Knows which transactions of a database the present thread has open."""

    def __init__(self, engine: Engine) -> None:
        self._of_thread = threading.local()
        event.listen(engine, "begin", lambda connection: self._open().add(connection))
        for end in ("commit", "rollback"):
            event.listen(engine, end, lambda connection: self._open().discard(connection))

    def refuse(self, what: str) -> None:
        """Fail where one is open: nothing that waits for a network may hold locks and a connection."""
        assert not self._open(), f"{what} with a transaction open"

    def _open(self) -> set[Connection]:
        if not hasattr(self._of_thread, "open"):
            self._of_thread.open = set()
        found: set[Connection] = self._of_thread.open
        return found
