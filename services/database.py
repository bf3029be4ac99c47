from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from models.tables import TABLES
from services.lifecycle_guard import guard

CONNECT_TIMEOUT = timedelta(seconds=3)
STATEMENT_TIMEOUT = timedelta(seconds=30)

_OPTIONS = f"-c statement_timeout={STATEMENT_TIMEOUT // timedelta(milliseconds=1)} -c timezone=UTC"

assert TABLES  # noqa: S101 - imported so that every foreign key finds its table


class Database:
    """The application's database: sessions whose transactions are visible where they are opened."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        guard(self._sessions)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10) -> "Database":
        """Make the database of a libpq URL (`postgresql://…`); the first transaction opens a connection."""
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(
                url,
                connect_timeout=int(CONNECT_TIMEOUT.total_seconds()),
                options=_OPTIONS,
            ),
            pool_size=pool_size,
            max_overflow=pool_size,
            # A server that was restarted leaves dead connections behind; a request must not meet one.
            pool_pre_ping=True,
            hide_parameters=True,
        )
        return cls(engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session whose work commits at the end, or not at all."""
        with self._sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
