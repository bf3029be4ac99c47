"""The table of docs/design.md for composing a review: a test a row, and what no facts may ever lead to."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import OPEN, Execution, ExecutionState, ReconciliationDecision
from models.review import LIVE, ReviewStatus
from reconcilers.review_compose_decision import (
    ComposeRunFacts,
    EnvironmentReviewComposeDecision,
    ReviewComposeFacts,
    ReviewFacts,
    ReviewMatch,
)

RUN_ID, ANOTHER_RUN, WORKSPACE, ENVIRONMENT, ELSEWHERE = (UUID(int=number) for number in range(1, 6))
REVIEW, SECOND, THIRD = (UUID(int=number) for number in range(10, 13))
FINGERPRINT, ANOTHER_FINGERPRINT = "f" * 64, "e" * 64
CREATED_AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
BEFORE, AFTER = CREATED_AT - timedelta(microseconds=1), CREATED_AT + timedelta(microseconds=1)

RUN = ComposeRunFacts(
    id=RUN_ID,
    workspace_id=WORKSPACE,
    environment_id=ENVIRONMENT,
    fingerprint=FINGERPRINT,
    created_at=CREATED_AT,
)
TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")
CANCELLED = Execution(state=ExecutionState.CLOSING, cause="cancelled")
NEVER_STARTED = Execution(state=ExecutionState.NOT_FOUND, cause="never_started")


def review(status: ReviewStatus = ReviewStatus.DRAFT, **facts: object) -> ReviewFacts:
    """Return a review of the run's fingerprint and scope that another run composed."""
    typical = {
        "id": REVIEW,
        "run_id": ANOTHER_RUN,
        "workspace_id": WORKSPACE,
        "environment_id": ENVIRONMENT,
        "fingerprint": FINGERPRINT,
        "status": status,
    }
    return ReviewFacts.model_validate(typical | facts)


def own(status: ReviewStatus = ReviewStatus.DRAFT, **facts: object) -> ReviewFacts:
    return review(status, run_id=RUN_ID, **facts)


def superseded(by: UUID = SECOND, *, at: datetime = AFTER, **facts: object) -> ReviewFacts:
    return review(ReviewStatus.SUPERSEDED, superseded_by_id=by, superseded_at=at, **facts)


def successor(id_: UUID, **facts: object) -> ReviewFacts:
    """Return a review of other evidence, which is there for its place in a chain alone."""
    typical = {"id": id_, "fingerprint": ANOTHER_FINGERPRINT, "status": ReviewStatus.PUBLISHED}
    return review(**(typical | facts))  # type: ignore[arg-type] # any field of a review


FOREIGN = review(id=THIRD, workspace_id=ELSEWHERE)


def facts_of(
    *reviews: ReviewFacts,
    execution: Execution = TERMINATED,
    cancellation_asked: bool = False,
    run: ComposeRunFacts = RUN,
) -> ReviewComposeFacts:
    return ReviewComposeFacts(
        execution=execution, cancellation_asked=cancellation_asked, run=run, reviews=reviews
    )


def decide(facts: ReviewComposeFacts) -> ReconciliationDecision | None:
    return EnvironmentReviewComposeDecision().decide(facts)


def said(facts: ReviewComposeFacts) -> tuple[Outcome, ReasonCode, UUID | None]:
    decision = decide(facts)
    assert decision is not None
    return decision.outcome, decision.reason_code, decision.related.id if decision.related else None


NOT_COMPOSED = (Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, None)
OUT_OF_SCOPE = (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_OUT_OF_SCOPE, None)
AMBIGUOUS = (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS, None)
COMPOSED = (Outcome.SUCCEEDED, ReasonCode.REVIEW_COMPOSED, REVIEW)
COMPOSED_BY_ANOTHER = (Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, REVIEW)


