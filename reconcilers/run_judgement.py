from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from models.catalog import OperationType
from models.contracts import Cause
from models.correlation import Correlation
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Execution, ExecutionState
from services.engine.port import WorkflowView

# A start that was sent this short a time ago may not be visible yet.
JUST_DISPATCHED: Final = timedelta(seconds=10)

# How long a run whose start was never confirmed is dispatched again; later its id may be forgotten, and a
# second start would run it twice.
REDISPATCH_WITHIN: Final = timedelta(hours=1)

# A workflow task that failed so often, for so long, does not recover.
FAILING_ATTEMPTS: Final = 3
FAILING_GRACE: Final = timedelta(seconds=60)


class Action(StrEnum):
    """What to do about an active run."""

    LEAVE = "leave"
    DISPATCH = "dispatch"
    TERMINATE = "terminate"
    SETTLE = "settle"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The action; `execution` is set where the run is to be settled."""

    action: Action
    execution: Execution | None = None


@dataclass(frozen=True, kw_only=True)
class RunStanding:
    """What a judgement needs of a run."""

    run_id: UUID
    workspace_id: UUID
    operation_type: OperationType
    status: Status
    created_at: datetime
    dispatched_at: datetime | None
    cancellation_asked: bool
    workflow_run_id: str | None = None

    @property
    def workflow_id(self) -> str:
        """The id of the workflow that works for the run."""
        return Correlation(operation_type=self.operation_type, run_id=self.run_id).workflow_id


def standing_of(run: OperationRun) -> RunStanding:
    """Read a run's standing from its row."""
    context = run.context
    return RunStanding(
        run_id=run.id,
        workspace_id=run.workspace_id,
        operation_type=OperationType(run.type),
        status=Status(run.status),
        created_at=run.created_at,
        dispatched_at=context.dispatch.dispatched_at,
        cancellation_asked=context.cancellation is not None,
        workflow_run_id=context.workflow_run_id,
    )


def judge(run: RunStanding, view: WorkflowView, *, now: datetime) -> Judgement:
    """Return what to do about an active run, from what the engine says; age alone settles nothing (law L9).

    1. Open: leave it; terminate it first where its workflow task fails over and over.
    2. Closed: settle it.
    3. Not found: leave it where it was just dispatched; dispatch it again where it never started and is
       young; settle it where the engine knew it once.
    """
    if view.execution.state is ExecutionState.OPEN:
        return Judgement(action=Action.TERMINATE if _keeps_failing(view, now) else Action.LEAVE)
    if view.execution.state is not ExecutionState.NOT_FOUND:
        return Judgement(action=Action.SETTLE, execution=view.execution)
    if now - (run.dispatched_at or run.created_at) < JUST_DISPATCHED:
        return Judgement(action=Action.LEAVE)
    if run.status is not Status.QUEUED or run.dispatched_at is not None:
        return _settle("history_gone")
    if run.cancellation_asked or now - run.created_at > REDISPATCH_WITHIN:
        return _settle("never_started")
    return Judgement(action=Action.DISPATCH)


def judge_beside(foreign: WorkflowView) -> Judgement:
    """Return what to do about a queued run whose workflow id a foreign workflow has (law L6).

    It waits while that is open, which may be refused and make way; once it has closed, the run cannot start.
    """
    if foreign.execution.state is ExecutionState.OPEN:
        return Judgement(action=Action.LEAVE)
    return _settle("never_started")


def judge_again(run: OperationRun, view: WorkflowView) -> Judgement:
    """Return whether a completed run may be settled again, which corrects it where the facts changed.

    Not while its workflow is open, nor where it never had work of its own. The cause that it was settled
    with is kept: an engine that has forgotten the workflow by now knows no other.
    """
    if view.execution.state is ExecutionState.OPEN or not _had_work(run):
        return Judgement(action=Action.LEAVE)
    settled = run.context.reconciliation
    cause = (settled.cause if settled else None) or view.execution.cause
    return Judgement(action=Action.SETTLE, execution=Execution(state=view.execution.state, cause=cause))


def _had_work(run: OperationRun) -> bool:
    """Return whether a workflow may have worked for a run: not after a refused start, nor for a duplicate."""
    reconciliation = run.context.reconciliation
    if reconciliation is not None:
        return reconciliation.reason_code != ReasonCode.ALREADY_IN_PROGRESS
    return all(failure["code"] != ReasonCode.DISPATCH_FAILED for failure in run.failures)


def _keeps_failing(view: WorkflowView, now: datetime) -> bool:
    return (
        view.failing_attempts >= FAILING_ATTEMPTS
        and view.failing_since is not None
        and now - view.failing_since > FAILING_GRACE
    )


def _settle(cause: Cause) -> Judgement:
    return Judgement(action=Action.SETTLE, execution=Execution(state=ExecutionState.NOT_FOUND, cause=cause))
