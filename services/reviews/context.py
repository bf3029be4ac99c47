from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Workspace
from models.base import Json
from models.catalog import OperationType
from models.environment import Environment
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.restore import RestorePoint
from models.review import EnvironmentReview, ReviewStatus
from services.masking.messages import redact

# The longest period of operations in a review; no retention is shorter (services/runs/retention.py).
LONGEST_PERIOD: Final = timedelta(days=30)
HISTORY: Final = 12


@dataclass(frozen=True, kw_only=True)
class ReviewContext:
    """What PostgreSQL contributes to a review."""

    environment: Json
    newest_point: RestorePoint | None
    last_restore: Json | None
    operations: Json
    history: Sequence[Json]


def read_context(
    session: Session,
    environment: Environment,
    *,
    published_at: datetime | None,
    run_id: UUID,
    now: datetime,
) -> ReviewContext:
    """Read the environment's restore points, its operations of the period, and its earlier reviews.

    `published_at` is when the published review was composed, or None. Operations count from then on, at most
    LONGEST_PERIOD; `run_id`, the composing run itself, does not count.
    """
    earliest = now - LONGEST_PERIOD
    since = max(earliest, published_at or earliest)
    return ReviewContext(
        environment=_environment(session, environment),
        newest_point=session.scalars(
            select(RestorePoint)
            .where(RestorePoint.environment_id == environment.id)
            .order_by(RestorePoint.created_at.desc())
            .limit(1)
        ).one_or_none(),
        last_restore=_last_restore(session, environment),
        operations=_operations(session, environment, since, run_id),
        history=_history(session, environment),
    )


def _environment(session: Session, environment: Environment) -> Json:
    workspace = select(Workspace.slug).where(Workspace.id == environment.workspace_id)
    return {
        "name": environment.name,
        "slug": environment.slug,
        "workspace": session.scalars(workspace).one(),
        "repository": redact(environment.repository_url),
        "branch": environment.branch,
        "path_prefix": environment.path_prefix,
        "baseline_ref": environment.baseline_ref,
    }


def _last_restore(session: Session, environment: Environment) -> Json | None:
    last = session.execute(
        select(OperationRun.id, OperationRun.outcome, OperationRun.completed_at)
        .where(
            OperationRun.workspace_id == environment.workspace_id,
            OperationRun.environment_id == environment.id,
            OperationRun.type == OperationType.RESTORE_EXECUTE,
            OperationRun.status == Status.COMPLETED,
        )
        .order_by(OperationRun.created_at.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.completed_at is None:
        return None
    return {"run_id": str(last.id), "outcome": last.outcome, "completed_at": last.completed_at.isoformat()}


def _operations(session: Session, environment: Environment, since: datetime, run_id: UUID) -> Json:
    outcomes = session.scalars(
        select(OperationRun.outcome).where(
            OperationRun.workspace_id == environment.workspace_id,
            OperationRun.environment_id == environment.id,
            OperationRun.created_at > since,
            OperationRun.id != run_id,
        )
    ).all()
    return {"since": since.isoformat(), "runs": len(outcomes), "by_outcome": dict(Counter(outcomes))}


def _history(session: Session, environment: Environment) -> list[Json]:
    # Figures only: the sections of a large environment's reviews are large.
    score = EnvironmentReview.sections["baseline"]["score"].label("score")
    reviews = session.execute(
        select(EnvironmentReview.id, EnvironmentReview.composed_at, EnvironmentReview.summary, score)
        .where(
            EnvironmentReview.workspace_id == environment.workspace_id,
            EnvironmentReview.environment_id == environment.id,
            EnvironmentReview.status.in_([ReviewStatus.PUBLISHED, ReviewStatus.SUPERSEDED]),
        )
        .order_by(EnvironmentReview.composed_at.desc())
        .limit(HISTORY)
    ).all()
    return [
        {
            "review_id": str(review.id),
            "composed_at": review.composed_at.isoformat(),
            "score": review.score,
            **{name: review.summary[name] for name in ("added", "removed", "renamed", "changed")},
        }
        for review in reversed(reviews)
    ]
