"""Runs of every standing, and workflows that borrow their ids, started at once on a real Temporal."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select, text
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import (
    ApplicationError,
    CancelledError,
    TerminatedError,
    WorkflowAlreadyStartedError,
)
from temporalio.exceptions import TimeoutError as TemporalTimeoutError
from temporalio.worker import Worker

from models.base import Json
from models.catalog import OperationType
from models.correlation import Correlation
from models.environment import Environment
from models.lifecycle import Outcome
from models.operation_run import OperationRequest, OperationRun
from models.reason_codes import ReasonCode
from models.sweep import SweepCursor, SweepResult
from reconcilers.sweep import Sweep
from runtime.container import build_run_check
from runtime.settings import Settings
from runtime.temporal.client import connect
from runtime.worker import build_worker
from services.database.session import Database
from services.runs.admission import OperationRequests
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.inputs import input_of
from services.runs.service import OperationRunService
from tests.engine.stand_ins import NOBODY
from tests.engine.temporal_server import TemporalServer
from tests.factories import TARGET, correlation_of, make_plan
from tests.world import COMPOSE, RESTORE, World

# What may not change but by the work of the run itself.
TABLES = (
    "operation_runs", "operation_requests", "operation_run_transitions", "environment_reviews",
    "restore_results", "operation_run_histories",
)  # fmt: skip
SCOPES = ("own", "foreign workspace", "foreign environment", "other identity")
LONG = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Borrowing:
    """A workflow of some type and scope under the uuid of a run."""

    run_kind: str
    run: OperationRun
    operation_type: OperationType
    scope: str
    given: Json

    @property
    def workflow_id(self) -> str:
        return Correlation(operation_type=self.operation_type, run_id=self.run.id).workflow_id

    @property
    def is_held(self) -> bool:
        """Whether the run's own workflow is open under this very id."""
        return self.run.completed_at is None and self.run.type == self.operation_type

    @property
    def name(self) -> str:
        return f"{self.operation_type} of {self.scope} under {self.run_kind}"


def borrowings(world: World) -> list[Borrowing]:
    """Return every type and scope under the uuid of a run of every standing, a run for each scope."""
    foreign = world.add_environment("Foreign", world.add_workspace("foreign", "Foreign"))
    elsewhere = {"foreign workspace": foreign, "foreign environment": world.add_environment("Elsewhere")}
    return [
        Borrowing(
            run_kind=kind,
            run=run,
            operation_type=operation_type,
            scope=scope,
            given=as_json(run)
            if (operation_type, scope) == (run.type, "own")
            else _given(world, elsewhere.get(scope, environment), operation_type),
        )
        for scope in SCOPES
        for environment in [world.add_environment(f"Of the runs for {scope}")]
        for kind, run in make_runs(world, environment).items()
        for operation_type in OperationType
    ]


