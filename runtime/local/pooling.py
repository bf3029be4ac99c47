from enum import StrEnum
from typing import Final

import psycopg

from services.database.connection import open_connection

# A pooler mostly lends the connection that was given back last; one that serves others too may lend another.
_TRIES: Final = 5


class Pooling(StrEnum):
    """What stands between a client and its PostgreSQL, as far as a client can tell."""

    NONE = "directly"
    TRANSACTION = "through a pooler in transaction mode"
    STATEMENT = "through a pooler in statement mode"
    UNKNOWN = "through a pooler, whose mode cannot be told from here (session mode, or one that is busy)"


def detect_pooling(url: str) -> Pooling:
    """Return how connections to the database of a libpq URL reach it; raise psycopg.Error where none does.

    A pooler makes up the process id that it gives a client, so that it differs from PostgreSQL's own. In
    transaction mode two clients that are connected at once meet the same process.
    """
    with open_connection(url) as first:
        first.autocommit = True
        if _process_of(first) == first.info.backend_pid:
            return Pooling.NONE
        if not _has_transactions(url):
            return Pooling.STATEMENT
        with open_connection(url) as second:
            second.autocommit = True
            shared = any(_process_of(first) == _process_of(second) for _ in range(_TRIES))
    return Pooling.TRANSACTION if shared else Pooling.UNKNOWN


def _process_of(connection: "psycopg.Connection[tuple[int]]") -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row[0] if row else 0


def _has_transactions(url: str) -> bool:
    try:
        with open_connection(url) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
