from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.crew import Crew, Orders
from tests.faults.recoveries import Recoveries
from tests.pgbouncer import may_run_pgbouncer, running_pgbouncer
from tests.system import System, up
from tests.temporal_cli import TemporalCli


@pytest.fixture(scope="session")
def system(server_folder: Path) -> Iterator[System]:
    """A system whose workers the tests start and kill themselves: `up` would wait longer each time."""
    with up(server_folder / "faults", "--no-worker") as system:
        yield system


@pytest.fixture(scope="session")
def _crew(system: System, server_folder: Path) -> Iterator[Crew]:
    url = system.ready["database_url"]
    with ExitStack() as stack:
        crew = Crew(system)
        if may_run_pgbouncer():
            pooler = stack.enter_context(running_pgbouncer(server_folder / "pgbouncer of faults", url))
            crew.pooled_url = pooler.before(url)
        stack.callback(crew.dismiss)
        yield crew


@pytest.fixture
def crew(_crew: Crew) -> Iterator[Crew]:
    """The workers of the system; those that a test leaves are there for the next one."""
    yield _crew
    _crew.orders.clear()


@pytest.fixture
def orders(crew: Crew) -> Orders:
    """Where the workers are told to die."""
    return crew.orders


@pytest.fixture
def temporal(system: System) -> TemporalCli:
    return TemporalCli(system)


@pytest.fixture(scope="session")
def recoveries(system: System) -> Iterator[Recoveries]:
    """How long recovery took, written to test-results/faults.json at the end."""
    recoveries = Recoveries(TemporalCli(system))
    yield recoveries
    recoveries.write(Path("test-results/faults.json"))