def make_runs(world: World, environment: Environment) -> dict[str, OperationRun]:
    """Make a run of each standing."""
    with world.database.transaction() as session:
        plan = make_plan(session, environment)
    restore = world.running(RESTORE, environment, restore_plan_id=str(plan.id))
    failed = world.running(environment=environment, ref="failed")
    world.settle(failed, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")
    queued = world.queued(environment=environment, ref="queued")
    duplicate = Correlation(operation_type=RESTORE, run_id=uuid4())
    with world.database.transaction() as session:
        OperationRunService(session, clock=world.clock).record_dispatched(queued.id, world.clock())
        OperationRequests(session, target=TARGET).ensure_run(duplicate, input_of(restore))
    ids = {
        "an active restore": restore.id,
        "an active compose": world.running(environment=environment, ref="active").id,
        "a queued compose": queued.id,
        "a failed compose": failed.id,
        "a succeeded compose": world.review(environment=environment, ref="succeeded").run_id,
        "a blocked duplicate": duplicate.run_id,
    }
    return {kind: world.run(run_id) for kind, run_id in ids.items()}


def as_json(run: OperationRun) -> Json:
    return input_of(run).model_dump(mode="json")


def _given(world: World, environment: Environment, operation_type: OperationType) -> Json:
    scope = {"workspace_id": str(environment.workspace_id), "environment_id": str(environment.id)}
    if operation_type is COMPOSE:
        return scope | {"ref": "something-else"}
    with world.database.transaction() as session:
        return scope | {"restore_plan_id": str(make_plan(session, environment).id)}


def whole_rows(database: Database) -> dict[str, set[str]]:
    """Return every row of the tables that a workflow could change."""
    with database.transaction() as session:
        return {
            table: set(session.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t"))) for table in TABLES
        }


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A real Temporal, a queue of its own with our worker, and our sweep."""

    server: TemporalServer
    database: Database
    folder: Path
    queue: str

    @property
    def settings(self) -> Settings:
        return Settings(
            temporal_address=self.server.address, task_queue=self.queue, data_dir=self.folder / "data"
        )

    def start(
        self, workflow_id: str, workflow_type: str, given: Json, *, queue: str, timeout: timedelta = LONG
    ) -> bool:
        """Start a workflow as any program may; return False where the id is held by an open one."""

        async def begin(client: Client) -> bool:
            try:
                await client.start_workflow(
                    workflow_type, given, id=workflow_id, task_queue=queue, execution_timeout=timeout
                )
            except WorkflowAlreadyStartedError:
                return False
            return True

        return self.server.connection.call(begin)

    def start_own(self, run: OperationRun) -> None:
        """Start a run's own workflow where no worker takes it."""
        assert self.start(correlation_of(run).workflow_id, run.type, as_json(run), queue=NOBODY)

    def endings(self, workflow_ids: Sequence[str]) -> dict[str, str]:
        """Wait for workflows to close; return how each did: a failure's type, or `completed` and so on."""

        async def wait(client: Client) -> list[str]:
            return await asyncio.gather(*(_ending(client, workflow_id) for workflow_id in workflow_ids))

        endings = self.server.connection.call(wait, timeout=timedelta(seconds=90))
        return dict(zip(workflow_ids, endings, strict=True))

    def dispatch(self, run: OperationRun) -> None:
        """Hand a queued run to Temporal."""
        dispatcher = Dispatcher(self.database, self.server.engine, public_url="http://runs.example")
        dispatcher.dispatch_or_fail(run.id)

    def requests(self) -> Sequence[OperationRequest]:
        """Return every request that was accepted."""
        with self.database.transaction() as session:
            return session.scalars(select(OperationRequest)).all()

    def sweep(self) -> SweepResult:
        check = build_run_check(self.database, self.server.engine, self.settings)
        cancellations = Cancellations(self.database, self.server.engine)
        sweep = Sweep(self.database, self.server.engine, check, cancellations, connection="default")
        return sweep.run_once(SweepCursor())

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run our worker on the queue."""

        async def start(_: Client) -> tuple[Worker, asyncio.Task[None]]:
            client = await connect(self.server.connection.profile, lazy=False)
            worker = build_worker(client, self.database, self.settings)
            return worker, asyncio.create_task(worker.run())

        async def stop(_: Client) -> None:
            await worker.shutdown()
            await running

        worker, running = self.server.connection.call(start)
        try:
            yield
        finally:
            self.server.connection.call(stop, timeout=timedelta(seconds=30))


async def _ending(client: Client, workflow_id: str) -> str:
    try:
        await client.get_workflow_handle(workflow_id).result()
    except WorkflowFailureError as error:
        return _word_of(error)
    return "completed"


def _word_of(error: BaseException) -> str:
    """Return the word of the innermost failure."""
    words: dict[type[BaseException], str] = {
        CancelledError: "cancelled", TerminatedError: "terminated", TemporalTimeoutError: "timed_out"
    }  # fmt: skip
    found: Any = error
    word = "failed"
    while found is not None:
        if isinstance(found, ApplicationError):
            return str(found.type)
        word = words.get(type(found), word)
        found = found.__cause__
    return word
