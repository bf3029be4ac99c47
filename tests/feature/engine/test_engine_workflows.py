"""What the engine tells of one workflow, and does to it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from models.base import utc_now
from models.contracts import ReviewComposeInput
from models.reconciliation import OPEN, Execution, ExecutionState
from runtime.local.temporal_server import NAMESPACE
from services.engine.port import Engine, WorkflowStart, WorkflowView
from tests.feature.engine.engine_world import World, closed_by, operation_input, unknown_id
from tests.feature.engine.stand_ins import COMPOSE, NOBODY
from tests.system import wait_for


def test_it_satisfies_the_port(world: World) -> None:
    engine: Engine = world.engine
    assert engine.describe(unknown_id()).execution.state is ExecutionState.NOT_FOUND


def test_a_running_workflow_is_open(world: World) -> None:
    before = utc_now()
    workflow_id = world.start("wait")

    view = wait_for(
        lambda: view if (view := world.engine.describe(workflow_id)).failing_attempts == 0 else None,
        what="its first workflow task to be done",
    )

    assert view.execution == OPEN
    assert view.workflow_type == COMPOSE
    assert view.started_at is not None
    assert abs(view.started_at - before) < timedelta(seconds=10)
    assert (view.closed_at, view.failing_since) == (None, None)


def test_an_open_workflow_tells_the_step_it_is_at(world: World) -> None:
    workflow_id = world.start("wait_for_a_step")

    view = wait_for(
        lambda: view if (view := world.engine.describe(workflow_id)).step else None,
        what="the step to be scheduled",
    )

    assert (view.step, view.step_attempts) == ("prepare", 1)
    world.engine.terminate(workflow_id, "for a test")
    assert world.engine.describe(workflow_id).step is None


def test_a_completed_workflow_is_closed_without_a_cause(world: World) -> None:
    view = world.closed(world.start("complete"))
    assert view.execution == closed_by(None)
    assert view.started_at is not None
    assert view.closed_at is not None
    assert view.started_at < view.closed_at


def test_a_failed_workflow_is_closed_as_an_activity_that_failed(world: World) -> None:
    assert world.closed(world.start("fail")).execution == closed_by("activity_failed")


def test_a_workflow_that_took_too_long_is_closed_as_timed_out(world: World) -> None:
    workflow_id = world.start("wait", execution_timeout=timedelta(seconds=1))
    assert world.closed(workflow_id).execution == closed_by("timed_out")


def test_a_cancelled_workflow_closes_and_can_be_cancelled_no_more(world: World) -> None:
    workflow_id = world.start("wait")
    assert world.engine.cancel(workflow_id) is True
    assert world.closed(workflow_id).execution == closed_by("cancelled")
    assert world.engine.cancel(workflow_id) is False


def test_cancelling_twice_while_it_is_open_says_yes_twice(world: World) -> None:
    workflow_id = world.start("wait", queue=NOBODY)
    assert [world.engine.cancel(workflow_id), world.engine.cancel(workflow_id)] == [True, True]
    assert world.engine.describe(workflow_id).execution == OPEN


def test_a_completed_workflow_is_not_cancelled(world: World) -> None:
    workflow_id = world.run_to_end("complete")
    assert world.engine.cancel(workflow_id) is False
    assert world.engine.describe(workflow_id).execution == closed_by(None)


def test_terminating_twice_changes_nothing(world: World) -> None:
    workflow_id = world.start("wait", queue=NOBODY)
    world.engine.terminate(workflow_id, "its task keeps failing")
    first = world.engine.describe(workflow_id)
    world.engine.terminate(workflow_id, "again")
    assert first.execution == closed_by("terminated")
    assert (first.failing_attempts, first.failing_since) == (0, None)
    assert world.engine.describe(workflow_id) == first


def test_an_unknown_workflow_is_not_found_and_takes_no_orders(world: World) -> None:
    workflow_id = unknown_id()
    assert world.engine.describe(workflow_id) == WorkflowView(
        execution=Execution(state=ExecutionState.NOT_FOUND)
    )
    assert world.engine.first_event(workflow_id) is None
    assert world.engine.compact_history(workflow_id) is None
    assert world.engine.cancel(workflow_id) is False
    world.engine.terminate(workflow_id, "it is not there")
    assert world.engine.describe(workflow_id).execution.state is ExecutionState.NOT_FOUND


def test_a_reset_workflow_is_judged_by_its_new_run(world: World) -> None:
    workflow_id = world.run_to_end("fail")
    request = ResetWorkflowExecutionRequest(
        namespace=NAMESPACE,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id),
        reason="for a test",
        request_id=str(uuid4()),
        workflow_task_finish_event_id=4,
    )
    first_run = world.story(workflow_id)["run_id"]
    world.connection.call(lambda client: client.workflow_service.reset_workflow_execution(request))
    world.closed(workflow_id)
    assert world.story(workflow_id)["run_id"] != first_run


def test_a_workflow_task_that_keeps_failing_is_counted(world: World) -> None:
    before = utc_now()
    workflow_id = world.start("bug")

    view = wait_for(
        lambda: view if (view := world.engine.describe(workflow_id)).failing_attempts >= 2 else None,
        what="a second attempt of the workflow task",
    )

    assert view.execution == OPEN
    assert view.failing_since is not None
    assert abs(view.failing_since - before) < timedelta(seconds=10)
    world.engine.terminate(workflow_id, "the test is over")


def test_a_workflow_without_a_worker_is_at_its_first_attempt(world: World) -> None:
    view = world.engine.describe(world.start("complete", queue=NOBODY))
    assert view.execution == OPEN
    assert view.failing_attempts == 1


def test_starting_twice_is_starting_once(world: World) -> None:
    start = WorkflowStart(
        workflow_id=unknown_id(),
        workflow_type=COMPOSE,
        task_queue=NOBODY,
        operation_input=operation_input("complete"),
        execution_timeout=timedelta(minutes=5),
        summary="",
        details="",
    )
    world.engine.start(start)
    first = world.engine.describe(start.workflow_id)
    world.engine.start(start)
    assert world.engine.describe(start.workflow_id) == first


def test_the_first_event_tells_the_plain_input(world: World) -> None:
    told = {"workspace_id": str(UUID(int=1)), "environment_id": str(UUID(int=2)), "ref": "main"}
    workflow_id = world.start_raw(told)

    event = world.engine.first_event(workflow_id)

    assert event is not None
    assert (event.workflow_type, event.task_queue) == (COMPOSE, NOBODY)
    assert event.operation_input == told
    assert event.started_at == world.engine.describe(workflow_id).started_at


def test_the_first_event_of_our_own_start_tells_the_typed_input(world: World) -> None:
    event = world.engine.first_event(world.start("wait", queue=NOBODY))
    assert event is not None
    assert event.operation_input is not None
    assert ReviewComposeInput.model_validate(event.operation_input) == operation_input("wait")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="no argument"),
        pytest.param((b"\x00\x01",), id="bytes"),
        pytest.param((None,), id="null"),
        pytest.param((["a", "list"],), id="no object"),
        pytest.param(({"workspace_id": "1"}, {"environment_id": "2"}), id="two arguments"),
    ],
)
def test_an_input_that_is_not_one_plain_object_is_none(world: World, arguments: tuple[Any, ...]) -> None:
    event = world.engine.first_event(world.start_raw(*arguments))
    assert event is not None
    assert event.operation_input is None
