from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from models.tables import TABLES
from services.database.audit_entries import append_at_commit
from services.database.connection import open_connection
from services.database.pool import OnChange, WatchedPool
from services.database.row_security import RowScope, info_of, narrow
from services.database.write_guard import guard

assert TABLES  # noqa: S101 - imported so that every foreign key finds its table


class Database:
    """The application's database: sessions whose transactions are visible where they are opened."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        guard(self._sessions)
        append_at_commit(self._sessions)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10) -> "Database":
        """Make the database of a libpq URL (`postgresql://…`); the first transaction opens a connection."""
        engine = create_engine(
            "postgresql+psycopg://",
            creator=partial(open_connection, url),
            poolclass=WatchedPool,
            pool_size=pool_size,
            max_overflow=pool_size,
            # A server that was restarted leaves dead connections behind; a request must not meet one.
            pool_pre_ping=True,
            hide_parameters=True,
        )
        return cls(engine)

    def narrowed(self, scope: Callable[[], RowScope]) -> "ScopedDatabase":
        """Return the same database, each of whose transactions reaches the rows of its scope alone."""
        return ScopedDatabase(self, scope)

    @contextmanager
    def transaction(self, scope: RowScope | None = None) -> Iterator[Session]:
        """Open a session whose work commits at the end, or not at all.

        `scope` says whose rows it reaches, where the database is a narrowed one.
        """
        with self._sessions(info=info_of(scope)) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session to read with; its reader ends each transaction itself (`session.commit()`)."""
        with self._sessions() as session:
            yield session

    def watch_connections(self, on_change: OnChange) -> None:
        """Report changes of the pool's connections from now on (services/database/pool.py)."""
        if isinstance(self.engine.pool, WatchedPool):
            self.engine.pool.watch(on_change)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class ScopedDatabase(Database):
    """A database behind row-level security (services/database/row_security.py)."""

    def __init__(self, whole: Database, scope: Callable[[], RowScope]) -> None:
        super().__init__(whole.engine)
        narrow(self._sessions, scope)
