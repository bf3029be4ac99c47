from uuid import UUID

from models.catalog import OperationType
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ReconciliationDecision, Related
from models.review import LIVE, ReviewStatus
from reconcilers.adapter import Facts, outcome_without_result


class ReviewMatch(Facts):
    """One review that matches a run. Of one out of scope nothing but that is known."""

    in_scope: bool
    review_id: UUID | None = None
    own: bool = False
    status: ReviewStatus | None = None
    live_end_id: UUID | None = None
    broken_lineage: bool = False


class ReviewComposeFacts(Facts):
    """What a compose run's ending is decided from."""

    execution: Execution
    cancellation_asked: bool
    matches: tuple[ReviewMatch, ...]


class EnvironmentReviewComposeDecision:
    """Decides how a compose run ended, from the reviews that match it (the table of section 7)."""

    def decide(self, facts: ReviewComposeFacts) -> ReconciliationDecision | None:
        """Return the first row of the table that holds; None while the workflow is open and made nothing."""
        own = [match for match in facts.matches if match.in_scope and match.own]
        if own:
            return self._ends(facts, Outcome.SUCCEEDED, ReasonCode.REVIEW_COMPOSED, own[0].review_id)
        if any(not match.in_scope for match in facts.matches):
            return self._ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_OUT_OF_SCOPE)
        if len(facts.matches) > 1 or any(match.broken_lineage for match in facts.matches):
            return self._ends(facts, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS)
        for match in facts.matches:
            if match.status in LIVE:
                return self._ends(
                    facts, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, match.review_id
                )
            if match.status is ReviewStatus.SUPERSEDED:
                return self._ends(facts, Outcome.BLOCKED, ReasonCode.REVIEW_SUPERSEDED, match.live_end_id)
        if not facts.execution.ended:
            return None
        outcome = outcome_without_result(facts.execution, cancellation_asked=facts.cancellation_asked)
        return self._ends(facts, outcome, ReasonCode.REVIEW_NOT_COMPOSED)

    def _ends(
        self,
        facts: ReviewComposeFacts,
        outcome: Outcome,
        reason_code: ReasonCode,
        review_id: UUID | None = None,
    ) -> ReconciliationDecision:
        return ReconciliationDecision(
            adapter=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
            outcome=outcome,
            reason_code=reason_code,
            related=Related(type="environment_review", id=review_id) if review_id else None,
            evidence={"cause": facts.execution.cause, "matching_reviews": len(facts.matches)},
        )
