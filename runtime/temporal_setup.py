import asyncio

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client

from runtime.settings import Settings
from runtime.temporal_connection import connect

SEARCH_ATTRIBUTES = ("OperationRunId", "OperationType", "WorkspaceId", "EnvironmentId", "OperationOutcome")


def setup_temporal(settings: Settings) -> None:
    """Create what the namespace needs before the first run; does nothing where it is there already."""
    asyncio.run(_setup(settings))


async def _setup(settings: Settings) -> None:
    client = await connect(settings.need_temporal_address(), settings.temporal_namespace)
    await _create_search_attributes(client)


async def _create_search_attributes(client: Client) -> None:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes]
    if missing:
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace, search_attributes=dict.fromkeys(missing, keyword)
            )
        )
