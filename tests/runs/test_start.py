"""Which workflow may start a run (law L6): its type, workspace, environment and identity are the run's."""

from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from models.catalog import OperationType
from models.contracts.operation_input import OperationInput
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import RunRefused
from models.lifecycle import RUNNING, Status
from models.operation_run import OperationRun
from services.database.session import Database
from services.runs.service import OperationRunService
from tests.factories import compose_input, correlation_of, make_environment, make_run
from tests.runs.seen_runs import see, steps_of

REF = "release-1"


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
