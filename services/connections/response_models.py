from datetime import datetime
from uuid import UUID

from models.base import columns_of
from models.connection import ApiType, Connection, ConnectionKind
from services.response_models import ListResponse, ResponseModel


class HostApi(ResponseModel):
    """The API of a Git host that opens pull or merge requests."""

    type: ApiType
    url: str


class ConnectionAnswer(ResponseModel):
    """A connection; its secret never comes back."""

    id: UUID
    workspace_id: UUID
    name: str
    kind: ConnectionKind
    url_prefix: str
    username: str | None
    known_hosts: str | None
    api: HostApi | None
    created_by: str
    created_at: datetime
    changed_by: str | None
    changed_at: datetime | None
    last_used_by: str | None
    last_used_at: datetime | None


class ConnectionListAnswer(ListResponse[ConnectionAnswer]):
    """One page of connections."""


class ConnectionCheckAnswer(ResponseModel):
    """Whether a connection reaches its repositories; `problem` says why not."""

    ok: bool
    problem: str | None = None


def connection_answer(connection: Connection) -> ConnectionAnswer:
    """Return a connection as programs get it."""
    named = (
        HostApi(type=ApiType(connection.api_type), url=connection.api_url or "")
        if connection.api_type
        else None
    )
    return ConnectionAnswer(**columns_of(connection), api=named)
