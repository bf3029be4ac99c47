"""Which workflow may start a run (law L6): its type, workspace, environment and identity are the run's."""

from dataclasses import replace
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from models.catalog import OperationType
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import RunRefused
from models.lifecycle import RUNNING, Outcome, Status
from models.operation_run import OperationRun
from services.database.session import Database
from services.runs.inputs import input_of
from services.runs.service import OperationRunService
from services.runs.start import Claimed, claim, resume
from tests.factories import (
    ADA,
    EXECUTION,
    STARTED,
    compose_input,
    correlation_of,
    decision,
    make_environment,
    make_run,
)
from tests.runs.seen_runs import see, steps_of

REF = "release-1"
OTHER = "another execution"


@pytest.fixture
def environment(database: Database) -> Environment:
    with database.transaction() as session:
        return make_environment(session)


@pytest.fixture(params=[Status.QUEUED, Status.RUNNING])
def run(request: pytest.FixtureRequest, database: Database, environment: Environment) -> OperationRun:
    with database.transaction() as session:
        return make_run(session, environment, status=request.param, ref=REF)


def start(database: Database, correlation: Correlation, given: OperationInput) -> OperationRun:
    with database.transaction() as session:
        return OperationRunService(session).start(correlation, given)


def test_the_workflow_of_a_run_starts_it_and_finds_it_started(
    database: Database, environment: Environment, run: OperationRun
) -> None:
    for _ in range(2):
        assert start(database, correlation_of(run), compose_input(environment, REF)).id == run.id
        assert see(database, run.id).standing == RUNNING


@pytest.mark.parametrize("field", ["workspace_id", "environment_id", "ref"])
def test_a_workflow_whose_input_is_other_work_does_not_start_it(
    database: Database, environment: Environment, run: OperationRun, field: str
) -> None:
    other = "release-2" if field == "ref" else uuid7()
    given = compose_input(environment, REF).model_copy(update={field: other})
    before, steps = see(database, run.id), steps_of(database, run.id)

    with pytest.raises(RunRefused):
        start(database, correlation_of(run), given)

    assert see(database, run.id) == before
    assert steps_of(database, run.id) == steps


def claimed_by(
    database: Database, correlation: Correlation, given: OperationInput, execution: str = EXECUTION
) -> Claimed:
    with database.transaction() as session:
        return claim(session, correlation, given, dispatch=replace(STARTED, workflow_run_id=execution))


def resumed_by(database: Database, run: OperationRun, execution: str) -> OperationRun:
    with database.transaction() as session:
        return resume(session, correlation_of(run), input_of(run), workflow_run_id=execution)


def test_a_blocked_duplicate_answers_its_own_execution_alone(
    database: Database, environment: Environment, run: OperationRun
) -> None:
    duplicate = Correlation(operation_type=OperationType(run.type), run_id=uuid4())
    refusal = claimed_by(database, duplicate, input_of(run)).refusal
    assert refusal is not None
    assert (refusal.outcome, refusal.related_id) == (Outcome.BLOCKED, run.id)
    before = see(database, duplicate.run_id)

    assert claimed_by(database, duplicate, input_of(run)).refusal == refusal
    for given, execution in ((input_of(run), OTHER), (compose_input(environment, "release-2"), EXECUTION)):
        with pytest.raises(RunRefused):
            claimed_by(database, duplicate, given, execution)
    assert see(database, duplicate.run_id) == before


def test_an_execution_takes_over_an_active_run_and_never_a_completed_one(
    database: Database, run: OperationRun
) -> None:
    claimed_by(database, correlation_of(run), input_of(run))
    for execution in (EXECUTION, OTHER):
        taken = resumed_by(database, run, execution)
        assert taken.context.workflow_run_id == execution
    with database.transaction() as session:
        OperationRunService(session).update_run_with_reconciliation(
            run.id, decision(Outcome.FAILED), source="sweep", actor=ADA
        )
    before = see(database, run.id)

    assert resumed_by(database, run, OTHER).id == run.id
    with pytest.raises(RunRefused):
        resumed_by(database, run, EXECUTION)
    assert see(database, run.id) == before
    assert before.reconciliation is not None
    assert before.reconciliation["evidence"]["workflow_run_id"] == OTHER


def test_a_workflow_of_another_type_or_of_no_run_does_not_start_it(
    database: Database, environment: Environment, run: OperationRun
) -> None:
    restore = RestoreExecuteInput(
        workspace_id=environment.workspace_id, environment_id=environment.id, restore_plan_id=uuid7()
    )
    before = see(database, run.id)
    of_another_type = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=run.id)
    of_no_run = Correlation(operation_type=OperationType(run.type), run_id=uuid4())

    for correlation, given in ((of_another_type, restore), (of_no_run, compose_input(environment, REF))):
        with pytest.raises(RunRefused):
            start(database, correlation, given)

    assert see(database, run.id) == before
