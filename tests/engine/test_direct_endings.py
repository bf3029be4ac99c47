"""Workflows that a program starts with Temporal itself, and that end before their first step."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from models.base import Json
from models.catalog import OperationType
from models.contracts import Cause
from models.correlation import Correlation
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reconciliation import ExecutionState
from tests.engine.borrowed import Stage, as_json
from tests.engine.stand_ins import NOBODY
from tests.engine.temporal_server import TemporalServer
from tests.factories import make_plan
from tests.world import COMPOSE, World
from workflows import failure_bridge

BEFORE_ITS_FIRST_STEP = SimpleNamespace(deadline=timedelta(0))


@pytest.fixture
def stage(temporal_server: TemporalServer, world: World, tmp_path: Path) -> Stage:
    return Stage(server=temporal_server, database=world.database, folder=tmp_path, queue=f"direct-{uuid4()}")


def given_to(world: World, operation_type: OperationType) -> Json:
    environment = world.environment
    scope = {"workspace_id": str(environment.workspace_id), "environment_id": str(environment.id)}
    if operation_type is COMPOSE:
        return scope
    with world.database.transaction() as session:
        return scope | {"restore_plan_id": str(make_plan(session, environment).id)}


def found(world: World, correlation: Correlation) -> OperationRun | None:
    with world.database.transaction() as session:
        return session.get(OperationRun, correlation.run_id)


@pytest.mark.parametrize("operation_type", OperationType)
@pytest.mark.parametrize(
    ("cause", "closed_as", "outcome"),
    [("cancelled", "cancelled", Outcome.CANCELLED), ("deadline", "deadline", Outcome.FAILED)],
)
def test_its_run_is_registered_and_settled(
    stage: Stage,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    operation_type: OperationType,
    cause: Cause,
    closed_as: str,
    outcome: Outcome,
) -> None:
    if cause == "deadline":
        deadlines = SimpleNamespace(get=lambda _: BEFORE_ITS_FIRST_STEP)
        monkeypatch.setattr(failure_bridge, "OperationCatalog", deadlines)
    correlation = Correlation(operation_type=operation_type, run_id=uuid4())
    workflow_id = correlation.workflow_id
    assert stage.start(workflow_id, operation_type, given_to(world, operation_type), queue=stage.queue)
    if cause == "cancelled":
        assert stage.server.engine.cancel(workflow_id)

    with stage.working():
        assert stage.endings([workflow_id]) == {workflow_id: closed_as}

    run = found(world, correlation)
    assert run is not None
    assert (run.status, run.outcome) == (Status.COMPLETED, outcome)
    settled = run.context.reconciliation
    assert settled is not None
    assert (settled.source, settled.cause) == ("workflow", cause)
    view = stage.server.engine.describe(workflow_id)
    assert settled.evidence["workflow_id"] == workflow_id
    assert settled.evidence["workflow_run_id"] == run.context.workflow_run_id == view.workflow_run_id
    assert [request.run_id for request in stage.requests()] == [run.id]
    assert (run.context.cancellation is not None) is (cause == "cancelled")


def test_a_duplicate_of_active_work_that_was_cancelled_stays_blocked(stage: Stage, world: World) -> None:
    active = world.running(ref="release-1")
    correlation = Correlation(operation_type=COMPOSE, run_id=uuid4())
    assert stage.start(correlation.workflow_id, COMPOSE, as_json(active), queue=stage.queue)
    assert stage.server.engine.cancel(correlation.workflow_id)

    with stage.working():
        assert stage.endings([correlation.workflow_id]) == {correlation.workflow_id: "cancelled"}

    duplicate = found(world, correlation)
    assert duplicate is not None
    assert duplicate.outcome == Outcome.BLOCKED
    settled = duplicate.context.reconciliation
    assert settled is not None
    assert settled.related is not None
    assert settled.related.id == active.id
    assert settled.evidence["workflow_run_id"] == duplicate.context.workflow_run_id is not None


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_a_queued_run_whose_id_a_foreign_workflow_took_waits_for_it_and_never_starts(
    stage: Stage, world: World, *, is_open: bool
) -> None:
    run = world.queued(ref="release-1")
    workflow_id = Correlation(operation_type=COMPOSE, run_id=run.id).workflow_id
    given = as_json(run) | {"ref": "other-work"}
    assert stage.start(workflow_id, COMPOSE, given, queue=NOBODY if is_open else stage.queue)
    if not is_open:
        with stage.working():
            assert stage.endings([workflow_id]) == {workflow_id: "run_refused"}

    stage.dispatch(run)
    dispatched = found(world, Correlation(operation_type=COMPOSE, run_id=run.id))
    assert dispatched is not None
    assert dispatched.context.dispatch.dispatched_at is None
    stage.sweep()

    after = found(world, Correlation(operation_type=COMPOSE, run_id=run.id))
    assert after is not None
    settled = after.context.reconciliation
    if is_open:
        assert (after.status, settled) == (Status.QUEUED, None)
        assert stage.server.engine.describe(workflow_id).execution.state is ExecutionState.OPEN
    else:
        assert settled is not None
        assert (after.outcome, settled.cause) == (Outcome.FAILED, "never_started")


def test_a_run_whose_own_workflow_is_there_counts_as_started(stage: Stage, world: World) -> None:
    run = world.queued(ref="release-1")
    stage.start_own(run)

    stage.dispatch(run)

    after = found(world, Correlation(operation_type=COMPOSE, run_id=run.id))
    assert after is not None
    assert after.context.dispatch.dispatched_at is not None
