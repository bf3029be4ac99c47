import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio import activity, workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import ActivityCancellationType

from models.base import utc_now
from models.catalog import OperationType
from models.contracts import Cause, ReviewComposeInput
from models.correlation import Correlation
from models.reconciliation import OPEN, Execution, ExecutionState
from runtime.ports import HOST, free_ports
from runtime.settings import Settings
from runtime.temporal_connection import TemporalConnection, connect
from runtime.temporal_engine import TemporalEngine
from runtime.temporal_server import NAMESPACE, running_temporal
from runtime.temporal_setup import setup_temporal
from services.dispatch import WorkflowStart
from services.engine import Engine, EngineUnreachable, WorkflowView
from tests.system import wait_for

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
NOBODY = "a-queue-that-nobody-polls"
SECRET = "ghp_0123456789abcdef0123456789abcdef"
AT_ONCE = RetryPolicy(initial_interval=timedelta(milliseconds=10), backoff_coefficient=1)
LONG = timedelta(minutes=10)


@activity.defn
async def prepare(name: str) -> str:
    return name


@activity.defn
async def reach_the_remote() -> None:
    if activity.info().attempt < 3:
        message = f"could not read https://user:{SECRET}@git.example.org/repository.git: {'x' * 500}"
        raise ApplicationError(message, type="environment_unreachable")


@activity.defn
async def push() -> None:
    message = "the remote refused the push"
    raise ApplicationError(message, type="push_refused", non_retryable=True) from ValueError("a hook said no")


@workflow.defn(name=COMPOSE)
class StandIn:
    """Ends, or does not, in the way that its input's `ref` names."""

    @workflow.run
    async def run(self, operation_input: ReviewComposeInput) -> str:
        await getattr(self, operation_input.ref or "complete")()
        return "done"

    async def complete(self) -> None:
        await workflow.execute_activity(prepare, "windows", summary="Prepare it", start_to_close_timeout=LONG)

    async def wait(self) -> None:
        await workflow.wait_condition(lambda: False)

    async def fail(self) -> None:
        await workflow.execute_activity(push, start_to_close_timeout=LONG)

    async def retry(self) -> None:
        await workflow.execute_activity(
            reach_the_remote, start_to_close_timeout=LONG, retry_policy=AT_ONCE, summary="Fetch it"
        )

    async def bug(self) -> None:
        raise RuntimeError("this workflow's code has a bug")

    async def time_out_a_step(self) -> None:
        await workflow.execute_activity(
            prepare,
            "never",
            task_queue=NOBODY,
            schedule_to_start_timeout=timedelta(seconds=1),
            start_to_close_timeout=LONG,
        )

    async def wait_for_a_step(self) -> None:
        await workflow.execute_activity(
            prepare,
            "never",
            task_queue=NOBODY,
            start_to_close_timeout=LONG,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    async def many_steps(self) -> None:
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    prepare, str(number), summary=f"{number} " + "z" * 150, start_to_close_timeout=LONG
                )
                for number in range(40)
            )
        )


@dataclass(frozen=True, kw_only=True)
class World:
    """A Temporal server, the engine under test, and a worker on a queue of its own."""

    address: str
    queue: str
    connection: TemporalConnection
    engine: TemporalEngine

    def start(
        self, ref: str, *, queue: str | None = None, execution_timeout: timedelta = timedelta(minutes=5)
    ) -> str:
        correlation = Correlation(operation_type=COMPOSE, run_id=uuid4())
        self.engine.start(
            WorkflowStart(
                workflow_id=correlation.workflow_id,
                workflow_type=COMPOSE,
                task_queue=queue or self.queue,
                operation_input=operation_input(ref),
                execution_timeout=execution_timeout,
                summary="Environment review of windows",
                details="For a test.",
                search_attributes={"OperationRunId": str(correlation.run_id)},
            )
        )
        return correlation.workflow_id

    def start_raw(self, *arguments: Any, task_queue: str = NOBODY) -> str:
        """Start a workflow as a service with any SDK may."""
        workflow_id = Correlation(operation_type=COMPOSE, run_id=uuid4()).workflow_id
        self.connection.call(
            lambda client: client.start_workflow(
                COMPOSE, args=arguments, id=workflow_id, task_queue=task_queue
            )
        )
        return workflow_id

    def closed(self, workflow_id: str) -> WorkflowView:
        def look() -> WorkflowView | None:
            view = self.engine.describe(workflow_id)
            return view if view.execution.state is ExecutionState.CLOSED else None

        return wait_for(look, what=f"{workflow_id} to close")

    def run_to_end(self, ref: str) -> str:
        workflow_id = self.start(ref)
        self.closed(workflow_id)
        return workflow_id

    def story(self, workflow_id: str) -> dict[str, Any]:
        story = self.engine.compact_history(workflow_id)
        assert story is not None
        return story


