import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from services.database.session import Database
from tests.faults.conftest import crew, orders, temporal
from tests.faults.crew import Crew
from tests.faults.recoveries import Recoveries
from tests.faults.web_process import web_process
from tests.pgbouncer import Pooler, running_pgbouncer
from tests.system import System, up
from tests.temporal_cli import TemporalCli

# The fixtures of the fault lane, on this folder's system.
__all__ = ["crew", "orders", "temporal"]
UNLIMITED: Final = {
    "OPERATIONRUN_TOKEN_REQUESTS_PER_MINUTE": "600000",
    "OPERATIONRUN_TOKEN_REQUESTS_AT_ONCE": "60000",
}


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


@pytest.fixture(scope="session")
def system(server_folder: Path) -> Iterator[System]:
    """A system whose web server and workers all reach its PostgreSQL through the pooler."""
    with ExitStack() as stack:
        direct = stack.enter_context(up(server_folder / "behind", "--no-worker"))
        ready = direct.ready
        pooler = stack.enter_context(
            running_pgbouncer(server_folder / "pgbouncer of system", ready["database_url"])
        )
        ready["database_url"] = pooler.before(ready["database_url"])
        behind = replace(direct, ready_file=direct.ready_file.with_name("behind.json"))
        behind.ready_file.write_text(json.dumps(ready))
        # The key of `up`, so that its sign-in link opens this web server too.
        key = {"OPERATIONRUN_SECRET_KEY_FILE": str(direct.ready_file.parent / "data" / "secret.key")}
        client = stack.enter_context(web_process(behind, **key, **UNLIMITED))
        ready["web_url"] = str(client.base_url.join("/")).rstrip("/")
        behind.ready_file.write_text(json.dumps(ready))
        yield replace(behind, client=client)


@pytest.fixture(scope="session")
def _crew(system: System) -> Iterator[Crew]:
    crew = Crew(system)
    yield crew
    crew.dismiss()


@pytest.fixture(scope="session")
def recoveries(system: System) -> Iterator[Recoveries]:
    """How long recovery took, written to test-results/pooler.json at the end."""
    recoveries = Recoveries(TemporalCli(system))
    yield recoveries
    recoveries.write(Path("test-results/pooler.json"))
