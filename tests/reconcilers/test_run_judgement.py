from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from models.catalog import OperationType
from models.lifecycle import Status
from models.reconciliation import OPEN, Execution, ExecutionState
from reconcilers.run_judgement import Action, RunStanding, judge
from services.engine.port import WorkflowView

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NOT_FOUND = WorkflowView(execution=Execution(state=ExecutionState.NOT_FOUND))


def run(
    *, age: timedelta, dispatched: bool = False, status: Status = Status.QUEUED, asked: bool = False
) -> RunStanding:
    return RunStanding(
        run_id=UUID(int=1),
        workspace_id=UUID(int=2),
        operation_type=OperationType.RESTORE_EXECUTE,
        status=status,
        created_at=NOW - age,
        dispatched_at=NOW - age if dispatched else None,
        cancellation_asked=asked,
    )


def failing(attempts: int, since: timedelta) -> WorkflowView:
    return WorkflowView(execution=OPEN, failing_attempts=attempts, failing_since=NOW - since)


@pytest.mark.parametrize(
    ("standing", "action", "cause"),
    [
        (run(age=timedelta(seconds=5)), Action.LEAVE, None),
        (run(age=timedelta(seconds=15)), Action.DISPATCH, None),
        (run(age=timedelta(minutes=59)), Action.DISPATCH, None),
        (run(age=timedelta(minutes=61)), Action.SETTLE, "never_started"),
        (run(age=timedelta(seconds=15), asked=True), Action.SETTLE, "never_started"),
        (run(age=timedelta(seconds=5), dispatched=True), Action.LEAVE, None),
        (run(age=timedelta(minutes=5), dispatched=True), Action.SETTLE, "history_gone"),
        (run(age=timedelta(minutes=5), status=Status.RUNNING), Action.SETTLE, "history_gone"),
    ],
)
def test_not_found_is_split_by_what_is_known_and_by_age(
    standing: RunStanding, action: Action, cause: str | None
) -> None:
    judgement = judge(standing, NOT_FOUND, now=NOW)
    assert judgement.action is action
    assert (judgement.execution.cause if judgement.execution else None) == cause


@pytest.mark.parametrize("age", [timedelta(seconds=1), timedelta(days=30)])
def test_an_open_workflow_is_left_alone_however_old(age: timedelta) -> None:
    judgement = judge(run(age=age, dispatched=True), WorkflowView(execution=OPEN), now=NOW)
    assert judgement.action is Action.LEAVE


@pytest.mark.parametrize(
    ("view", "action"),
    [
        (failing(2, timedelta(minutes=10)), Action.LEAVE),
        (failing(3, timedelta(seconds=59)), Action.LEAVE),
        (failing(3, timedelta(seconds=61)), Action.TERMINATE),
    ],
)
def test_a_task_that_keeps_failing_is_ended_after_its_grace(view: WorkflowView, action: Action) -> None:
    assert judge(run(age=timedelta(hours=1), dispatched=True), view, now=NOW).action is action


def test_a_closed_workflow_is_settled_with_its_cause() -> None:
    closed = Execution(state=ExecutionState.CLOSED, cause="terminated")
    judgement = judge(run(age=timedelta(seconds=1)), WorkflowView(execution=closed), now=NOW)
    assert (judgement.action, judgement.execution) == (Action.SETTLE, closed)