@pytest.fixture(scope="session", autouse=True)
def quiet_end() -> Iterator[None]:
    """Give the clients' threads a moment before the interpreter goes, or they crash it."""
    yield
    time.sleep(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_temporal(tmp_path_factory.mktemp("temporal"), say=lambda _: None) as server:
        setup_temporal(Settings(temporal_address=server.address))
        connection = TemporalConnection(server.address, NAMESPACE)
        queue = "stand-ins"
        with working(connection, queue):
            yield World(
                address=server.address,
                queue=queue,
                connection=connection,
                engine=TemporalEngine(TemporalConnection(server.address, NAMESPACE)),
            )


@contextmanager
def working(connection: TemporalConnection, queue: str) -> Iterator[None]:
    """Run a worker on the connection's own loop, with a client that a worker accepts."""

    async def start(_: Client) -> tuple[Worker, asyncio.Task[None]]:
        client = await connect(connection.address, connection.namespace, lazy=False)
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[StandIn],
            activities=[prepare, reach_the_remote, push],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        return worker, asyncio.create_task(worker.run())

    async def stop(_: Client) -> None:
        await worker.shutdown()
        await running

    worker, running = connection.call(start)
    try:
        yield
    finally:
        connection.call(stop, timeout=timedelta(seconds=20))


def operation_input(ref: str) -> ReviewComposeInput:
    return ReviewComposeInput(workspace_id=UUID(int=1), environment_id=UUID(int=2), ref=ref)


def unknown_id() -> str:
    return Correlation(operation_type=COMPOSE, run_id=uuid4()).workflow_id


def closed_by(cause: Cause | None) -> Execution:
    return Execution(state=ExecutionState.CLOSED, cause=cause)


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


def test_abnormal_closings_are_candidates_newest_first(world: World) -> None:
    since = utc_now()
    failed = world.run_to_end("fail")
    cancelled = world.start("wait")
    world.engine.cancel(cancelled)
    world.closed(cancelled)
    timed_out = world.start("wait", execution_timeout=timedelta(seconds=1))
    world.closed(timed_out)
    terminated = world.start("wait")
    world.engine.terminate(terminated, "for a test")
    completed, running = world.run_to_end("complete"), world.start("wait")

    expected = [terminated, timed_out, cancelled, failed]
    listed = wait_for(
        lambda: found if len(found := world.engine.closed_abnormally(since, limit=50)) >= 4 else None,
        what="four candidates",
    )

    assert listed == expected
    assert not {completed, running} & set(listed)
    assert world.engine.closed_abnormally(since, limit=2) == expected[:2]
    assert world.engine.closed_abnormally(utc_now() + timedelta(minutes=1), limit=50) == []


def test_open_workflows_are_candidates_and_foreign_ones_are_not(world: World) -> None:
    since = utc_now()
    foreign = f"somebody-elses-{uuid4()}"
    world.connection.call(lambda client: client.start_workflow("anything", id=foreign, task_queue=NOBODY))
    ours = [world.start("wait", queue=NOBODY) for _ in range(3)]
    world.run_to_end("complete")

    wait_for(
        lambda: set(world.engine.open_workflows(since, limit=50)) == set(ours),
        what="exactly our three open ones to be listed",
    )

    assert len(world.engine.open_workflows(since, limit=2)) == 2


def test_a_queue_with_a_worker_shows_it(world: World) -> None:
    view = wait_for(
        lambda: view if (view := world.engine.queue(world.queue)).pollers else None, what="a poller"
    )
    assert view.pollers == 1
    assert view.last_polled_at is not None
    assert utc_now() - view.last_polled_at < timedelta(minutes=2)


def test_a_queue_without_a_worker_shows_what_waits(world: World) -> None:
    queue = f"forgotten-{uuid4()}"
    for _ in range(7):
        world.start("complete", queue=queue)

    view = wait_for(
        lambda: view if (view := world.engine.queue(queue)).backlog == 7 else None, what="a backlog of 7"
    )

    assert (view.pollers, view.last_polled_at) == (0, None)
    assert 0 < view.oldest_waits < 60


def test_the_story_of_a_retried_step_tells_its_attempts_and_no_secret(world: World) -> None:
    workflow_id = world.run_to_end("retry")

    story = world.story(workflow_id)

    assert (story["workflow_id"], story["status"], story["cause"]) == (workflow_id, "completed", None)
    assert str(UUID(story["run_id"])) == story["run_id"]
    [step] = story["steps"]
    assert (step["step"], step["summary"]) == ("reach_the_remote", "Fetch it")
    assert (step["attempts"], step["result"]) == (3, "completed")
    assert step["failure"].startswith("environment_unreachable: could not read https://***@git.example.org")
    assert len(step["failure"]) == 300
    assert SECRET not in json.dumps(story)
    moments = [story["started_at"], step["scheduled_at"], step["started_at"], step["ended_at"]]
    assert sorted(moments) == moments
    assert datetime.fromisoformat(story["closed_at"]).tzinfo == UTC
    history = world.connection.call(lambda client: client.get_workflow_handle(workflow_id).fetch_history())
    assert story["events"] == len(history.events)
    assert story["steps_left_out"] == 0


def test_the_story_of_a_failed_step_tells_why_down_to_the_root(world: World) -> None:
    story = world.story(world.run_to_end("fail"))
    assert (story["status"], story["cause"]) == ("failed", "activity_failed")
    [step] = story["steps"]
    assert (step["attempts"], step["result"]) == (1, "failed")
    assert step["failure"] == "push_refused: the remote refused the push / ValueError: a hook said no"


def test_the_story_of_a_step_that_nobody_took_tells_the_time_out(world: World) -> None:
    [step] = world.story(world.run_to_end("time_out_a_step"))["steps"]
    assert (step["result"], step["started_at"], step["attempts"]) == ("timed_out", None, None)
    assert "ScheduleToStart" in step["failure"]


def test_the_story_of_a_cancelled_step_says_so(world: World) -> None:
    workflow_id = world.start("wait_for_a_step")
    wait_for(lambda: world.story(workflow_id)["steps"], what="the step to be scheduled")
    world.engine.cancel(workflow_id)
    world.closed(workflow_id)

    story = world.story(workflow_id)

    assert (story["status"], story["cause"]) == ("cancelled", "cancelled")
    assert [(step["result"], step["failure"]) for step in story["steps"]] == [("cancelled", None)]


def test_the_story_of_a_terminated_workflow_leaves_its_step_open(world: World) -> None:
    workflow_id = world.start("wait_for_a_step")
    wait_for(lambda: world.story(workflow_id)["steps"], what="the step to be scheduled")
    world.engine.terminate(workflow_id, "for a test")
    story = world.story(workflow_id)
    assert story["cause"] == "terminated"
    assert [(step["result"], step["ended_at"]) for step in story["steps"]] == [(None, None)]


def test_a_long_story_keeps_its_beginning_and_its_end(world: World) -> None:
    story = world.story(world.run_to_end("many_steps"))
    kept = [int(step["summary"].split()[0]) for step in story["steps"]]
    assert len(json.dumps(story)) <= 8192
    assert len(kept) > 10
    assert (kept[0], kept[-1], sorted(kept)) == (0, 39, kept)
    assert story["steps_left_out"] == 40 - len(kept)


QUESTIONS: dict[str, Callable[[TemporalEngine], object]] = {
    "describe": lambda engine: engine.describe(unknown_id()),
    "first_event": lambda engine: engine.first_event(unknown_id()),
    "cancel": lambda engine: engine.cancel(unknown_id()),
    "terminate": lambda engine: engine.terminate(unknown_id(), "for a test"),
    "closed_abnormally": lambda engine: engine.closed_abnormally(utc_now(), limit=1),
    "open_workflows": lambda engine: engine.open_workflows(utc_now(), limit=1),
    "compact_history": lambda engine: engine.compact_history(unknown_id()),
    "queue": lambda engine: engine.queue(NOBODY),
}
each_question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)


