"""The workflows of the worlds, each with the run that it works for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, cast
from uuid import UUID

from models.catalog import OperationType
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput
from models.correlation import Correlation, parse_workflow_id
from services.engine.port import WorkflowStart
from services.runs.new_run import Dispatch, NewRun
from tests.proof.ports.rows import Row, row
from tests.proof.replay import Node
from tests.proof.scene import (
    ADA,
    DONE,
    EMPTY_ENVIRONMENT,
    ENVIRONMENT,
    FOREIGN_ENVIRONMENT,
    FOREIGN_WORKSPACE,
    LARGE,
    PARTLY,
    PLAN,
    REFUSED,
    REVIEW_RUN,
    RUN,
    SECOND_REVIEW_RUN,
    SECOND_RUN,
    WORKSPACE,
)
from tests.proof.workflow_code import Execution
from tests.proof.world import BEGINNING, Workflow
from workflows.restore_execute import RestoreExecuteWorkflow
from workflows.review_compose import EnvironmentReviewComposeWorkflow

_CODE: Final[Mapping[OperationType, type]] = {
    OperationType.RESTORE_EXECUTE: RestoreExecuteWorkflow,
    OperationType.ENVIRONMENT_REVIEW_COMPOSE: EnvironmentReviewComposeWorkflow,
}
TARGET: Final = Dispatch(queue="operation-runs", connection="default")
# Before anything happens to the reviews of a world.
_REQUESTED_AT: Final = BEGINNING - timedelta(seconds=1)


def _restoring(plan: UUID, run_id: UUID = RUN) -> Execution:
    operation_input = RestoreExecuteInput(
        workspace_id=WORKSPACE, environment_id=ENVIRONMENT, restore_plan_id=plan
    )
    return _execution(run_id, operation_input)


def _composing(
    ref: str | None,
    run_id: UUID = REVIEW_RUN,
    *,
    workspace_id: UUID = WORKSPACE,
    environment_id: UUID = ENVIRONMENT,
) -> Execution:
    operation_input = ReviewComposeInput(workspace_id=workspace_id, environment_id=environment_id, ref=ref)
    return _execution(run_id, operation_input)


def _execution(run_id: UUID, operation_input: RestoreExecuteInput | ReviewComposeInput) -> Execution:
    restores = isinstance(operation_input, RestoreExecuteInput)
    kind = OperationType.RESTORE_EXECUTE if restores else OperationType.ENVIRONMENT_REVIEW_COMPOSE
    return Execution(Correlation(operation_type=kind, run_id=run_id), _CODE[kind], operation_input)


RESTORING: Final = _restoring(PLAN)
RESTORING_PARTLY: Final = _restoring(PARTLY)
RESTORING_REFUSED: Final = _restoring(REFUSED)
RESTORING_NOTHING: Final = _restoring(DONE)
# The same work, started directly under an id of its own.
REPEATING: Final = _restoring(PLAN, SECOND_RUN)
# Another workspace's workflow of another type, under the id of the restore's run.
BORROWING: Final = _composing(None, RUN, workspace_id=FOREIGN_WORKSPACE, environment_id=FOREIGN_ENVIRONMENT)

COMPOSING: Final = _composing(None)
# The same commit by another name, which is other work and the same review.
COMPOSING_MAIN: Final = _composing("main", SECOND_REVIEW_RUN)
COMPOSING_LARGE: Final = _composing(LARGE)
COMPOSING_LARGE_REF: Final = _composing(f"refs/heads/{LARGE}", SECOND_REVIEW_RUN)
COMPOSING_GONE: Final = _composing("gone")
COMPOSING_ODD: Final = _composing("--all")
COMPOSING_NOTHING: Final = _composing(None, environment_id=EMPTY_ENVIRONMENT)


@cache
def beginning_of(execution: Execution) -> Workflow:
    """Return a workflow that has just been started."""
    return Workflow(execution.correlation.workflow_id, Node("workflow", execution))


def started(start: WorkflowStart) -> Workflow:
    """Return the workflow that a start leads to."""
    correlation = correlation_of(start.workflow_id)
    code = _CODE[OperationType(start.workflow_type)]
    return beginning_of(Execution(correlation, code, start.operation_input))


def correlation_of(workflow_id: str) -> Correlation:
    """Return the run that a workflow of ours names."""
    correlation = parse_workflow_id(workflow_id)
    assert correlation is not None
    return correlation


def queued_run(execution: Execution, dispatched_at: datetime | None = BEGINNING) -> Row:
    """Return a requested run as it is before its workflow begins; None: Temporal has not confirmed it."""
    restores = isinstance(execution.argument, RestoreExecuteInput)
    new = NewRun(
        correlation=execution.correlation,
        operation_input=cast("OperationInput", execution.argument),
        actor=ADA,
        dispatch=replace(TARGET, dispatched_at=dispatched_at),
    )
    columns = new.columns(BEGINNING if restores else _REQUESTED_AT)
    columns["context"] = columns.pop("context_json")
    return row("operation_runs", {**columns, "started_at": None, "completed_at": None})
