"""What the engine tells of one workflow, and does to it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from models.base import utc_now
from models.contracts.review_compose import ReviewComposeInput
from models.errors import StartUnconfirmed
from models.reconciliation import OPEN, Execution, ExecutionState
from runtime.local.temporal_server import NAMESPACE
from services.engine.port import Engine, WorkflowStart, WorkflowView
from tests.engine.stand_ins import COMPOSE, NOBODY
from tests.engine.temporal_server import TemporalServer, closed_by, operation_input, unknown_id
from tests.system import wait_for


def test_it_satisfies_the_port(temporal_server: TemporalServer) -> None:
    engine: Engine = temporal_server.engine
    assert engine.describe(unknown_id()).execution.state is ExecutionState.NOT_FOUND


def test_a_running_workflow_is_open(temporal_server: TemporalServer) -> None:
    before = utc_now()
    workflow_id = temporal_server.start("wait")

    view = wait_for(
        lambda: (
            view if (view := temporal_server.engine.describe(workflow_id)).failing_attempts == 0 else None
        ),
        what="its first workflow task to be done",
    )

    assert view.execution == OPEN
    assert view.workflow_type == COMPOSE
    assert view.started_at is not None
    assert abs(view.started_at - before) < timedelta(seconds=10)
    assert (view.closed_at, view.failing_since) == (None, None)


def test_an_open_workflow_tells_the_step_it_is_at(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait_for_a_step")

    view = wait_for(
        lambda: view if (view := temporal_server.engine.describe(workflow_id)).step else None,
        what="the step to be scheduled",
    )

    assert (view.step, view.step_attempts) == ("prepare", 1)
    temporal_server.engine.terminate(workflow_id, "for a test")
    assert temporal_server.engine.describe(workflow_id).step is None


def test_a_completed_workflow_is_closed_without_a_cause(temporal_server: TemporalServer) -> None:
    view = temporal_server.closed(temporal_server.start("complete"))
    assert view.execution == closed_by(None)
    assert view.started_at is not None
    assert view.closed_at is not None
    assert view.started_at < view.closed_at


def test_a_failed_workflow_is_closed_as_an_activity_that_failed(temporal_server: TemporalServer) -> None:
    assert temporal_server.closed(temporal_server.start("fail")).execution == closed_by("activity_failed")


def test_a_workflow_that_took_too_long_is_closed_as_timed_out(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait", execution_timeout=timedelta(seconds=1))
    assert temporal_server.closed(workflow_id).execution == closed_by("timed_out")


def test_a_cancelled_workflow_closes_and_can_be_cancelled_no_more(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait")
    assert temporal_server.engine.cancel(workflow_id) is True
    assert temporal_server.closed(workflow_id).execution == closed_by("cancelled")
    assert temporal_server.engine.cancel(workflow_id) is False


def test_cancelling_twice_while_it_is_open_says_yes_twice(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait", queue=NOBODY)
    assert [temporal_server.engine.cancel(workflow_id), temporal_server.engine.cancel(workflow_id)] == [
        True,
        True,
    ]
    assert temporal_server.engine.describe(workflow_id).execution == OPEN


def test_a_completed_workflow_is_not_cancelled(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.run_to_end("complete")
    assert temporal_server.engine.cancel(workflow_id) is False
    assert temporal_server.engine.describe(workflow_id).execution == closed_by(None)


def test_terminating_twice_changes_nothing(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait", queue=NOBODY)
    temporal_server.engine.terminate(workflow_id, "its task keeps failing")
    first = temporal_server.engine.describe(workflow_id)
    temporal_server.engine.terminate(workflow_id, "again")
    assert first.execution == closed_by("terminated")
    assert (first.failing_attempts, first.failing_since) == (0, None)
    assert temporal_server.engine.describe(workflow_id) == first


def test_an_unknown_workflow_is_not_found_and_takes_no_orders(temporal_server: TemporalServer) -> None:
    workflow_id = unknown_id()
    assert temporal_server.engine.describe(workflow_id) == WorkflowView(
        execution=Execution(state=ExecutionState.NOT_FOUND)
    )
    assert temporal_server.engine.first_event(workflow_id) is None
    assert temporal_server.engine.compact_history(workflow_id) is None
    assert temporal_server.engine.cancel(workflow_id) is False
    temporal_server.engine.terminate(workflow_id, "it is not there")
    assert temporal_server.engine.describe(workflow_id).execution.state is ExecutionState.NOT_FOUND


def test_a_reset_workflow_is_judged_by_its_new_run(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.run_to_end("fail")
    request = ResetWorkflowExecutionRequest(
        namespace=NAMESPACE,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id),
        reason="for a test",
        request_id=str(uuid4()),
        workflow_task_finish_event_id=4,
    )
    first_run = temporal_server.story(workflow_id)["run_id"]
    temporal_server.connection.call(lambda client: client.workflow_service.reset_workflow_execution(request))
    newest = temporal_server.closed(workflow_id)
    assert temporal_server.story(workflow_id)["run_id"] == newest.workflow_run_id != first_run
    engine = temporal_server.engine
    assert engine.describe(workflow_id, workflow_run_id=first_run).workflow_run_id == first_run
    earlier = engine.compact_history(workflow_id, workflow_run_id=first_run)
    assert earlier is not None
    assert earlier["run_id"] == first_run
    # It began as the first did, and its first event says so.
    for run_id in (first_run, newest.workflow_run_id):
        event = engine.first_event(workflow_id, workflow_run_id=run_id)
        assert event is not None
        assert event.workflow_run_id == first_run


def test_a_workflow_task_that_keeps_failing_is_counted(temporal_server: TemporalServer) -> None:
    before = utc_now()
    workflow_id = temporal_server.start("bug")

    view = wait_for(
        lambda: (
            view if (view := temporal_server.engine.describe(workflow_id)).failing_attempts >= 2 else None
        ),
        what="a second attempt of the workflow task",
    )

    assert view.execution == OPEN
    assert view.failing_since is not None
    assert abs(view.failing_since - before) < timedelta(seconds=10)
    temporal_server.engine.terminate(workflow_id, "the test is over")


def test_a_workflow_without_a_worker_is_at_its_first_attempt(temporal_server: TemporalServer) -> None:
    view = temporal_server.engine.describe(temporal_server.start("complete", queue=NOBODY))
    assert view.execution == OPEN
    assert view.failing_attempts == 1


def test_starting_twice_is_starting_once(temporal_server: TemporalServer) -> None:
    start = WorkflowStart(
        workflow_id=unknown_id(),
        workflow_type=COMPOSE,
        task_queue=NOBODY,
        operation_input=operation_input("complete"),
        execution_timeout=timedelta(minutes=5),
        summary="",
        details="",
    )
    temporal_server.engine.start(start)
    first = temporal_server.engine.describe(start.workflow_id)
    temporal_server.engine.start(start)
    assert temporal_server.engine.describe(start.workflow_id) == first


@pytest.mark.parametrize("closed", [False, True])
def test_a_workflow_of_other_work_does_not_count_as_started(
    temporal_server: TemporalServer, *, closed: bool
) -> None:
    workflow_id = temporal_server.run_to_end("complete") if closed else temporal_server.start("wait")
    before = temporal_server.engine.describe(workflow_id).workflow_run_id
    start = WorkflowStart(
        workflow_id=workflow_id,
        workflow_type=COMPOSE,
        task_queue=NOBODY,
        operation_input=operation_input("another"),
        execution_timeout=timedelta(minutes=5),
        summary="",
        details="",
    )

    with pytest.raises(StartUnconfirmed):
        temporal_server.engine.start(start)

    assert temporal_server.engine.describe(workflow_id).workflow_run_id == before


def test_the_first_event_tells_the_plain_input(temporal_server: TemporalServer) -> None:
    told = {"workspace_id": str(UUID(int=1)), "environment_id": str(UUID(int=2)), "ref": "main"}
    workflow_id = temporal_server.start_raw(told)

    event = temporal_server.engine.first_event(workflow_id)

    assert event is not None
    assert (event.workflow_type, event.task_queue) == (COMPOSE, NOBODY)
    assert event.operation_input == told
    assert event.started_at == temporal_server.engine.describe(workflow_id).started_at


def test_the_first_event_of_our_own_start_tells_the_typed_input(temporal_server: TemporalServer) -> None:
    event = temporal_server.engine.first_event(temporal_server.start("wait", queue=NOBODY))
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
def test_an_input_that_is_not_one_plain_object_is_none(
    temporal_server: TemporalServer, arguments: tuple[Any, ...]
) -> None:
    event = temporal_server.engine.first_event(temporal_server.start_raw(*arguments))
    assert event is not None
    assert event.operation_input is None
