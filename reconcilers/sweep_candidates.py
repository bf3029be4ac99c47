from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.lifecycle import ACTIVE, Status
from models.operation_run import LOOK_PLANNED, UNDELIVERED, UNDISPATCHED, OperationRun, OperationRunHistory
from models.run_context import LOOK_CLAIMED_UNTIL

# Each of these reads through an index that holds no more than what is open or abnormal, so that a sweep's
# cost follows that (models/operation_run.py).


def still_active(session: Session, run_ids: Iterable[UUID]) -> Sequence[UUID]:
    """Return those of the runs that have not ended."""
    statement = select(OperationRun.id).where(
        OperationRun.id.in_(list(run_ids)), OperationRun.status.in_(ACTIVE)
    )
    return session.scalars(statement).all()


def unknown(session: Session, run_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the ids that no run has."""
    known = set(session.scalars(select(OperationRun.id).where(OperationRun.id.in_(run_ids))))
    return [run_id for run_id in run_ids if run_id not in known]


def undispatched(session: Session, *, created_before: datetime, limit: int) -> Sequence[UUID]:
    """Return queued runs whose start Temporal never confirmed, the oldest first."""
    statement = (
        select(OperationRun.id)
        .where(text(UNDISPATCHED), OperationRun.created_at < created_before)
        .order_by(OperationRun.created_at)
        .limit(limit)
    )
    return session.scalars(statement).all()


def undelivered(session: Session, *, limit: int) -> Sequence[OperationRun]:
    """Return active runs whose requested cancellation has not reached Temporal."""
    statement = select(OperationRun).where(text(UNDELIVERED)).order_by(OperationRun.id).limit(limit)
    return session.scalars(statement).all()


def active_after(
    session: Session, after: UUID | None, *, untouched_since: datetime, limit: int
) -> Sequence[tuple[UUID, bool]]:
    """Return the next active runs by id, and whether nothing has touched each since then."""
    statement = select(OperationRun.id, OperationRun.updated_at < untouched_since).where(
        OperationRun.status.in_(ACTIVE)
    )
    if after is not None:
        statement = statement.where(OperationRun.id > after)
    rows = session.execute(statement.order_by(OperationRun.id).limit(limit))
    return [(row[0], row[1]) for row in rows]


def due_looks(session: Session, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Return runs, completed ones too, whose repository is to be looked at by now (law L11)."""
    planned = OperationRun.context_json[LOOK_CLAIMED_UNTIL].astext
    statement = select(OperationRun.id).where(text(LOOK_PLANNED), planned <= now.isoformat())
    return session.scalars(statement.order_by(planned).limit(limit)).all()


def without_history(session: Session, *, completed_after: datetime, limit: int) -> Sequence[OperationRun]:
    """Return runs that ended since then and whose history is not kept yet, the newest first."""
    statement = (
        select(OperationRun)
        .outerjoin(OperationRunHistory, OperationRunHistory.run_id == OperationRun.id)
        .where(
            OperationRun.status == Status.COMPLETED,
            OperationRun.completed_at > completed_after,
            OperationRunHistory.run_id.is_(None),
        )
        .order_by(OperationRun.completed_at.desc())
        .limit(limit)
    )
    return session.scalars(statement).all()
