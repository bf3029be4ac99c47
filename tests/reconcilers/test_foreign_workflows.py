"""A workflow of other work under a run's id means nothing for the run (law L6); an engine in memory."""

import pytest

from models.access import Role
from models.base import Json, utc_now
from models.contracts import Cause
from models.lifecycle import QUEUED, Outcome, completed
from models.operation_run import OperationRun, OperationRunHistory
from models.reason_codes import ReasonCode
from models.reconciliation import OPEN, Execution, ExecutionState
from reconcilers.histories import Histories
from reconcilers.run_check import CheckResult
from reconcilers.run_judgement import Action
from services.engine.port import WorkflowView
from services.runs.links import workflow_id_of
from services.runs.service import OperationRunService
from tests.factories import ADA
from tests.runs.seen_runs import see
from tests.world import World

OF_ANOTHER = {"workspace_id": "0199f2f0-0000-7000-8000-000000000001"}
OWN_RUN = "the run's own execution"


def given_to(run: OperationRun, **changed: str) -> Json:
    scope = {"workspace_id": str(run.workspace_id), "environment_id": str(run.environment_id)}
    return scope | run.context.input | changed


def closed_by(cause: Cause) -> Execution:
    return Execution(state=ExecutionState.CLOSED, cause=cause)


def check(world: World, run: OperationRun) -> CheckResult:
    return world.services.check.check(run.id, source="sweep", actor=ADA)


def test_a_queued_run_waits_while_a_foreign_workflow_has_its_id(world: World) -> None:
    run = world.queued()
    world.engine.borrow(workflow_id_of(run), given_to(run, **OF_ANOTHER))
    before = see(world.database, run.id)

    foreseen = world.services.check.preview(run.id)
    checked = check(world, run)

    assert (checked.action, checked.reconciliation) == (Action.LEAVE, None)
    assert foreseen.reconciliation is not None
    assert foreseen.reconciliation.result == "no_decision"
    assert see(world.database, run.id) == before
    assert (world.engine.starts, world.engine.terminated) == ([], [])


@pytest.mark.parametrize("field", ["workspace_id", "environment_id", "ref"])
def test_a_queued_run_never_started_where_a_foreign_workflow_of_its_id_has_closed(
    world: World, field: str
) -> None:
    run = world.queued(ref="release-1")
    other = {field: "release-2"} if field == "ref" else {field: OF_ANOTHER["workspace_id"]}
    world.engine.borrow(workflow_id_of(run), given_to(run, **other), closed_by("cancelled"))

    check(world, run)

    seen = see(world.database, run.id)
    assert seen.standing == completed(Outcome.FAILED)
    assert seen.reconciliation is not None
    assert seen.reconciliation["evidence"]["cause"] == "never_started"
    assert seen.reconciliation["evidence"]["workflow_run_id"] is None


def test_a_queued_run_whose_own_workflow_somebody_started_is_that_workflows(world: World) -> None:
    run = world.queued(ref="release-1")
    world.engine.borrow(workflow_id_of(run), given_to(run))

    assert check(world, run).action is Action.LEAVE

    seen = see(world.database, run.id)
    assert seen.standing == QUEUED
    assert seen.dispatched_at is not None
    view = world.engine.views[workflow_id_of(run)]
    assert seen.context["workflow_run_id"] == view.workflow_run_id


def borrowed_after(world: World, run: OperationRun, own: Execution, foreign: Execution) -> None:
    """Have a run's own workflow, which worked for it, and then a foreign one under its id."""
    workflow_id = workflow_id_of(run)
    with world.database.transaction() as session:
        OperationRunService(session, clock=world.clock).record_workflow(run.id, OWN_RUN)
    world.engine.views[workflow_id] = WorkflowView(
        execution=own, workflow_run_id=OWN_RUN, started_at=utc_now(), closed_at=utc_now()
    )
    world.engine.borrow(workflow_id, given_to(run, **OF_ANOTHER), foreign)


@pytest.mark.parametrize("foreign", [OPEN, closed_by("cancelled")], ids=["open", "closed"])
def test_a_running_run_is_settled_by_its_own_workflow(world: World, foreign: Execution) -> None:
    run = world.running()
    borrowed_after(world, run, closed_by("terminated"), foreign)

    check(world, run)

    seen = see(world.database, run.id)
    assert seen.standing == completed(Outcome.FAILED)
    assert seen.reconciliation is not None
    evidence = seen.reconciliation["evidence"]
    assert evidence["cause"] == "terminated"
    assert (evidence["workflow_id"], evidence["workflow_run_id"]) == (workflow_id_of(run), OWN_RUN)


@pytest.mark.parametrize("foreign", [OPEN, closed_by("cancelled")], ids=["open", "closed"])
def test_a_failed_run_is_not_corrected_by_a_foreign_workflow(world: World, foreign: Execution) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")
    world.engine.borrow(workflow_id_of(run), given_to(run, **OF_ANOTHER), foreign)
    before = see(world.database, run.id)

    check(world, run)

    assert see(world.database, run.id) == before


def test_a_cancellation_is_not_delivered_to_a_foreign_workflow(world: World) -> None:
    run = world.queued()
    world.engine.borrow(workflow_id_of(run), given_to(run, **OF_ANOTHER))

    asked = world.services.cancellations.ask(run.id, ADA)

    assert asked.context.cancellation is not None
    assert asked.context.cancellation.delivered_at is None
    assert world.engine.cancelled == []


def test_the_history_of_a_foreign_workflow_is_not_kept(world: World) -> None:
    run = world.queued()
    workflow_id = workflow_id_of(run)
    world.engine.borrow(workflow_id, given_to(run, **OF_ANOTHER), closed_by("terminated"))
    world.engine.stories[workflow_id] = {"closed_at": "2026-06-01T12:00:00+00:00", "steps": []}
    check(world, run)

    assert Histories(world.database, world.engine, clock=world.clock).keep() == 1

    with world.database.transaction() as session:
        kept = session.get_one(OperationRunHistory, run.id)
    assert kept.history is None


def test_what_support_downloads_tells_nothing_of_a_foreign_workflow(world: World) -> None:
    run = world.queued()
    workflow_id = workflow_id_of(run)
    world.engine.borrow(workflow_id, given_to(run, **OF_ANOTHER))

    bundle = world.browser(Role.READER).get(f"/operations/{run.id}/evidence.json").get_json()

    assert (bundle["engine"]["state"], bundle["engine"]["workflow_run_id"]) == ("not_found", None)
