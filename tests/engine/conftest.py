import time
from collections.abc import Iterator

import pytest

from runtime.local.temporal_server import running_temporal
from runtime.settings import Settings
from runtime.temporal.client import TemporalConnection
from runtime.temporal.engine import TemporalEngine
from runtime.temporal.setup import setup_temporal
from tests.engine.temporal_server import TemporalServer, working


@pytest.fixture(scope="session", autouse=True)
def quiet_end() -> Iterator[None]:
    """Give the clients' threads a moment before the interpreter goes, or they crash it."""
    yield
    time.sleep(1)


@pytest.fixture(scope="module")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    with running_temporal(tmp_path_factory.mktemp("temporal"), say=lambda _: None) as server:
        setup_temporal(Settings(temporal_address=server.address))
        connection = TemporalConnection(server.profile)
        queue = "stand-ins"
        with working(connection, queue):
            yield TemporalServer(
                address=server.address,
                queue=queue,
                connection=connection,
                engine=TemporalEngine(TemporalConnection(server.profile)),
            )
