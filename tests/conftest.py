import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from runtime.local.postgres import running_postgres
from runtime.migrate import upgrade
from services.database.session import Database
from tests.figures import FiguresPlugin
from tests.lanes import group_of, lane_of
from tests.system import System, up
from tests.world import World, make_two_commits

TEMPLATE = "migrated"

# A busy machine is no finding: what hangs is ended by pytest-timeout.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")
# What `make fuzz` asks for.
settings.register_profile(
    "fuzz", deadline=None, max_examples=20_000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for servers: as root, PostgreSQL is another user, who may not enter pytest's own."""
    with tempfile.TemporaryDirectory(prefix="operationrun-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_url(server_folder: Path) -> Iterator[str]:
    """A PostgreSQL server that all tests share, with the migrated template database on it."""
    with running_postgres(server_folder / "postgres", say=lambda _: None) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            # No test takes the power away, and a database is dropped ten times as fast without waiting.
            connection.execute("ALTER SYSTEM SET fsync = off")
            # `migrate` sets it for the role in its database; a copy of the template would be without it.
            connection.execute("ALTER SYSTEM SET statement_timeout = '30s'")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        upgrade(named(server.url, TEMPLATE))
        yield server.url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A fresh, migrated database of this test's own."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        yield named(postgres_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The services' way into a fresh database."""
    database = Database.connect(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def system(server_folder: Path) -> Iterator[System]:
    """The system that all tests share; each makes environments of its own."""
    with up(server_folder / "up") as system:
        yield system


@pytest.fixture(scope="session")
def idle_system(server_folder: Path) -> Iterator[System]:
    """A system without a worker."""
    with up(server_folder / "idle", "--no-worker") as system:
        yield system


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """The folder under which a test's repositories are allowed."""
    folder = tmp_path / "repositories"
    folder.mkdir()
    return folder


@pytest.fixture
def world(database: Database, repositories: Path) -> World:
    """A workspace with an environment and the web app before it."""
    return World(database, repositories)


@pytest.fixture
def api_world(database: Database, repositories: Path) -> World:
    """Two workspaces, each with an environment on one repository, and the API before them."""
    repository = make_two_commits(repositories / "configuration")
    world = World(database, repositories, slug="own", public_url="http://runs.example", repository=repository)
    # Both exist from the start: what a test sees of its own is seen beside another's.
    assert world.api.tokens.keys() == world.foreign_api.tokens.keys()
    return world


def pytest_configure(config: pytest.Config) -> None:
    """Add up over the workers of a lane what its summary tells."""
    config.pluginmanager.register(FiguresPlugin(config), FiguresPlugin.__name__)


# First, because xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its lane, and with the group that stays in one worker."""
    for item in items:
        item.add_marker(lane_of(item))
        if group := group_of(item):
            item.add_marker(pytest.mark.xdist_group(group))


def named(url: str, database: str) -> str:
    """Return a libpq URL with another database."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()
