from typing import ClassVar

from sqlalchemy import column, func, select
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
    """Return the reviews of the run or the fingerprint, and all that superseded them, oldest first.

    PostgreSQL's own function reads them: a web process sees its request's workspaces alone, and the decision
    has to know of a match elsewhere.
    """
    review = EnvironmentReview.__table__.columns
    names = [*ReviewFacts.model_fields, "composed_at"]
    matches = func.reviews_of_run(run.id, fingerprint).table_valued(
        *(column(name, review[name].type) for name in names)
    )
    found = select(*(matches.c[name] for name in ReviewFacts.model_fields))
    rows = session.execute(found.order_by(matches.c.composed_at, matches.c.id))
    return tuple(ReviewFacts.model_validate(dict(row)) for row in rows.mappings())
