from datetime import datetime
from uuid import UUID

from services.response_models import ListResponse, ResponseModel


class WorkspaceAnswer(ResponseModel):
    """A workspace."""

    id: UUID
    slug: str
    name: str
    created_at: datetime


class WorkspaceListAnswer(ListResponse[WorkspaceAnswer]):
    """One page of workspaces."""


class EnvironmentAnswer(ResponseModel):
    """An environment."""

    id: UUID
    workspace_id: UUID
    slug: str
    name: str
    repository_url: str
    branch: str
    path_prefix: str
    baseline_ref: str | None
    connection_id: UUID | None
    created_at: datetime


class EnvironmentListAnswer(ListResponse[EnvironmentAnswer]):
    """One page of environments."""
