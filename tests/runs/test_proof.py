"""The proof before any write for a workflow (law L6): whose work it is, and which execution may act."""

from typing import Any
from uuid import UUID

import pytest

from models.base import Json
from models.catalog import OperationType
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.contracts.review_compose import ReviewComposeInput
from models.correlation import Correlation
from models.errors import RunRefused
from models.operation_run import OperationRun
from services.engine.port import FirstEvent
from services.runs.inputs import work_columns
from services.runs.proof import check_may_act, work_of
from tests.factories import NOW
from tests.runs.contexts import stored_context

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
CORRELATION = Correlation(operation_type=COMPOSE, run_id=UUID(int=1))
INPUT = ReviewComposeInput(workspace_id=UUID(int=2), environment_id=UUID(int=3), ref="release-1")
FIRST, SECOND = "the first execution", "the second execution"


def run_that(status: str, *, worked: str | None) -> OperationRun:
    context = stored_context(**({"workflow_run_id": worked} if worked else {}))
    return OperationRun(**work_columns(CORRELATION, INPUT), status=status, context_json=context)


def may_act(
    run: OperationRun,
    execution: str | None,
    operation_input: OperationInput = INPUT,
    correlation: Correlation = CORRELATION,
) -> bool:
    try:
        check_may_act(run, correlation, operation_input, workflow_run_id=execution)
    except RunRefused:
        return False
    return True


@pytest.mark.parametrize("status", ["queued", "running"])
@pytest.mark.parametrize("worked", [None, FIRST])
def test_any_execution_of_this_work_may_act_for_an_active_run(status: str, worked: str | None) -> None:
    assert may_act(run_that(status, worked=worked), SECOND)


@pytest.mark.parametrize(
    ("worked", "execution", "may"),
    [(FIRST, FIRST, True), (FIRST, SECOND, False), (None, FIRST, False), (None, None, False)],
)
def test_only_the_execution_that_worked_may_act_for_a_completed_run(
    worked: str | None, execution: str | None, *, may: bool
) -> None:
    assert may_act(run_that("completed", worked=worked), execution) is may


@pytest.mark.parametrize("status", ["queued", "running", "completed"])
@pytest.mark.parametrize("field", ["workspace_id", "environment_id", "ref"])
def test_no_execution_of_other_work_may_act(status: str, field: str) -> None:
    other = INPUT.model_copy(update={field: "release-2" if field == "ref" else UUID(int=9)})
    assert not may_act(run_that(status, worked=FIRST), FIRST, other)


def test_no_execution_of_another_type_or_run_may_act() -> None:
    restore = RestoreExecuteInput(
        workspace_id=INPUT.workspace_id, environment_id=INPUT.environment_id, restore_plan_id=UUID(int=4)
    )
    of_another_type = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=CORRELATION.run_id)
    of_another_run = Correlation(operation_type=COMPOSE, run_id=UUID(int=9))
    run = run_that("running", worked=FIRST)
    assert not may_act(run, FIRST, restore, of_another_type)
    assert not may_act(run, FIRST, INPUT, of_another_run)


def started(given: Json | None, **changed: Any) -> FirstEvent:
    values = {
        "workflow_type": str(COMPOSE),
        "workflow_run_id": FIRST,
        "task_queue": "a-queue",
        "started_at": NOW,
        "operation_input": given,
    }
    return FirstEvent(**{**values, **changed})


def test_a_workflow_names_its_run_by_its_id_and_its_work_by_its_input() -> None:
    given = INPUT.model_dump(mode="json")
    assert work_of(CORRELATION.workflow_id, started(given)) == (CORRELATION, INPUT)


@pytest.mark.parametrize(
    ("workflow_id", "first"),
    [
        pytest.param(CORRELATION.workflow_id, None, id="Temporal does not know it"),
        pytest.param("anything", started(INPUT.model_dump(mode="json")), id="its id names no run"),
        pytest.param(
            CORRELATION.workflow_id,
            started(INPUT.model_dump(mode="json"), workflow_type="restore.execute"),
            id="its type is not its id's",
        ),
        pytest.param(CORRELATION.workflow_id, started(None), id="it has no plain input"),
        pytest.param(CORRELATION.workflow_id, started({"ref": "x"}), id="its input does not hold"),
    ],
)
def test_a_workflow_that_names_no_work_is_refused(workflow_id: str, first: FirstEvent | None) -> None:
    with pytest.raises(RunRefused):
        work_of(workflow_id, first)
