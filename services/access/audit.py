from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import AuditAction, AuditEntry
from models.actor import Actor
from models.base import Clock, utc_now

# The actor of a local system that makes its own first workspace.
SYSTEM: Final = Actor(kind="system", name="operationrun")


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Keeps who changed what in one workspace, in the transaction that changes it."""

    session: Session
    workspace_id: UUID
    actor: Actor
    clock: Clock = utc_now

    def record(
        self, action: AuditAction, subject: str, *, subject_id: UUID | None = None, detail: str = ""
    ) -> None:
        """Add one entry."""
        entry = AuditEntry(
            workspace_id=self.workspace_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            detail=detail,
            actor_kind=self.actor.kind,
            actor_name=self.actor.name,
            at=self.clock(),
        )
        self.session.add(entry)


def newest_entries(session: Session, workspace_id: UUID, *, limit: int = 50) -> Sequence[AuditEntry]:
    """Return the last entries of a workspace, newest first."""
    statement = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
    return session.scalars(statement.order_by(AuditEntry.id.desc()).limit(limit)).all()