@pytest.mark.parametrize("status", ReviewStatus)
@pytest.mark.parametrize("execution", [OPEN, TERMINATED, CANCELLED])
@pytest.mark.parametrize("before_it", [(), (FOREIGN,), (review(id=SECOND),), (FOREIGN, review(id=SECOND))])
def test_a_review_of_ones_own_is_success_whatever_became_of_it(
    status: ReviewStatus, execution: Execution, before_it: tuple[ReviewFacts, ...]
) -> None:
    assert said(facts_of(*before_it, own(status), execution=execution)) == COMPOSED


@pytest.mark.parametrize("at", [BEFORE, CREATED_AT, AFTER])
def test_a_review_of_ones_own_needs_no_fingerprint_and_may_have_left_at_any_time(at: datetime) -> None:
    run = RUN.model_copy(update={"fingerprint": None})
    mine = own(ReviewStatus.ARCHIVED, archived_at=at, fingerprint=ANOTHER_FINGERPRINT)
    assert said(facts_of(mine, run=run)) == COMPOSED


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"workspace_id": ELSEWHERE},
        {"environment_id": ELSEWHERE},
        {"run_id": RUN_ID, "workspace_id": ELSEWHERE},
    ],
    ids=["another workspace", "another environment", "of the run itself"],
)
def test_a_match_out_of_scope_asks_for_attention_and_shows_nothing(elsewhere: dict[str, UUID]) -> None:
    foreign = review(**({"id": THIRD} | elsewhere))  # type: ignore[arg-type] # any field of a review
    assert said(facts_of(foreign)) == OUT_OF_SCOPE
    assert said(facts_of(foreign, review())) == OUT_OF_SCOPE


def test_several_candidates_ask_for_attention() -> None:
    assert said(facts_of(review(), review(ReviewStatus.PUBLISHED, id=SECOND))) == AMBIGUOUS


@pytest.mark.parametrize(
    "chain",
    [
        (superseded(),),
        (superseded(by=REVIEW),),
        (superseded(), successor(SECOND, superseded_by_id=REVIEW)),
        (superseded(), successor(SECOND, environment_id=ELSEWHERE)),
        (superseded(), successor(SECOND, superseded_by_id=THIRD)),
    ],
    ids=["leads nowhere", "loops on itself", "loops", "leaves its environment", "breaks off"],
)
def test_a_broken_lineage_asks_for_attention(chain: tuple[ReviewFacts, ...]) -> None:
    assert said(facts_of(*chain)) == AMBIGUOUS


@pytest.mark.parametrize("status", sorted(LIVE))
@pytest.mark.parametrize("execution", [OPEN, TERMINATED])
def test_one_live_review_of_the_fingerprint_is_success(status: ReviewStatus, execution: Execution) -> None:
    assert said(facts_of(review(status), execution=execution)) == COMPOSED_BY_ANOTHER


def test_a_review_of_other_evidence_does_not_match() -> None:
    assert said(facts_of(successor(REVIEW))) == NOT_COMPOSED
    assert said(facts_of(review(), run=RUN.model_copy(update={"fingerprint": None}))) == NOT_COMPOSED


@pytest.mark.parametrize(
    ("chain", "live_end"),
    [
        ((superseded(), successor(SECOND)), SECOND),
        ((superseded(), successor(SECOND, superseded_by_id=THIRD), successor(THIRD)), THIRD),
        ((successor(THIRD), successor(SECOND, superseded_by_id=THIRD), superseded()), THIRD),
    ],
    ids=["next", "next but one", "in any order"],
)
def test_a_match_superseded_meanwhile_blocks_and_leads_to_the_live_end_of_its_chain(
    chain: tuple[ReviewFacts, ...], live_end: UUID
) -> None:
    assert said(facts_of(*chain)) == (Outcome.BLOCKED, ReasonCode.REVIEW_SUPERSEDED, live_end)


@pytest.mark.parametrize("at", [BEFORE, CREATED_AT])
def test_a_review_superseded_before_the_run_was_created_does_not_match(at: datetime) -> None:
    gone = superseded(at=at), successor(SECOND)
    assert said(facts_of(*gone)) == NOT_COMPOSED
    assert said(facts_of(*gone, review(id=THIRD)))[1:] == (ReasonCode.REVIEW_ALREADY_COMPOSED, THIRD)