@each_question
def test_without_a_server_it_says_so_within_five_seconds(
    question: Callable[[TemporalEngine], object],
) -> None:
    [port] = free_ports(1)
    refuses(TemporalEngine(TemporalConnection(f"{HOST}:{port}", NAMESPACE)), question)


def test_a_server_that_never_answers_is_unreachable_within_five_seconds() -> None:
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        refuses(TemporalEngine(TemporalConnection(f"{HOST}:{port}", NAMESPACE)), QUESTIONS["describe"])


def test_a_server_that_went_away_is_unreachable_for_every_question(tmp_path: Path) -> None:
    with running_temporal(tmp_path, say=lambda _: None) as server:
        engine = TemporalEngine(TemporalConnection(server.address, NAMESPACE))
        assert engine.describe(unknown_id()).execution.state is ExecutionState.NOT_FOUND
    for question in QUESTIONS.values():
        refuses(engine, question)


@each_question
def test_in_an_unknown_namespace_nothing_is_concluded(
    world: World, question: Callable[[TemporalEngine], object]
) -> None:
    refuses(TemporalEngine(TemporalConnection(world.address, "elsewhere")), question)


def refuses(engine: TemporalEngine, question: Callable[[TemporalEngine], object]) -> None:
    before = time.monotonic()
    with pytest.raises(EngineUnreachable):
        question(engine)
    assert time.monotonic() - before < 5
