"""A namespace whose search attributes have another type: said by name, and no start fails for it."""

import asyncio
from collections.abc import Iterator

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client

from models.errors import OperationRunError
from runtime.local.finding import Finding
from runtime.local.temporal_findings import examine_temporal
from runtime.local.temporal_server import TemporalDevServer, running_temporal
from runtime.settings import Settings
from runtime.temporal.client import TemporalConnection, connect
from runtime.temporal.engine import TemporalEngine
from runtime.temporal.setup import setup_temporal
from tests.engine.stand_ins import NOBODY
from tests.engine.temporal_server import TemporalServer
from tests.system import wait_for
from workflows.failure_bridge import NOT_SEARCHABLE

pytestmark = pytest.mark.feature

ODD = {
    "OperationRunId": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "WorkspaceId": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
}


@pytest.fixture(scope="module")
def odd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalDevServer]:
    with running_temporal(tmp_path_factory.mktemp("temporal"), say=lambda _: None) as server:
        asyncio.run(add_odd_attributes(server))
        yield server


async def add_odd_attributes(server: TemporalDevServer) -> None:
    client = await connect(server.profile)
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=ODD)
    await client.operator_service.add_search_attributes(request)


def test_setup_names_each_and_the_way_out_and_still_makes_the_schedule(odd_server: TemporalDevServer) -> None:
    settings = Settings(temporal_address=odd_server.address)
    with pytest.raises(OperationRunError) as raised:
        setup_temporal(settings)
    said = str(raised.value)
    assert "OperationRunId (Int), WorkspaceId (Bool)" in said
    assert "temporal operator search-attribute remove --name OperationRunId --name WorkspaceId" in said
    findings = wait_for(lambda: checked(settings), what="the server to answer each check")
    assert findings["search attributes"].state == "note"
    assert "OperationRunId (Int)" in findings["search attributes"].found
    assert findings["sweep schedule"].state == "ok"
    assert findings["task queue operation-runs"].found == "no worker polls it"


def checked(settings: Settings) -> dict[str, Finding] | None:
    findings = {each.check: each for each in examine_temporal(settings)}
    is_whole = not any(each.found.startswith("could not check") for each in findings.values())
    return findings if is_whole else None


def test_a_start_goes_without_them(odd_server: TemporalDevServer) -> None:
    connection = TemporalConnection(odd_server.profile)
    server = TemporalServer(
        address=odd_server.address, queue=NOBODY, connection=connection, engine=TemporalEngine(connection)
    )
    workflow_id = server.start("main")

    async def described(client: Client) -> tuple[int, object]:
        found = await client.get_workflow_handle(workflow_id).describe()
        return len(found.typed_search_attributes), await found.memo_value(NOT_SEARCHABLE)

    assert connection.call(described) == (0, True)
