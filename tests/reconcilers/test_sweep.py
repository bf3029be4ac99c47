"""One sweep over an engine in memory: what Temporal's lists name is settled, adopted or left alone."""

from pathlib import Path

import pytest

from models.catalog import OperationType
from models.correlation import Correlation
from models.environment import Environment
from models.lifecycle import QUEUED, Outcome, Status, completed
from models.operation_run import OperationRun
from models.sweep import SweepCursor, SweepResult
from reconcilers.sweep import Sweep
from services.database.session import Database
from tests.factories import make_run, make_workspace
from tests.fake_engine import services_on
from tests.reconcilers.listing_engine import ListingEngine, input_of
from tests.runs.seen_runs import see

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE


@pytest.fixture
def sweep(database: Database, engine: ListingEngine, tmp_path: Path) -> Sweep:
    services = services_on(engine, database, folder=tmp_path, roots=[], public_url="http://localhost")
    return Sweep(database, engine, services.check, services.cancellations, connection="default")


def swept(sweep: Sweep) -> SweepResult:
    return sweep.run_once(SweepCursor())


def test_an_open_workflow_without_a_run_is_adopted(
    database: Database, engine: ListingEngine, environment: Environment, sweep: Sweep
) -> None:
    run_id = engine.start_directly(input_of(environment) | {"ref": "release-1"})

    result = swept(sweep)

    assert (result.adopted, result.refused, result.could_not_check) == (1, 0, 0)
    seen = see(database, run_id)
    assert seen.standing == QUEUED
    assert seen.context["input"] == {"ref": "release-1"}
    assert (seen.context["dispatch"]["queue"], seen.context["dispatch"]["connection"]) == (
        "a-queue",
        "default",
    )
    assert seen.dispatched_at is not None


@pytest.mark.parametrize("why", ["its type disagrees", "another workspace", "no input"])
def test_an_open_workflow_that_may_have_no_run_is_left_alone(
    database: Database, engine: ListingEngine, environment: Environment, sweep: Sweep, why: str
) -> None:
    given, workflow_type = input_of(environment), str(COMPOSE)
    if why == "its type disagrees":
        workflow_type = OperationType.RESTORE_EXECUTE
    if why == "another workspace":
        with database.transaction() as session:
            given["workspace_id"] = str(make_workspace(session, "other").id)
    run_id = engine.start_directly({} if why == "no input" else given, workflow_type=workflow_type)

    result = swept(sweep)

    assert (result.adopted, result.refused, result.could_not_check) == (0, 1, 0)
    with database.transaction() as session:
        assert session.get(OperationRun, run_id) is None


def test_a_workflow_that_closed_abnormally_has_its_run_settled(
    database: Database, engine: ListingEngine, environment: Environment, sweep: Sweep
) -> None:
    with database.transaction() as session:
        run, untouched = (make_run(session, environment, status=Status.RUNNING) for _ in range(2))
    workflow_id = Correlation(operation_type=COMPOSE, run_id=run.id).workflow_id
    engine.close(workflow_id, "terminated")
    engine.closed.append(workflow_id)

    result = swept(sweep)

    assert result.settled == {"review_not_composed": 1}
    assert see(database, run.id).standing == completed(Outcome.FAILED)
    assert see(database, untouched.id).is_active
