from typing import ClassVar
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.catalog import OperationType
from models.operation_run import OperationRun
from models.reconciliation import Execution, ReconciliationDecision
from models.review import EnvironmentReview, ReviewStatus
from reconcilers.adapter import REGISTRY
from reconcilers.review_compose_decision import (
    EnvironmentReviewComposeDecision,
    ReviewComposeFacts,
    ReviewMatch,
)
from services.repositories.mirror import MirrorStore


@REGISTRY.register
class ReviewComposeAdapter:
    """Reads the reviews that match a compose run, by its fingerprint or its id."""

    operation_type: ClassVar[OperationType] = OperationType.ENVIRONMENT_REVIEW_COMPOSE

    def __init__(self, mirrors: MirrorStore) -> None:
        """Take the mirrors, as every adapter does; the truth about reviews is in PostgreSQL alone."""

    def collect(self, session: Session, run: OperationRun, execution: Execution) -> ReviewComposeFacts:
        """Read every match, wherever it is; those out of scope are told by a flag alone."""
        matches = session.scalars(
            select(EnvironmentReview).where(
                or_(
                    EnvironmentReview.run_id == run.id,
                    EnvironmentReview.fingerprint == run.context.fingerprint,
                )
            )
        ).all()
        return ReviewComposeFacts(
            execution=execution,
            cancellation_asked=run.context.cancellation is not None,
            matches=tuple(_match(session, run, review) for review in matches if not _gone(run, review)),
        )

    def decide(self, run: OperationRun, facts: ReviewComposeFacts) -> ReconciliationDecision | None:  # noqa: ARG002
        """Let the table of section 7 speak."""
        return EnvironmentReviewComposeDecision().decide(facts)

    def record(
        self,
        session: Session,
        run: OperationRun,
        facts: ReviewComposeFacts,
        decision: ReconciliationDecision,
    ) -> None:
        """Do nothing: a review is never without its row."""


def _gone(run: OperationRun, review: EnvironmentReview) -> bool:
    """Tell whether a review had left the living before this run was created; such a one does not match."""
    left_at = review.superseded_at or review.archived_at
    return review.run_id != run.id and left_at is not None and left_at <= run.created_at


def _match(session: Session, run: OperationRun, review: EnvironmentReview) -> ReviewMatch:
    in_scope = (review.workspace_id, review.environment_id) == (run.workspace_id, run.environment_id)
    if not in_scope:
        return ReviewMatch(in_scope=False)
    live_end, broken = _live_end(session, review)
    return ReviewMatch(
        in_scope=True,
        review_id=review.id,
        own=review.run_id == run.id,
        status=ReviewStatus(review.status),
        live_end_id=live_end,
        broken_lineage=broken,
    )


def _live_end(session: Session, review: EnvironmentReview) -> tuple[UUID | None, bool]:
    """Follow `superseded_by_id` to the end of the chain; the flag tells that it loops or leads nowhere."""
    seen = set[UUID]()
    while review.superseded_by_id is not None:
        if review.id in seen:
            return None, True
        seen.add(review.id)
        following = session.get(EnvironmentReview, review.superseded_by_id)
        if following is None or following.environment_id != review.environment_id:
            return None, True
        review = following
    return review.id, False
