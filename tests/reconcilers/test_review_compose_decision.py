"""The table of section 7 for composing a review: a test a row, and what no facts may ever lead to."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import OPEN, Execution, ExecutionState, ReconciliationDecision
from models.review import LIVE, ReviewStatus
from reconcilers.review_compose_decision import (
    EnvironmentReviewComposeDecision,
    ReviewComposeFacts,
    ReviewMatch,
)

RUN, REVIEW, SUCCESSOR = (UUID(int=number) for number in (1, 2, 3))
TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")
CANCELLED = Execution(state=ExecutionState.CLOSING, cause="cancelled")
NEVER_STARTED = Execution(state=ExecutionState.NOT_FOUND, cause="never_started")
FOREIGN = ReviewMatch(in_scope=False)


def own(status: ReviewStatus) -> ReviewMatch:
    return ReviewMatch(in_scope=True, review_id=REVIEW, own=True, status=status, live_end_id=REVIEW)


def other(status: ReviewStatus, live_end_id: UUID = REVIEW, *, broken: bool = False) -> ReviewMatch:
    return ReviewMatch(
        in_scope=True, review_id=REVIEW, status=status, live_end_id=live_end_id, broken_lineage=broken
    )


def decide(
    *matches: ReviewMatch, execution: Execution = TERMINATED, cancellation_asked: bool = False
) -> ReconciliationDecision | None:
    facts = ReviewComposeFacts(execution=execution, cancellation_asked=cancellation_asked, matches=matches)
    return EnvironmentReviewComposeDecision().decide(facts)


def said(decision: ReconciliationDecision | None) -> tuple[Outcome, ReasonCode, UUID | None]:
    assert decision is not None
    return decision.outcome, decision.reason_code, decision.related.id if decision.related else None


@pytest.mark.parametrize("status", ReviewStatus)
@pytest.mark.parametrize("execution", [OPEN, TERMINATED, CANCELLED])
def test_a_review_of_ones_own_is_success_whatever_became_of_it(
    status: ReviewStatus, execution: Execution
) -> None:
    found = said(decide(own(status), FOREIGN, execution=execution))
    assert found == (Outcome.SUCCEEDED, ReasonCode.REVIEW_COMPOSED, REVIEW)


def test_a_match_out_of_scope_asks_for_attention_and_shows_nothing() -> None:
    found = said(decide(FOREIGN, other(ReviewStatus.DRAFT)))
    assert found == (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_OUT_OF_SCOPE, None)


def test_several_candidates_ask_for_attention() -> None:
    found = said(decide(other(ReviewStatus.DRAFT), other(ReviewStatus.PUBLISHED)))
    assert found == (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS, None)


def test_a_broken_lineage_asks_for_attention() -> None:
    found = said(decide(other(ReviewStatus.SUPERSEDED, broken=True)))
    assert found == (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS, None)


@pytest.mark.parametrize("status", sorted(LIVE))
@pytest.mark.parametrize("execution", [OPEN, TERMINATED])
def test_one_live_review_of_the_fingerprint_is_success(status: ReviewStatus, execution: Execution) -> None:
    found = said(decide(other(status), execution=execution))
    assert found == (Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, REVIEW)


def test_a_match_superseded_meanwhile_blocks_and_leads_to_the_end_of_its_chain() -> None:
    found = said(decide(other(ReviewStatus.SUPERSEDED, SUCCESSOR)))
    assert found == (Outcome.BLOCKED, ReasonCode.REVIEW_SUPERSEDED, SUCCESSOR)


@pytest.mark.parametrize(
    ("execution", "asked", "outcome"),
    [
        (TERMINATED, False, Outcome.FAILED),
        (TERMINATED, True, Outcome.FAILED),
        (CANCELLED, False, Outcome.CANCELLED),
        (CANCELLED, True, Outcome.CANCELLED),
        (NEVER_STARTED, False, Outcome.FAILED),
        (NEVER_STARTED, True, Outcome.CANCELLED),
        (Execution(state=ExecutionState.CLOSED, cause="timed_out"), True, Outcome.FAILED),
        (Execution(state=ExecutionState.CLOSING, cause="deadline"), True, Outcome.FAILED),
        (Execution(state=ExecutionState.CLOSED, cause="task_failing"), False, Outcome.FAILED),
    ],
)
def test_no_match_and_a_closed_workflow_is_failed_or_cancelled(
    execution: Execution, *, asked: bool, outcome: Outcome
) -> None:
    found = said(decide(execution=execution, cancellation_asked=asked))
    assert found == (outcome, ReasonCode.REVIEW_NOT_COMPOSED, None)


def test_no_match_and_an_open_workflow_is_no_decision() -> None:
    assert decide(execution=OPEN) is None
    assert decide(execution=OPEN, cancellation_asked=True) is None


executions = st.builds(
    Execution,
    state=st.sampled_from(ExecutionState),
    cause=st.sampled_from(["activity_failed", "cancelled", "terminated", "never_started", None]),
)
in_scope = st.builds(
    ReviewMatch,
    in_scope=st.just(True),
    review_id=st.uuids(),
    own=st.booleans(),
    status=st.sampled_from(ReviewStatus),
    live_end_id=st.uuids(),
    broken_lineage=st.booleans(),
)
facts = st.builds(
    ReviewComposeFacts,
    execution=executions,
    cancellation_asked=st.booleans(),
    matches=st.lists(st.just(FOREIGN) | in_scope, max_size=4).map(tuple),
)


@given(facts)
def test_the_same_facts_give_the_same_decision(facts: ReviewComposeFacts) -> None:
    decision = EnvironmentReviewComposeDecision()
    assert decision.decide(facts) == decision.decide(facts.model_copy(deep=True))


@given(facts)
def test_what_is_related_is_always_a_review_in_scope(facts: ReviewComposeFacts) -> None:
    decision = EnvironmentReviewComposeDecision().decide(facts)
    known = {id_ for match in facts.matches for id_ in (match.review_id, match.live_end_id)}
    assert decision is None or decision.related is None or decision.related.id in known


@given(facts)
def test_it_never_succeeds_without_exactly_one_complete_review_in_scope(facts: ReviewComposeFacts) -> None:
    decision = EnvironmentReviewComposeDecision().decide(facts)
    if decision is None or decision.outcome is not Outcome.SUCCEEDED:
        return
    owned = [match for match in facts.matches if match.in_scope and match.own]
    if not owned:
        (only,) = facts.matches
        assert only.in_scope
        assert only.status in LIVE
        assert not only.broken_lineage


@given(facts)
def test_an_open_workflow_is_never_settled_as_failed_or_cancelled(facts: ReviewComposeFacts) -> None:
    opened = facts.model_copy(update={"execution": OPEN})
    decision = EnvironmentReviewComposeDecision().decide(opened)
    assert decision is None or decision.outcome not in {Outcome.FAILED, Outcome.CANCELLED}
