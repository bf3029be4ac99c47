from collections.abc import Iterator
from pathlib import Path

import pytest

from services.database.session import Database
from tests.pgbouncer import Pooler, running_pgbouncer


@pytest.fixture(scope="session")
def pooler(server_folder: Path, postgres_url: str) -> Iterator[Pooler]:
    """PgBouncer in transaction mode before the PostgreSQL server that all tests share."""
    with running_pgbouncer(server_folder / "pgbouncer", postgres_url) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(pooler: Pooler, database_url: str) -> str:
    """This test's database, through the pooler."""
    return pooler.before(database_url)


@pytest.fixture
def pooled(pooled_url: str) -> Iterator[Database]:
    """The services' way into a fresh database, through the pooler."""
    database = Database.connect(pooled_url)
    yield database
    database.close()


@pytest.fixture
def database(pooled: Database) -> Database:
    """What every test in this folder works with; tests of other folders that are imported here too."""
    return pooled
