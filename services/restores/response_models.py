from datetime import datetime
from uuid import UUID

from models.restore import PlannedChange, RestoreMode
from services.response_models import ListResponse, ResponseModel


class RestorePointAnswer(ResponseModel):
    """A named, pinned commit."""

    id: UUID
    environment_id: UUID
    label: str
    ref: str
    commit: str
    created_by: str
    created_at: datetime


class RestorePointListAnswer(ListResponse[RestorePointAnswer]):
    """One page of restore points."""


class PlannedItem(ResponseModel):
    """What a restore will do to one item; `reason` says why one is refused."""

    path: str
    change: PlannedChange
    reason: str | None = None


class RestorePlanAnswer(ResponseModel):
    """An immutable preview of a restore."""

    id: UUID
    environment_id: UUID
    restore_point_id: UUID
    digest: str
    restore_commit: str
    live_commit: str
    mode: RestoreMode
    items: list[str]
    changes: list[PlannedItem]
    created_by: str
    created_at: datetime
