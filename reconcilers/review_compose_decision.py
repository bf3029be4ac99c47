"""The pure half of the compose adapter: a table over facts, read row by row by its test."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import Field, computed_field

from models.catalog import OperationType
from models.contracts import Contract
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ReconciliationDecision, Related
from models.review import LIVE, ReviewStatus
from reconcilers.adapter import Facts, outcome_without_result


class ComposeRunFacts(Contract):
    """What the decision needs of the run; `fingerprint` is None until its evidence is pinned."""

    id: UUID
    workspace_id: UUID
    environment_id: UUID
    fingerprint: str | None
    created_at: datetime


class ReviewFacts(Contract):
    """What the decision needs of one review, of whatever workspace."""

    id: UUID
    run_id: UUID
    workspace_id: UUID
    environment_id: UUID
    fingerprint: str
    status: ReviewStatus
    superseded_by_id: UUID | None = None
    superseded_at: datetime | None = None
    archived_at: datetime | None = None


class ReviewMatch(Contract):
    """One review that matches a run. Of one out of scope nothing but that is known."""

    in_scope: bool
    review_id: UUID | None = None
    own: bool = False
    status: ReviewStatus | None = None
    live_end_id: UUID | None = None
    broken_lineage: bool = False


class ReviewComposeFacts(Facts):
    """What a compose run's ending is decided from.

    `reviews` are those of the run's id or fingerprint, and every review that superseded one of them. They may
    belong to another workspace: the facts as JSON show the `matches` alone.
    """

    execution: Execution
    cancellation_asked: bool
    run: ComposeRunFacts = Field(exclude=True, repr=False)
    reviews: tuple[ReviewFacts, ...] = Field(exclude=True, repr=False)

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated property
    @property
    def matches(self) -> tuple[ReviewMatch, ...]:
        """The reviews that match, in the order of `reviews`."""
        by_id = {review.id: review for review in self.reviews}
        return tuple(_match(self.run, review, by_id) for review in self.reviews if _matches(self.run, review))


class EnvironmentReviewComposeDecision:
    """Decides how a compose run ended, from the reviews that match it (docs/design.md, "Reconciliation")."""

    def decide(self, facts: ReviewComposeFacts) -> ReconciliationDecision | None:
        """Return the first row that holds; None while the workflow is open and made nothing.

        1. The run's own review: succeeded.
        2. A match outside the run's scope: attention required, and nothing of it is shown.
        3. Several matches, or a broken lineage: attention required.
        4. One live review of the same fingerprint: succeeded with that one.
        5. One that was superseded after the run was created: blocked, with the live end of its chain.
        6. None: failed, or cancelled where cancellation was requested.
        """
        matches = facts.matches
        for match in matches:
            if match.own:
                return _ends(facts, Outcome.SUCCEEDED, ReasonCode.REVIEW_COMPOSED, match.review_id)
        if any(not match.in_scope for match in matches):
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_OUT_OF_SCOPE)
        if len(matches) > 1 or any(match.broken_lineage for match in matches):
            return _ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS)
        for match in matches:
            if match.status in LIVE:
                return _ends(facts, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, match.review_id)
            if match.status is ReviewStatus.SUPERSEDED:
                return _ends(facts, Outcome.BLOCKED, ReasonCode.REVIEW_SUPERSEDED, match.live_end_id)
        if not facts.execution.ended:
            return None
        outcome = outcome_without_result(facts.execution, cancellation_asked=facts.cancellation_asked)
        return _ends(facts, outcome, ReasonCode.REVIEW_NOT_COMPOSED)


def _matches(run: ComposeRunFacts, review: ReviewFacts) -> bool:
    """Return whether a review is the run's own, or of its fingerprint and live when the run was created."""
    if review.run_id == run.id:
        return True
    left_at = review.superseded_at or review.archived_at
    return review.fingerprint == run.fingerprint and (left_at is None or left_at > run.created_at)


def _match(run: ComposeRunFacts, review: ReviewFacts, by_id: Mapping[UUID, ReviewFacts]) -> ReviewMatch:
    if (review.workspace_id, review.environment_id) != (run.workspace_id, run.environment_id):
        return ReviewMatch(in_scope=False)
    live_end_id = _live_end(review, by_id)
    return ReviewMatch(
        in_scope=True,
        review_id=review.id,
        own=review.run_id == run.id,
        status=review.status,
        live_end_id=live_end_id,
        broken_lineage=live_end_id is None,
    )


def _live_end(review: ReviewFacts, by_id: Mapping[UUID, ReviewFacts]) -> UUID | None:
    """Follow `superseded_by_id` to the review that nothing superseded.

    None: the chain loops, ends in nothing, or leaves its environment.
    """
    seen = set[UUID]()
    while review.superseded_by_id is not None:
        following = by_id.get(review.superseded_by_id)
        if following is None or following.environment_id != review.environment_id or review.id in seen:
            return None
        seen.add(review.id)
        review = following
    return review.id


def _ends(
    facts: ReviewComposeFacts, outcome: Outcome, reason_code: ReasonCode, review_id: UUID | None = None
) -> ReconciliationDecision:
    return ReconciliationDecision(
        adapter=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
        outcome=outcome,
        reason_code=reason_code,
        related=Related(type="environment_review", id=review_id) if review_id else None,
        evidence={"cause": facts.execution.cause, "matching_reviews": len(facts.matches)},
    )
