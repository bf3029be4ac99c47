from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.base import Json
from models.contracts.review_compose import Evidence
from models.operation_run import OperationRun
from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from services.reviews.content import ReviewContent
from services.reviews.evidence import COMPOSER_VERSION


def insert_review(
    session: Session,
    run: OperationRun,
    evidence: Evidence,
    content: ReviewContent,
    *,
    trees: Mapping[str, str | None],
    composed_at: datetime,
) -> UUID | None:
    """Insert a draft with its changes and return its id; `trees` as `trees_of` returns them.

    None: the environment has a live review of this fingerprint. Waits for a concurrent transaction that
    inserts the same fingerprint.
    """
    values = {
        "id": uuid7(),
        "workspace_id": run.workspace_id,
        "environment_id": run.environment_id,
        "run_id": run.id,
        "status": ReviewStatus.DRAFT,
        "fingerprint": evidence.fingerprint,
        "commit": evidence.commit,
        "tree": trees["live_tree"],
        "baseline_commit": evidence.baseline_commit,
        "baseline_tree": trees["baseline_tree"],
        "previous_review_id": evidence.previous_review_id,
        "composer_version": COMPOSER_VERSION,
        "summary": content.summary,
        "sections": content.sections,
        "findings": content.findings,
        "composed_at": composed_at,
    }
    statement = postgresql.insert(EnvironmentReview).values(values).on_conflict_do_nothing()
    review_id: UUID | None = session.scalar(statement.returning(EnvironmentReview.id))
    if review_id is not None and content.changes:
        _insert_changes(session, run.workspace_id, review_id, content.changes)
    return review_id


def _insert_changes(session: Session, workspace_id: UUID, review_id: UUID, changes: Sequence[Json]) -> None:
    rows = [
        {"review_id": review_id, "workspace_id": workspace_id, "position": position, **change}
        for position, change in enumerate(changes)
    ]
    session.execute(insert(ReviewChange), rows)