@pytest.mark.parametrize("at", [BEFORE, CREATED_AT, AFTER])
def test_an_archived_review_of_another_run_leads_to_nothing(at: datetime) -> None:
    assert said(facts_of(review(ReviewStatus.ARCHIVED, archived_at=at))) == NOT_COMPOSED


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
    found = said(facts_of(execution=execution, cancellation_asked=asked))
    assert found == (outcome, ReasonCode.REVIEW_NOT_COMPOSED, None)


def test_no_match_and_an_open_workflow_is_no_decision() -> None:
    assert decide(facts_of(execution=OPEN)) is None
    assert decide(facts_of(execution=OPEN, cancellation_asked=True)) is None


def test_whoever_reads_the_facts_learns_nothing_of_what_is_out_of_scope() -> None:
    shown = facts_of(FOREIGN, superseded(), successor(SECOND)).model_dump(mode="json")
    nothing_known = ReviewMatch(in_scope=False).model_dump(mode="json")
    match = {
        "in_scope": True,
        "review_id": str(REVIEW),
        "own": False,
        "status": "superseded",
        "live_end_id": str(SECOND),
        "broken_lineage": False,
    }
    assert shown == {
        "execution": {"state": "closed", "cause": "terminated"},
        "cancellation_asked": False,
        "matches": [nothing_known, match],
    }


ids = st.sampled_from([REVIEW, SECOND, THIRD])
times = st.none() | st.sampled_from([BEFORE, CREATED_AT, AFTER])
executions = st.builds(
    Execution,
    state=st.sampled_from(ExecutionState),
    cause=st.sampled_from(["activity_failed", "cancelled", "terminated", "never_started", None]),
)
reviews = st.lists(
    st.builds(
        ReviewFacts,
        id=ids,
        run_id=st.sampled_from([RUN_ID, ANOTHER_RUN]),
        workspace_id=st.sampled_from([WORKSPACE, ELSEWHERE]),
        environment_id=st.sampled_from([ENVIRONMENT, ELSEWHERE]),
        fingerprint=st.sampled_from([FINGERPRINT, ANOTHER_FINGERPRINT]),
        status=st.sampled_from(ReviewStatus),
        superseded_by_id=st.none() | ids,
        superseded_at=times,
        archived_at=times,
    ),
    max_size=3,
    unique_by=lambda review: review.id,
)
any_facts = st.builds(
    ReviewComposeFacts,
    execution=executions,
    cancellation_asked=st.booleans(),
    run=st.sampled_from([RUN, RUN.model_copy(update={"fingerprint": None})]),
    reviews=reviews.map(tuple),
)


@given(any_facts)
def test_the_same_facts_give_the_same_decision(facts: ReviewComposeFacts) -> None:
    assert decide(facts) == decide(facts.model_copy(deep=True))


@given(any_facts)
def test_what_is_related_is_always_a_review_in_scope(facts: ReviewComposeFacts) -> None:
    decision = decide(facts)
    if decision is not None and decision.related is not None:
        related = next(review for review in facts.reviews if review.id == decision.related.id)
        assert related.environment_id == ENVIRONMENT
        assert related.id in {id_ for match in facts.matches for id_ in (match.review_id, match.live_end_id)}


@given(any_facts)
def test_it_never_succeeds_without_exactly_one_complete_review_in_scope(facts: ReviewComposeFacts) -> None:
    decision = decide(facts)
    if decision is None or decision.outcome is not Outcome.SUCCEEDED:
        return
    if not [match for match in facts.matches if match.in_scope and match.own]:
        (only,) = facts.matches
        assert only.in_scope
        assert only.status in LIVE
        assert not only.broken_lineage


@given(any_facts)
def test_an_open_workflow_is_never_settled_as_failed_or_cancelled(facts: ReviewComposeFacts) -> None:
    decision = decide(facts.model_copy(update={"execution": OPEN}))
    assert decision is None or decision.outcome not in {Outcome.FAILED, Outcome.CANCELLED}
