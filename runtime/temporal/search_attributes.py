from collections.abc import Mapping
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.errors import OperationRunError

SEARCH_ATTRIBUTES: Final = (
    "OperationRunId", "OperationType", "WorkspaceId", "EnvironmentId", "OperationOutcome",
)  # fmt: skip
_KEYWORD: Final = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_ONLY_ELSEWHERE: Final = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}


async def create_attributes(client: Client) -> None:
    """Create the search attributes that the client's namespace lacks.

    Raises OperationRunError for one that has another type, and where this client may not create them, as on
    Temporal Cloud.
    """
    problems = await find_problems(client)
    other_types = {name: found for name, found in problems.items() if found is not None}
    if other_types:
        raise OperationRunError(word_problems(client.namespace, other_types))
    if not problems:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace, search_attributes=dict.fromkeys(problems, _KEYWORD)
            )
        )
    except RPCError as error:
        if error.status not in _ONLY_ELSEWHERE:
            raise
        raise OperationRunError(word_problems(client.namespace, problems)) from error


async def find_problems(client: Client) -> Mapping[str, str | None]:
    """Return the type of each search attribute that is not a Keyword; None for one that is missing."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    types = listed.custom_attributes
    return {
        name: _type_name(types[name]) if name in types else None
        for name in SEARCH_ATTRIBUTES
        if types.get(name) != _KEYWORD
    }


def word_problems(namespace: str, problems: Mapping[str, str | None]) -> str:
    """Say what is wrong with the search attributes of a namespace, and the way out."""
    found = ", ".join(f"{name} ({kind or 'missing'})" for name, kind in problems.items())
    remove = " ".join(f"--name {name}" for name, kind in problems.items() if kind)
    create = "temporal operator search-attribute create --type Keyword --name …"
    way_out = f"temporal operator search-attribute remove {remove}, then operationrun setup-temporal"
    return (
        f"Search attributes of namespace {namespace} that are not Keywords: {found}. "
        f"Runs start without them; to find them by these: {way_out if remove else create}"
    )


def _type_name(value: IndexedValueType.ValueType) -> str:
    return IndexedValueType.Name(value).removeprefix("INDEXED_VALUE_TYPE_").replace("_", " ").title()
