import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system import System
from tests.temporal_cli import TemporalCli
from tests.topology.programs import VERSION, need_programs
from tests.topology.steps import Steps
from tests.topology.topology import Topology

RESULT = Path("test-results/topology.json")


@pytest.fixture(scope="session")
def steps(request: pytest.FixtureRequest) -> Iterator[Steps]:
    """What the lane did and how long each took, told and written at the end."""
    steps = Steps(temporal_server=VERSION, postgres=need_programs().postgres.parent.name)
    yield steps
    print(steps.table())  # noqa: T201 - the table is for whoever runs the lane
    steps.write(RESULT, went_well=request.session.testsfailed == 0)


@pytest.fixture(scope="session")
def topology(server_folder: Path, steps: Steps) -> Iterator[Topology]:
    """The services of docker-compose.yml, running; each test leaves them so."""
    topology = Topology(server_folder / "topology", need_programs(), steps)
    try:
        topology.up()
        with steps.step("start", "a workspace, a token, a person"):
            topology.open_the_door()
        yield topology
    finally:
        with steps.step("stop", "everything"):
            topology.down()


@pytest.fixture(scope="session")
def system(topology: Topology) -> Iterator[System]:
    """The same, as programs meet it over HTTP."""
    machine = topology.machine
    ready_file = machine.folder / "ready.json"
    ready = json.loads(ready_file.read_text())
    headers = {"Authorization": f"Bearer {ready['api_token']}"}
    with httpx.Client(base_url=f"{ready['web_url']}/api/v1", headers=headers, timeout=30) as client:
        yield System(ready_file=ready_file, repositories=machine.repositories, client=client)


@pytest.fixture
def temporal(system: System) -> TemporalCli:
    """A platform engineer's command line."""
    return TemporalCli(system)
