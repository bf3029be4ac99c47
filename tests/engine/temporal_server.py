import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.contracts import Cause
from models.contracts.review_compose import ReviewComposeInput
from models.correlation import Correlation
from models.reconciliation import Execution, ExecutionState
from runtime.temporal.client import TemporalConnection, connect
from runtime.temporal.engine import TemporalEngine
from services.engine.port import WorkflowStart, WorkflowView
from tests.engine.stand_ins import COMPOSE, NOBODY, StandIn, hold, prepare, push, reach_the_remote
from tests.system import wait_for


@dataclass(frozen=True, kw_only=True)
class TemporalServer:
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


@contextmanager
def working(connection: TemporalConnection, queue: str) -> Iterator[None]:
    """Run a worker on the connection's own loop, with a client that a worker accepts."""

    async def start(_: Client) -> tuple[Worker, asyncio.Task[None]]:
        client = await connect(connection.profile, lazy=False)
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[StandIn],
            activities=[prepare, reach_the_remote, hold, push],
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
