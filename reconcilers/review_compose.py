from typing import ClassVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.catalog import OperationType
from models.operation_run import OperationRun
from models.reconciliation import Execution, ReconciliationDecision
from models.review import EnvironmentReview
from reconcilers.adapter import REGISTRY, Outside
from reconcilers.review_compose_decision import (
    ComposeRunFacts,
    EnvironmentReviewComposeDecision,
    ReviewComposeFacts,
    ReviewFacts,
)
from services.connections.access import EnvironmentMirrors


@REGISTRY.register
class ReviewComposeAdapter:
    """Reads the reviews that a compose run may have led to, by its id and its fingerprint."""

    operation_type: ClassVar[OperationType] = OperationType.ENVIRONMENT_REVIEW_COMPOSE
    outside: ClassVar[type[Outside] | None] = None

    def __init__(self, mirrors: EnvironmentMirrors) -> None:
        """Take what every adapter does; the truth about reviews is in PostgreSQL alone."""

    def collect(self, session: Session, run: OperationRun, execution: Execution) -> ReviewComposeFacts:
        """Read the run's reviews with their chains, wherever they are; judge none of them."""
        fingerprint = run.context.fingerprint
        return ReviewComposeFacts(
            execution=execution,
            cancellation_asked=run.context.cancellation is not None,
            run=ComposeRunFacts(
                id=run.id,
                workspace_id=run.workspace_id,
                environment_id=run.environment_id,
                fingerprint=fingerprint,
                created_at=run.created_at,
            ),
            reviews=_with_chains(session, run, fingerprint),
        )

    def decide(self, run: OperationRun, facts: ReviewComposeFacts) -> ReconciliationDecision | None:  # noqa: ARG002
        """Return the table's decision."""
        return EnvironmentReviewComposeDecision().decide(facts)

    foresee = decide

    def record(
        self,
        session: Session,
        run: OperationRun,
        facts: ReviewComposeFacts,
        decision: ReconciliationDecision,
    ) -> None:
        """Do nothing: a review is never without its row."""


def _with_chains(session: Session, run: OperationRun, fingerprint: str | None) -> tuple[ReviewFacts, ...]:
    """Return the reviews of the run or the fingerprint, and all that superseded them, oldest first."""
    review = EnvironmentReview
    start = select(review.id, review.superseded_by_id).where(
        or_(review.run_id == run.id, review.fingerprint == fingerprint)
    )
    chain = start.cte("chain", recursive=True)
    # A UNION without ALL ends on a chain that loops.
    chain = chain.union(
        select(review.id, review.superseded_by_id).join(chain, review.id == chain.c.superseded_by_id)
    )
    columns = [getattr(review, name) for name in ReviewFacts.model_fields]
    found = select(*columns).where(review.id.in_(select(chain.c.id))).order_by(review.composed_at, review.id)
    return tuple(ReviewFacts.model_validate(dict(row)) for row in session.execute(found).mappings())
