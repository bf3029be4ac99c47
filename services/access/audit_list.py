from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.access import AuditAction, AuditEntry
from services.database.paging import PAGE_SIZE, Page, decode_position, page_of
from services.response_models import ListResponse, ResponseModel


class AuditEntryAnswer(ResponseModel):
    """Who did what, when, by which request; `position` and `hash` are the entry's place in its chain."""

    id: int
    workspace_id: UUID | None
    position: int
    at: datetime
    act: str = Field(validation_alias="action")
    subject: str
    subject_id: UUID | None
    detail: str
    actor_kind: str
    actor_name: str
    request_id: str | None
    address: str | None
    hash: str


class AuditListAnswer(ListResponse[AuditEntryAnswer]):
    """One page of audit entries."""


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries of the audit: of these workspaces, of the installation too, by one actor, of one act.

    `actor` is the whole name, whatever its capitals; None: of any.
    """

    workspaces: Collection[UUID]
    installation: bool = False
    actor: str | None = None
    act: AuditAction | None = None


def list_audit(
    session: Session, wanted: AuditFilter, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[AuditEntry]:
    """Return the entries behind a cursor, newest first; raise InvalidInput("after") for what is no cursor."""
    entry = AuditEntry
    scope = entry.workspace_id.in_(wanted.workspaces)
    statement = select(entry).where(
        or_(scope, entry.workspace_id.is_(None)) if wanted.installation else scope
    )
    if wanted.actor is not None:
        statement = statement.where(func.lower(entry.actor_name) == wanted.actor.lower())
    if wanted.act is not None:
        statement = statement.where(entry.action == wanted.act)
    if after is not None:
        statement = statement.where(entry.id < decode_position(after))
    found = session.scalars(statement.order_by(entry.id.desc()).limit(limit + 1)).all()
    return page_of(found, limit, lambda last: str(last.id))
