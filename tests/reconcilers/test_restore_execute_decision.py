"""The table of docs/design.md for restores: a test a row, and what no facts may ever lead to."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import OPEN, Execution, ExecutionState, ReconciliationDecision, Related
from reconcilers.restore_execute_decision import (
    TIME_FENCE,
    UNREACHABLE_LIMIT,
    BranchFacts,
    RestoreExecuteDecision,
    RestoreFacts,
)
from tests.runs.contexts import push_of

RESULT = UUID(int=1)
COMMIT, ANOTHER = "1" * 40, "2" * 40
FAILED_AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
AT_THE_LIMIT = FAILED_AT + UNREACHABLE_LIMIT
OVERDUE = AT_THE_LIMIT + timedelta(microseconds=1)
TERMINATED = Execution(state=ExecutionState.CLOSED, cause="terminated")
CANCELLED = Execution(state=ExecutionState.CLOSING, cause="cancelled")


def branch(*own: str, as_planned: bool = False, changed: tuple[str, ...] = ()) -> BranchFacts:
    return BranchFacts(own_commits=own, as_planned=as_planned, changed=changed)


UNTOUCHED = BranchFacts(own_commits=(), as_planned=False, changed=())
APPLIED = BranchFacts(own_commits=(COMMIT,), as_planned=True, changed=("a",))
NEVER_SENT = (push_of(COMMIT, began_at=FAILED_AT),)
OPENED = (push_of(COMMIT, answer="opened", began_at=FAILED_AT),)
LANDED = (push_of(COMMIT, answer="landed"),)
FENCED = (push_of(COMMIT, answer="fenced"),)
UNCLEAR = (push_of(COMMIT, answer="unclear"),)
WITHOUT_TICKET = (push_of(COMMIT, ticket=None, began_at=FAILED_AT),)
AT_THE_TIME_FENCE = FAILED_AT + TIME_FENCE
AFTER_THE_TIME_FENCE = AT_THE_TIME_FENCE + timedelta(microseconds=1)
UNREACHABLE = (Outcome.ATTENTION_REQUIRED, ReasonCode.ENVIRONMENT_UNREACHABLE, False)


def given_facts(**facts: object) -> RestoreFacts:
    typical = {
        "execution": TERMINATED,
        "cancellation_asked": False,
        "pushes": (),
        "branch": UNTOUCHED,
        "failed_at": FAILED_AT,
        "looked_at": AT_THE_LIMIT,
        "intended_commit": None,
        "push_refused": False,
        "items_refused": False,
        "partial": False,
        "result_id": RESULT,
    }
    return RestoreFacts.model_validate(typical | facts)


def decide(**facts: object) -> ReconciliationDecision | None:
    return RestoreExecuteDecision().decide(given_facts(**facts))


@pytest.mark.parametrize(
    ("facts", "outcome", "reason", "related"),
    [
        ({"branch": APPLIED}, Outcome.SUCCEEDED, ReasonCode.RESTORE_APPLIED, True),
        ({"branch": APPLIED, "execution": OPEN}, Outcome.SUCCEEDED, ReasonCode.RESTORE_APPLIED, True),
        (
            {"branch": APPLIED, "partial": True},
            Outcome.PARTIALLY_SUCCEEDED,
            ReasonCode.RESTORE_PARTLY_APPLIED,
            True,
        ),
        (
            {"branch": branch(as_planned=True, changed=("a",))},
            Outcome.SUCCEEDED,
            ReasonCode.RESTORE_NOT_NEEDED,
            True,
        ),
        ({"branch": branch(COMMIT)}, Outcome.ATTENTION_REQUIRED, ReasonCode.RESTORE_OVERWRITTEN, False),
        (
            {"branch": branch(COMMIT, ANOTHER, as_planned=True)},
            Outcome.ATTENTION_REQUIRED,
            ReasonCode.RESTORE_APPLIED_TWICE,
            False,
        ),
        ({"branch": branch(changed=("a",))}, Outcome.BLOCKED, ReasonCode.ENVIRONMENT_CHANGED, False),
        ({"push_refused": True}, Outcome.BLOCKED, ReasonCode.PUSH_REFUSED, False),
        ({"items_refused": True}, Outcome.BLOCKED, ReasonCode.ITEMS_REFUSED, False),
        ({}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"cancellation_asked": True}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"execution": CANCELLED}, Outcome.CANCELLED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"branch": None}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"branch": None, "looked_at": OVERDUE}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"branch": None, "items_refused": True}, Outcome.BLOCKED, ReasonCode.ITEMS_REFUSED, False),
        ({"branch": APPLIED, "items_refused": True}, Outcome.BLOCKED, ReasonCode.ITEMS_REFUSED, False),
        (
            {"branch": None, "pushes": OPENED, "looked_at": OVERDUE},
            Outcome.ATTENTION_REQUIRED,
            ReasonCode.ENVIRONMENT_UNREACHABLE,
            False,
        ),
        ({"pushes": OPENED, "looked_at": OVERDUE}, *UNREACHABLE),
        ({"pushes": UNCLEAR}, *UNREACHABLE),
        ({"pushes": NEVER_SENT}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"pushes": NEVER_SENT, "branch": None}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"pushes": FENCED}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"pushes": FENCED, "branch": None}, Outcome.FAILED, ReasonCode.RESTORE_NOT_APPLIED, False),
        ({"pushes": FENCED, "branch": APPLIED}, Outcome.SUCCEEDED, ReasonCode.RESTORE_APPLIED, True),
        ({"pushes": OPENED, "branch": APPLIED}, Outcome.SUCCEEDED, ReasonCode.RESTORE_APPLIED, True),
        ({"pushes": LANDED}, Outcome.ATTENTION_REQUIRED, ReasonCode.RESTORE_OVERWRITTEN, False),
        (
            {"pushes": LANDED, "branch": branch(as_planned=True)},
            Outcome.ATTENTION_REQUIRED,
            ReasonCode.RESTORE_OVERWRITTEN,
            False,
        ),
        (
            {"pushes": WITHOUT_TICKET, "looked_at": AFTER_THE_TIME_FENCE},
            Outcome.FAILED,
            ReasonCode.RESTORE_NOT_APPLIED,
            False,
        ),
        ({"pushes": WITHOUT_TICKET, "branch": APPLIED}, Outcome.SUCCEEDED, ReasonCode.RESTORE_APPLIED, True),
    ],
)
def test_the_first_row_that_holds_decides(
    facts: dict[str, object], outcome: Outcome, reason: ReasonCode, *, related: bool
) -> None:
    decision = decide(**facts)
    assert decision is not None
    assert (decision.outcome, decision.reason_code) == (outcome, reason)
    assert decision.related == (Related(type="restore_result", id=RESULT) if related else None)


@pytest.mark.parametrize(
    "facts",
    [
        {"execution": OPEN},
        {"execution": OPEN, "branch": branch(changed=("a",))},
        {"execution": OPEN, "branch": None},
        {"branch": None, "pushes": OPENED},
        {"branch": None, "pushes": LANDED},
        {"execution": OPEN, "branch": None, "pushes": OPENED, "looked_at": OVERDUE},
        {"pushes": OPENED},
        {"pushes": OPENED, "branch": branch(as_planned=True)},
        {"pushes": OPENED, "branch": branch(changed=("a",))},
        {"pushes": WITHOUT_TICKET, "branch": None, "looked_at": AFTER_THE_TIME_FENCE},
        {"pushes": WITHOUT_TICKET, "looked_at": AT_THE_TIME_FENCE},
    ],
)
def test_what_cannot_be_told_yet_is_not_decided(facts: dict[str, object]) -> None:
    assert decide(**facts) is None


def test_whoever_reads_the_facts_is_told_whether_it_is_overdue_and_not_by_which_times() -> None:
    shown = given_facts(branch=None, looked_at=OVERDUE).model_dump(mode="json")
    assert shown["overdue"] is True
    assert {"failed_at", "looked_at"}.isdisjoint(shown)


branches = st.none() | st.builds(
    BranchFacts,
    own_commits=st.lists(st.sampled_from([COMMIT, ANOTHER]), max_size=2, unique=True).map(tuple),
    as_planned=st.booleans(),
    changed=st.lists(st.text(min_size=1, max_size=3), max_size=3).map(tuple),
)
any_facts = st.builds(
    RestoreFacts,
    execution=st.sampled_from([OPEN, TERMINATED, CANCELLED]),
    cancellation_asked=st.booleans(),
    pushes=st.lists(
        st.builds(
            push_of,
            st.sampled_from([COMMIT, ANOTHER]),
            answer=st.sampled_from([None, "opened", "landed", "stale", "refused", "fenced", "unclear"]),
            ticket=st.sampled_from(["refs/operation-runs/1/1", None]),
            began_at=st.just(FAILED_AT),
        ),
        max_size=3,
    ).map(tuple),
    branch=branches,
    failed_at=st.just(FAILED_AT),
    looked_at=st.sampled_from([FAILED_AT, AT_THE_LIMIT, OVERDUE]),
    intended_commit=st.sampled_from([None, COMMIT]),
    push_refused=st.booleans(),
    items_refused=st.booleans(),
    partial=st.booleans(),
    result_id=st.just(RESULT),
)


@given(any_facts)
def test_it_never_succeeds_unless_the_branch_is_as_planned(facts: RestoreFacts) -> None:
    decision = RestoreExecuteDecision().decide(facts)
    if decision is not None and decision.related is not None:
        assert facts.branch is not None
        assert facts.branch.as_planned
        assert len(facts.branch.own_commits) <= 1


@given(any_facts)
def test_it_never_says_that_nothing_was_done_where_a_commit_is(facts: RestoreFacts) -> None:
    decision = RestoreExecuteDecision().decide(facts)
    if facts.branch is not None and facts.branch.own_commits and decision is not None:
        assert decision.outcome not in {Outcome.FAILED, Outcome.CANCELLED}


@given(any_facts)
def test_nothing_is_denied_while_a_push_may_land(facts: RestoreFacts) -> None:
    decision = RestoreExecuteDecision().decide(facts)
    if decision is not None and facts.may_still_land and decision.related is None:
        assert decision.outcome is Outcome.ATTENTION_REQUIRED or facts.items_refused


@given(any_facts)
def test_what_is_foreseen_waits_for_no_ticket(facts: RestoreFacts) -> None:
    assert not facts.as_fenced().needs_fence
