from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import AuditAction, AuditEntry, Member, User
from models.actor import Actor
from models.base import Clock, utc_now
from services.database.audit_entries import add_entry

# The actor of a local system that makes its own first workspace.
SYSTEM: Final = Actor(kind="system", name="operationrun")
# Of a path or a name that a caller chose, in characters.
LONGEST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Which HTTP request acts, and from which address; both None for any other act."""

    request_id: str | None = None
    address: str | None = None


_NO_REQUEST: Final = Origin()
ORIGIN: Final[ContextVar[Origin]] = ContextVar("audit_origin", default=_NO_REQUEST)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Records who did what, in the transaction that does it.

    `workspace_id` None: the act is the installation's own, or that of a caller whose workspace is not known.
    """

    session: Session
    workspace_id: UUID | None
    actor: Actor
    clock: Clock = utc_now

    def record(
        self, action: AuditAction, subject: str, *, subject_id: UUID | None = None, detail: str = ""
    ) -> None:
        """Add one entry; the transaction appends it to its chain as its last statement."""
        origin = ORIGIN.get()
        add_entry(
            self.session,
            {
                "workspace_id": self.workspace_id,
                "action": action,
                "subject": _storable(subject),
                "subject_id": subject_id,
                "detail": _storable(detail),
                "actor_kind": self.actor.kind,
                "actor_name": _storable(self.actor.name),
                "at": self.clock(),
                "request_id": origin.request_id,
                "address": origin.address,
            },
        )


def record_for_person(
    session: Session,
    user_id: UUID,
    action: AuditAction,
    *,
    actor: Actor | None = None,
    detail: str = "",
) -> None:
    """Record what concerns a person in each of their workspaces; where they have none, in the installation.

    `actor` None: the person.
    """
    email = session.scalars(select(User.email).where(User.id == user_id)).one()
    actor = actor or Actor(kind="user", name=email)
    workspaces = session.scalars(select(Member.workspace_id).where(Member.user_id == user_id)).all()
    for workspace_id in workspaces or (None,):
        audit = Audit(session=session, workspace_id=workspace_id, actor=actor)
        audit.record(action, email, subject_id=user_id, detail=detail)


def _storable(given: str) -> str:
    """Return text as PostgreSQL takes it, cut to LONGEST."""
    return given.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")[:LONGEST]


def newest_entries(session: Session, workspace_id: UUID, *, limit: int = 50) -> Sequence[AuditEntry]:
    """Return the last entries of a workspace, newest first."""
    statement = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
    return session.scalars(statement.order_by(AuditEntry.id.desc()).limit(limit)).all()
