from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader

CONNECT_TIMEOUT = timedelta(seconds=3)


def open_connection(url: str) -> psycopg.Connection[Any]:
    """Open a connection to the database of a libpq URL that also works behind a pooler in transaction mode.

    Such a pooler gives each transaction another session: nothing is set at connect, no statement is prepared
    (law L11), and what a session begins with belongs to its role (services/database/role_settings.py).
    """
    connection = psycopg.connect(
        url, connect_timeout=CONNECT_TIMEOUT // timedelta(seconds=1), prepare_threshold=None
    )
    connection.adapters.register_loader("timestamptz", _UtcLoader)
    return connection


class _UtcLoader(TimestamptzLoader):
    """Reads times in UTC, whatever the session's time zone is."""

    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)
