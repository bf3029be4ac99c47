"""Whether a run's three truths agree, row by row."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models.base import utc_now
from models.contracts import Cause
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import OPEN, Execution, ExecutionState
from models.review import EnvironmentReview, ReviewStatus
from services.engine.port import WorkflowView
from services.runs.queries import BusinessTruth
from tests.runs.contexts import push_of, stored_context, stored_reconciliation
from web.runs.agreement import agreement_of

NOW = utc_now()
LONG_AGO = NOW - timedelta(hours=1)
NOTHING = BusinessTruth()


def a_run(outcome: Outcome | None = None, *, status: Status = Status.RUNNING, **context: Any) -> OperationRun:
    return OperationRun(
        id=uuid4(),
        type="environment.review.compose",
        status=Status.COMPLETED if outcome else status,
        outcome=outcome or Outcome.PENDING,
        context_json=stored_context(**context),
        created_at=LONG_AGO,
        completed_at=LONG_AGO if outcome else None,
    )


def closed(cause: Cause | None = None) -> WorkflowView:
    return WorkflowView(execution=Execution(state=ExecutionState.CLOSED, cause=cause))


def review_of(run: OperationRun | None) -> BusinessTruth:
    review = EnvironmentReview(id=uuid4(), run_id=run.id if run else uuid4(), status=ReviewStatus.DRAFT)
    return BusinessTruth(reviews=[review])


IS_OPEN = WorkflowView(execution=OPEN)
GONE = WorkflowView(execution=Execution(state=ExecutionState.NOT_FOUND))


@pytest.mark.parametrize(
    ("run", "view"),
    [
        (a_run(status=Status.QUEUED), IS_OPEN),
        (a_run(), IS_OPEN),
        (a_run(Outcome.SUCCEEDED), closed()),
        (a_run(Outcome.FAILED), closed("activity_failed")),
        (a_run(Outcome.CANCELLED), closed("cancelled")),
        (a_run(Outcome.FAILED), GONE),
        (a_run(Outcome.SUCCEEDED, reconciliation=stored_reconciliation()), closed("terminated")),
    ],
)
def test_they_agree(run: OperationRun, view: WorkflowView) -> None:
    found = agreement_of(run, view, NOTHING, NOW)

    assert (found.agrees, found.sentence) == (True, "They agree.")


@pytest.mark.parametrize(
    ("run", "view", "next_"),
    [
        (a_run(), closed("terminated"), "“Check now” does it at once."),
        (a_run(), GONE, "“Check now” does it at once."),
        (a_run(status=Status.QUEUED), closed(), "“Check now” does it at once."),
        (a_run(status=Status.QUEUED), GONE, "hands it over again"),
        (a_run(Outcome.FAILED), IS_OPEN, "whoever runs this installation can end it"),
        (a_run(Outcome.SUCCEEDED), closed("terminated"), "Nothing more happens."),
    ],
)
def test_they_differ_and_what_happens_next_is_told(run: OperationRun, view: WorkflowView, next_: str) -> None:
    found = agreement_of(run, view, NOTHING, NOW)

    assert found.agrees is False
    assert next_ in found.sentence


@pytest.mark.parametrize("view", [closed("terminated"), GONE])
def test_a_push_that_may_still_land_is_not_said_to_be_settled_at_once(view: WorkflowView) -> None:
    run = a_run(pushes=[push_of("1" * 40, answer="opened").as_json()])

    found = agreement_of(run, view, NOTHING, NOW)

    assert found.agrees is False
    assert "until the repository confirms" in found.sentence
    assert "at once" not in found.sentence


def test_a_result_that_the_record_denies_goes_before_all_else() -> None:
    run = a_run(Outcome.FAILED)

    assert "corrects the record" in agreement_of(run, None, review_of(run), NOW).sentence
    assert "settles this operation by it" in agreement_of(run, IS_OPEN, review_of(None), NOW).sentence


def test_what_is_not_known_is_not_claimed() -> None:
    run = a_run()

    assert agreement_of(run, None, NOTHING, NOW).agrees is None
    assert agreement_of(run, IS_OPEN, None, NOW).agrees is None
    assert agreement_of(run, None, None, NOW).agrees is None


def test_a_run_that_was_asked_for_a_moment_ago_is_not_missed_yet() -> None:
    run = a_run(status=Status.QUEUED)
    run.created_at = NOW - timedelta(seconds=2)

    assert agreement_of(run, GONE, NOTHING, NOW).agrees is True


def test_work_closes_a_moment_after_its_end_is_recorded() -> None:
    run = a_run(Outcome.SUCCEEDED)
    run.completed_at = NOW - timedelta(seconds=2)

    found = agreement_of(run, IS_OPEN, NOTHING, NOW)

    assert (found.agrees, "just closing" in found.sentence) == (True, True)
