import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from models.base import Json, utc_now
from models.contracts import Cause
from models.reconciliation import OPEN, Execution, ExecutionState
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from runtime.container import ADAPTERS
from services.database.session import Database
from services.engine.cache import EngineCache
from services.engine.port import (
    NOT_FOUND,
    EngineUnreachable,
    FirstEvent,
    QueueView,
    TaskLine,
    WorkflowStart,
    WorkflowView,
)
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.new_run import Dispatch
from tests.mirrors import mirrors_under
from tests.open_transactions import OpenTransactions
from web.context import Services

assert ADAPTERS  # imported so that they register themselves

NO_TASKS = TaskLine(last_polled_at=None)
IDLE = QueueView(pollers=0, workflow_tasks=NO_TASKS, activities=NO_TASKS)


@dataclass
class FakeEngine:
    """Stands where Temporal is, in memory: takes starts and cancellations, and tells what a test set up.

    `error` is what a start answers with; `is_away` makes everything else raise EngineUnreachable.
    `views` has the newest execution of a workflow id, `earlier` others by Temporal's own id, and
    `first_events` how the newest was started, where a test says so.
    """

    starts: list[WorkflowStart] = field(default_factory=list)
    error: Exception | None = None
    is_away: bool = False
    views: dict[str, WorkflowView] = field(default_factory=dict)
    earlier: dict[str, WorkflowView] = field(default_factory=dict)
    first_events: dict[str, FirstEvent] = field(default_factory=dict)
    stories: dict[str, Json] = field(default_factory=dict)
    queue_view: QueueView = IDLE
    sweep_view: QueueView = IDLE
    cancelled: list[str] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    transactions: OpenTransactions | None = None

    def start(self, start: WorkflowStart) -> None:
        self._reach("start")
        self.starts.append(start)
        if self.error is not None:
            raise self.error
        self.open(start.workflow_id)

    def open(self, workflow_id: str, **standing: Any) -> None:
        self.views[workflow_id] = WorkflowView(execution=OPEN, started_at=utc_now(), **standing)

    def close(self, workflow_id: str, cause: Cause | None, **standing: Any) -> None:
        execution = Execution(state=ExecutionState.CLOSED, cause=cause)
        self.views[workflow_id] = WorkflowView(
            execution=execution, started_at=utc_now(), closed_at=utc_now(), **standing
        )

    def borrow(self, workflow_id: str, given: Json, execution: Execution = OPEN) -> None:
        """Have another workflow under an id, as Temporal allows once the one before has closed."""
        before = self.views.get(workflow_id, NOT_FOUND)
        self.earlier[before.workflow_run_id or ""] = before
        first = FirstEvent(
            workflow_type=workflow_id.split(".", 2)[2].rpartition(".")[0],
            workflow_run_id=str(uuid4()),
            task_queue="a-queue",
            started_at=utc_now(),
            operation_input=given,
        )
        self.first_events[workflow_id] = first
        self.views[workflow_id] = WorkflowView(
            execution=execution,
            workflow_type=first.workflow_type,
            workflow_run_id=first.workflow_run_id,
            started_at=first.started_at,
        )

    def describe(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowView:
        self._look("describe")
        newest = self.views.get(workflow_id, NOT_FOUND)
        if workflow_run_id in {None, newest.workflow_run_id}:
            return newest
        return self.earlier.get(workflow_run_id or "", NOT_FOUND)

    def first_event(self, workflow_id: str, *, workflow_run_id: str | None = None) -> FirstEvent | None:
        first = self.first_events.get(workflow_id)
        return first if first and workflow_run_id in {None, first.workflow_run_id} else None

    def cancel(self, workflow_id: str) -> bool:
        self._look("cancel")
        if self.views.get(workflow_id, NOT_FOUND).execution != OPEN:
            return False
        self.cancelled.append(workflow_id)
        return True

    def terminate(self, workflow_id: str, reason: str) -> None:
        self._look(f"terminate: {reason}")
        self.terminated.append(workflow_id)
        self.close(workflow_id, "terminated")

    def closed_abnormally(self, since: datetime, *, limit: int) -> Sequence[str]:
        raise NotImplementedError(since, limit)

    def open_workflows(self, since: datetime, *, limit: int) -> Sequence[str]:
        raise NotImplementedError(since, limit)

    def compact_history(
        self,
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,  # noqa: ARG002 - a story is that of any execution
    ) -> dict[str, Any] | None:
        self._look("compact_history")
        return self.stories.get(workflow_id)

    def retention(self) -> timedelta:
        self._look("retention")
        return timedelta(days=3)

    def queue(self, task_queue: str) -> QueueView:
        self._look(f"queue {task_queue}")
        return self.sweep_view if task_queue.endswith("-sweep") else self.queue_view

    def _look(self, at: str) -> None:
        self._reach(at)
        self.looks.append(at)
        if self.is_away:
            raise EngineUnreachable("nobody there")

    def _reach(self, what: str) -> None:
        if self.transactions is not None:
            self.transactions.refuse(f"Temporal is reached ({what})")


# Of the tests alone.
ENCRYPTION_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


def services_on(
    engine: FakeEngine, database: Database, *, folder: Path, roots: Sequence[Path], public_url: str
) -> Services:
    """Compose the web's services on a fake engine and a real database.

    The engine fails where it is reached with a transaction open.
    """
    engine.transactions = OpenTransactions(database.engine)
    mirrors = mirrors_under(folder / "mirrors", roots=roots, keys=[ENCRYPTION_KEY])
    dispatcher = Dispatcher(database, engine, public_url=public_url)
    return Services(
        database=database,
        dispatcher=dispatcher,
        engine=engine,
        engine_cache=EngineCache(engine),
        check=RunCheck(database, engine, AdapterRunReconciler(database, mirrors), dispatcher),
        cancellations=Cancellations(database, engine),
        mirrors=mirrors,
        target=Dispatch(queue="operation-runs", connection="default"),
        allowed_file_roots=roots,
        public_url=public_url,
        temporal_ui_url="http://temporal.example",
    )
